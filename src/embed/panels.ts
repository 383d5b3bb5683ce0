/**
 * Role: feeds a graph with the matrix behind a Gram matrix: in panels along its shorter side, and a chunk of the longer side at a
 * time. Rows of few samples are given as they lie in X (SampleRows); what has to be centred, or is of few genes, is filled in
 * and centred by the graph, on all threads (CentredChunks).
 * Contract: the values, and how sums along the longer side are cut, are the same however X is held.
 */
import { bisectLeft } from "d3-array";
import type { Graph, TypedArray, Value } from "../graph/graph.js";
import { cast } from "../graph/ops/cast.js";
import { type HeldMatrix, type Matrix, toDense } from "../matrix.js";
import { type Floats, floats, type Precision } from "./directions.js";

/** Values of a chunk: 8 or 16 MB stay in the processor's cache. */
const CHUNK_VALUES = 2 ** 21;
/** A chunk's length is a multiple: rows that begin at odd places in their pages are multiplied slower (see row-blocks.ts). */
const STRIDE = 256;

/**
 * Of the side that a product sums over: where a thread has 64 columns of the product or fewer, onnxruntime sums up more than so
 * many in other portions, and the result would depend on the threads.
 */
export const WIDEST = 128;

/** The first and how many, along the shorter side. */
export type Span = readonly [number, number];

export interface Chunk {
  /** Along the longer side. */
  readonly first: number;
  readonly count: number;
  readonly feeds: Record<string, TypedArray>;
}

export interface Panels {
  readonly side: "samples" | "genes";
  /** Length of the shorter side and of the longer one. */
  readonly few: number;
  readonly many: number;
  readonly precision: Precision;
  /** Before the graph is compiled. */
  read(graph: Graph): Reader;
}

export interface Reader {
  /** Of every chunk, where there is one alone. */
  readonly length: number | "chunk";
  /** A span of the chunk under way: width × length, or length × width where genes are the shorter side. */
  of(span: Span): Value;
  /** Chunks in order; arrays are filled anew each time. */
  chunks(): Iterable<Chunk>;
}

/** Panels of at most so many; the last may be the narrowest. */
export function spansOf(few: number, most: number): Span[] {
  const width = Math.ceil(few / Math.ceil(few / most));
  return Array.from({ length: Math.ceil(few / width) }, (_, p) => [
    p * width,
    Math.min(width, few - p * width),
  ]);
}

/** Samples as they lie in X, not centred, in float32; one chunk. */
export class SampleRows implements Panels {
  readonly side = "samples";
  readonly precision = "float32";
  readonly few: number;
  readonly many: number;
  private readonly data: Float32Array;

  /** @param x no more samples than genes */
  constructor(x: HeldMatrix) {
    [this.few, this.many] = [x.rows, x.cols];
    ({ data: this.data } = toDense(x));
  }

  read(graph: Graph): Reader {
    const { data, many } = this;
    const feeds: Record<string, TypedArray> = {};
    return {
      length: many,
      of: ([first, width]) => {
        const name = `${first}+${width}`;
        feeds[name] = data.subarray(first * many, (first + width) * many);
        return graph.input(name, [width, many]);
      },
      chunks: () => [{ first: 0, count: many, feeds }],
    };
  }
}

export class CentredChunks implements Panels {
  readonly side: "samples" | "genes";
  readonly few: number;
  readonly many: number;
  private readonly length: number;
  private readonly mean: Floats;

  /**
   * @param x not a stored one where the samples are fewer: it is read by rows
   * @param mean of each gene
   */
  constructor(
    private readonly x: Matrix,
    mean: Float64Array,
    readonly precision: Precision,
  ) {
    this.side = x.rows < x.cols ? "samples" : "genes";
    [this.few, this.many] = this.side === "samples" ? [x.rows, x.cols] : [x.cols, x.rows];
    // Never shorter than the fewer side: every product has at least as many rows as columns, see krylov.ts on threads.
    const least = Math.max(this.few, Math.floor(CHUNK_VALUES / this.few));
    this.length = Math.ceil(least / STRIDE) * STRIDE;
    this.mean = floats(precision, mean.length);
    this.mean.set(mean);
  }

  read(graph: Graph): Reader {
    const { few, side, precision } = this;
    const dims = (width: number) => (side === "samples" ? [width, "chunk"] : ["chunk", width]);
    const mean = graph.input("mean", side === "samples" ? [1, "chunk"] : [1, few], precision);
    const values = cast(graph, graph.input("values", dims(few)), precision);
    const centred = graph.op("Sub", [values, mean], dims(few));
    const axis = graph.ints([side === "samples" ? 0 : 1]);
    return {
      length: "chunk",
      of: ([first, width]) =>
        graph.op("Slice", [centred, graph.ints([first]), graph.ints([first + width]), axis], dims(width)),
      chunks: () => this.chunks(),
    };
  }

  /** The last chunk is the longest, with what is left. */
  private *chunks(): Generator<Chunk> {
    const { x, side, few, many, mean, length } = this;
    let room = new Float32Array(0);
    for (let first = 0, count = 0; first < many; first += count) {
      count = many - first < 2 * length ? many - first : length;
      if (x.kind === "dense" && side === "genes") {
        yield { first, count, feeds: { values: x.data.subarray(first * few, (first + count) * few), mean } };
        continue;
      }
      if (room.length < few * count) room = new Float32Array(few * count);
      const values = room.subarray(0, few * count);
      if (side === "samples") {
        fill(values, x as HeldMatrix, [0, few], [first, count]);
        yield { first, count, feeds: { values, mean: mean.subarray(first, first + count) } };
        continue;
      }
      // The chunks are those of a held matrix, so that the sums are too; they are read in the blocks that suit the file.
      const most = x.kind === "stored" ? x.blockRows : count;
      for (let done = 0; done < count; done += most) {
        const rows = Math.min(most, count - done);
        const [block, at] = x.kind === "stored" ? [x.read(first + done, rows), 0] : [x, first];
        fill(values.subarray(done * few, (done + rows) * few), block, [at, rows], [0, few]);
      }
      yield { first, count, feeds: { values, mean } };
    }
  }
}

/** Rows and columns of a matrix (the first and how many), row-major. */
function fill(
  into: Float32Array,
  x: HeldMatrix,
  [firstRow, rows]: readonly [number, number],
  [firstColumn, columns]: readonly [number, number],
): void {
  if (x.kind === "csr") into.fill(0);
  for (let r = 0; r < rows; r++) {
    const row = into.subarray(r * columns, (r + 1) * columns);
    if (x.kind === "dense") {
      const at = (firstRow + r) * x.cols + firstColumn;
      row.set(x.data.subarray(at, at + columns));
      continue;
    }
    const { indptr, indices, values } = x;
    const end = indptr[firstRow + r + 1];
    for (let p = bisectLeft(indices, firstColumn, indptr[firstRow + r], end); p < end; p++) {
      const j = indices[p] - firstColumn;
      if (j >= columns) break;
      row[j] = values[p];
    }
  }
}
