/**
 * Role: feeds a graph with the centred matrix of a Gram matrix: a chunk of the longer side at a time, cut into panels along
 * the shorter side.
 * Contract: the values are those of float32 or float64 arithmetic, the same however X is held. A dense matrix is sliced
 * and centred by the graph itself (on all threads; a loop here takes four times as long), any other one is filled in here.
 */
import { bisectLeft } from "d3-array";
import type { Graph, TypedArray, Value } from "../graph/graph.js";
import { dataTypes } from "../graph/onnx.js";
import type { HeldMatrix, Matrix } from "../matrix.js";

export type Precision = "float32" | "float64";

/** Values of a chunk: 8 or 16 MB stay in the processor's cache. */
const CHUNK_VALUES = 2 ** 21;
/** A chunk's length is a multiple: rows that begin at odd places in their pages are multiplied slower (see row-blocks.ts). */
const STRIDE = 256;
/** The shorter side is cut into panels of at least so many, since only half of the products of two panels are needed; at most: */
const PANEL = 96;
const MOST_PANELS = 6;

export interface Chunk {
  /** Along the longer side. */
  readonly first: number;
  readonly count: number;
  readonly feeds: Record<string, TypedArray>;
}

export class Panels {
  readonly side: "samples" | "genes";
  /** Length of the shorter side and of the longer one. */
  readonly few: number;
  readonly many: number;
  readonly count: number;
  private readonly width: number;
  private readonly length: number;
  private readonly mean: Float32Array | Float64Array;

  /** @param x not a stored one where the samples are fewer: it is read by rows */
  constructor(
    private readonly x: Matrix,
    mean: Float64Array,
    readonly precision: Precision,
  ) {
    this.side = x.rows < x.cols ? "samples" : "genes";
    [this.few, this.many] = this.side === "samples" ? [x.rows, x.cols] : [x.cols, x.rows];
    this.count = Math.min(MOST_PANELS, Math.max(1, Math.floor(this.few / PANEL)));
    this.width = Math.ceil(this.few / this.count);
    // Never shorter than the fewer side: every product has at least as many rows as columns, see krylov.ts on threads.
    const least = Math.max(this.few, Math.floor(CHUNK_VALUES / this.few));
    this.length = Math.ceil(least / STRIDE) * STRIDE;
    this.mean = precision === "float32" ? Float32Array.from(mean) : mean;
  }

  /** Where panel p begins on the shorter side, and its width; the last one may be narrower. */
  span(p: number): readonly [number, number] {
    return [p * this.width, Math.min(this.width, this.few - p * this.width)];
  }

  /** All panels of the chunk under way as values of a graph: width × chunk, or chunk × width where genes are the shorter side. */
  values(graph: Graph): Value[] {
    const { x, side, precision: type } = this;
    const spans = Array.from({ length: this.count }, (_, p) => this.span(p));
    const dims = spans.map(([, width]) => (side === "samples" ? [width, "chunk"] : ["chunk", width]));
    if (x.kind !== "dense") return dims.map((d, p) => graph.input(`x${p}`, d, type));

    const whole = graph.input("x", [x.rows, x.cols]);
    const mean = graph.input("mean", [1, x.cols], type);
    const [from, to] = ["from", "to"].map((name) => graph.input(name, [1], "int64"));
    const axes = side === "samples" ? [0, 1] : [1, 0]; // of the shorter side and the longer
    const meanOfChunk = graph.op("Slice", [mean, from, to, graph.ints([1])], [1, "chunk"]);
    return spans.map(([first, width], p) => {
      const end = first + width;
      const corners = [first, end].map((at, c) =>
        graph.op("Concat", [graph.ints([at]), [from, to][c]], [2], { axis: 0 }),
      );
      const slice = graph.op("Slice", [whole, ...corners, graph.ints(axes)], dims[p]);
      const exact =
        type === "float32" ? slice : graph.op("Cast", [slice], dims[p], { to: dataTypes[type] }, { type });
      const meanOfPanel = () =>
        graph.op("Slice", [mean, graph.ints([first]), graph.ints([end]), graph.ints([1])], [1, width]);
      return graph.op("Sub", [exact, side === "samples" ? meanOfChunk : meanOfPanel()], dims[p]);
    });
  }

  /** Chunks in order; arrays are filled anew each time. The last is the longest, with what is left. */
  *chunks(): Generator<Chunk> {
    const { x, side, many, mean, length, count: panels } = this;
    const arrays: (Float32Array | Float64Array)[] = [];
    for (let first = 0, count = 0; first < many; first += count) {
      count = many - first < 2 * length ? many - first : length;
      if (x.kind === "dense") {
        const [from, to] = [first, first + count].map((at) => BigInt64Array.of(BigInt(at)));
        yield { first, count, feeds: { x: x.data, mean, from, to } };
        continue;
      }
      const feeds: Record<string, TypedArray> = {};
      for (let p = 0; p < panels; p++) {
        const [at, width] = this.span(p);
        const values = width * count;
        if (!(arrays[p]?.length >= values))
          arrays[p] = mean instanceof Float32Array ? new Float32Array(values) : new Float64Array(values);
        const into = arrays[p].subarray(0, values);
        feeds[`x${p}`] = into;
        if (side === "samples") this.fill(x as HeldMatrix, [at, width], [first, count], into);
      }
      if (side === "genes") {
        // The chunks are those of a held matrix, so that the sums are too; they are read in the blocks that suit the file.
        const most = x.kind === "stored" ? x.blockRows : count;
        for (let done = 0; done < count; done += most) {
          const rows = Math.min(most, count - done);
          const [block, at] = x.kind === "stored" ? [x.read(first + done, rows), 0] : [x, first];
          for (let p = 0; p < panels; p++) {
            const [column, width] = this.span(p);
            const into = feeds[`x${p}`] as Float64Array;
            this.fill(block, [at, rows], [column, width], into.subarray(done * width, (done + rows) * width));
          }
        }
      }
      yield { first, count, feeds };
    }
  }

  /** Rows and columns of a block (the first and how many), centred. */
  private fill(
    block: HeldMatrix,
    [firstRow, rows]: readonly [number, number],
    [firstColumn, columns]: readonly [number, number],
    into: Float32Array | Float64Array,
  ): void {
    const { cols } = block;
    const mean = this.mean.subarray(firstColumn, firstColumn + columns);
    for (let r = 0; r < rows; r++) {
      const row = into.subarray(r * columns, (r + 1) * columns);
      if (block.kind === "dense") {
        const at = (firstRow + r) * cols + firstColumn;
        const values = block.data.subarray(at, at + columns);
        for (let j = 0; j < columns; j++) row[j] = values[j] - mean[j];
      } else {
        for (let j = 0; j < columns; j++) row[j] = 0 - mean[j];
        const { indptr, indices, values } = block;
        const [begin, end] = [indptr[firstRow + r], indptr[firstRow + r + 1]];
        let p = bisectLeft(indices, firstColumn, begin, end);
        for (; p < end && indices[p] < firstColumn + columns; p++) {
          const j = indices[p] - firstColumn;
          row[j] = values[p] - mean[j];
        }
      }
    }
  }
}
