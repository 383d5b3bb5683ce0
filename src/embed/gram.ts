/**
 * Principal directions from the Gram matrix of the fewer of samples and genes, all in float64: the Gram matrix in one sweep over X,
 * its largest eigenpairs, and the other side's vectors in a second sweep. Squaring X loses half of the digits: of 16.
 * Contract: the result does not depend on threads, nor on whether X is held or stored (with samples the fewer it is held here);
 * null where the eigenvalues sought span too many powers of ten (leading-eigen.ts).
 */
import { Graph } from "../graph/graph.js";
import { createSession } from "../graph/session.js";
import { type HeldMatrix, hold, type Matrix } from "../matrix.js";
import type { Directions, Search } from "./directions.js";
import { leadingEigen } from "./leading-eigen.js";
import { KEPT_VALUES } from "./row-blocks.js";

/** Samples or genes up to which a Gram matrix takes less time than the passes of krylov.ts (measured). */
const FEW = 1536;
/** Values of X in float64 at once: 16 MB stay in the processor's cache. */
const CHUNK_VALUES = 2 ** 21;
/** The fewer side is cut into panels of at least so many, since only half of the products of two panels are needed; at most: */
const PANEL = 96;
const MOST_PANELS = 6;
/** Share of the largest eigenvalue below which an eigenvalue is rounding, and below which its vector needs care. */
const ROUNDING = 1e-12;
const INEXACT = 1e-8;

/** Says the same of a stored matrix as of a held one, so that the result is the same too. */
export const gramPays = ({ rows, cols }: Matrix): boolean =>
  cols <= rows ? cols <= FEW : rows <= FEW && rows * cols <= KEPT_VALUES / 2; // 512 MB at most where it is held as CSR

/** @param x samples × genes, finite, at least two of each; @param mean of each gene */
export async function gramDirections(
  x: Matrix,
  mean: Float64Array,
  search: Search,
): Promise<Directions | null> {
  const { k, threads, report, random } = search;
  const panels = new Panels(x.kind === "stored" && x.rows < x.cols ? await hold(x) : x, mean);
  const { few, many, width } = panels;
  const gram = await gramMatrix(panels, search);
  const eigen = await leadingEigen(gram, search);
  if (eigen === null) return null;
  const most = Math.max(0, eigen.values[0]);
  const values = eigen.values.slice(0, k).map((v) => Math.max(0, v));
  const found = eigen.values.length;
  const short = new Float64Array(panels.count * width * k); // filled up with zeros
  for (let r = 0; r < few; r++) for (let i = 0; i < k; i++) short[r * k + i] = eigen.vectors[r * found + i];

  // X · short or Xᵀ · short: many × k, with columns of length √θ.
  const long = new Float64Array(many * k);
  const graph = new Graph("pca-other-side");
  const products = Array.from({ length: panels.count }, (_, p) =>
    graph.op(
      "Gemm",
      [panels.input(graph, p), graph.input(`v${p}`, [width, k], "float64")],
      [panels.length, k],
      { transA: panels.side === "samples" ? 1 : 0 },
    ),
  );
  graph.output("out", products.length === 1 ? products[0] : graph.op("Sum", products, [panels.length, k]));
  const session = await createSession(graph, { ...(threads !== undefined && { threads }), spinning: true });
  try {
    const parts: Record<string, Float64Array> = {};
    for (let p = 0; p < panels.count; p++)
      parts[`v${p}`] = short.subarray(p * width * k, (p + 1) * width * k);
    for (const { first, count, feeds } of panels.chunks()) {
      report(0, `${Math.floor((100 * first) / many)} % of the vectors`);
      const { out } = await session.run({ ...feeds, ...parts });
      long.set((out.data as Float64Array).subarray(0, count * k), first * k);
    }
  } finally {
    await session.release();
  }
  if (panels.side === "genes")
    return { values, loadings: new Float32Array(transposed(short, few, k)), scores: new Float32Array(long) };

  const loadings = transposed(long, many, k);
  const scores = new Float32Array(few * k);
  for (let i = 0; i < k; i++) {
    const real = values[i] > ROUNDING * most;
    if (!real) values[i] = 0;
    for (let r = 0; r < few; r++) scores[r * k + i] = Math.sqrt(values[i]) * short[r * k + i];
    const row = loadings.subarray(i * many, (i + 1) * many);
    if (!real) for (let j = 0; j < many; j++) row[j] = random.standardNormal();
    if (values[i] <= INEXACT * most) makeOrthogonal(loadings, i, many);
    scaleTo1(row);
  }
  return { values, loadings: new Float32Array(loadings), scores };
}

/** Rows × k to k × rows. */
function transposed(columns: Float64Array, rows: number, k: number): Float64Array {
  const out = new Float64Array(rows * k);
  for (let r = 0; r < rows; r++) for (let i = 0; i < k; i++) out[i * rows + r] = columns[r * k + i];
  return out;
}

/** Takes the rows before row i out of it, twice, as once leaves rounding. */
function makeOrthogonal(rows: Float64Array, i: number, length: number): void {
  const row = rows.subarray(i * length, (i + 1) * length);
  scaleTo1(row);
  for (let again = 0; again < 2; again++)
    for (let b = 0; b < i; b++) {
      const other = rows.subarray(b * length, (b + 1) * length);
      let along = 0;
      for (let j = 0; j < length; j++) along += row[j] * other[j];
      for (let j = 0; j < length; j++) row[j] -= along * other[j];
    }
}

function scaleTo1(row: Float64Array): void {
  let squares = 0;
  for (const v of row) squares += v * v;
  const scale = 1 / Math.sqrt(squares);
  for (let j = 0; j < row.length; j++) row[j] *= scale;
}

/** The Gram matrix of the fewer side: few × few. */
async function gramMatrix(panels: Panels, { threads, report }: Search): Promise<Float64Array> {
  const { few, many, width, count, side } = panels;
  const graph = new Graph("pca-gram");
  const inputs = Array.from({ length: count }, (_, p) => panels.input(graph, p));
  const pairs = inputs.flatMap((_, p) => Array.from({ length: p + 1 }, (_, q) => [p, q] as const));
  const transpose = { [side === "samples" ? "transB" : "transA"]: 1 };
  for (const [p, q] of pairs) {
    const sofar = graph.input(`sofar${p}_${q}`, [width, width], "float64");
    graph.output(`sum${p}_${q}`, graph.op("Gemm", [inputs[p], inputs[q], sofar], [width, width], transpose));
  }
  const named = (name: string) =>
    Object.fromEntries(pairs.map(([p, q]) => [`${name}${p}_${q}`, new Float64Array(width * width)]));
  const options = { ...(threads !== undefined && { threads }), spinning: true, inPlace: true };
  const session = await createSession(graph, options);
  const [sofar, sum] = [named("sofar"), named("sum")];
  try {
    for (const { first, feeds } of panels.chunks()) {
      report(0, `${Math.floor((100 * first) / many)} % of the products`);
      await session.run({ ...feeds, ...sofar }, sum);
      for (const [p, q] of pairs)
        [sofar[`sofar${p}_${q}`], sum[`sum${p}_${q}`]] = [sum[`sum${p}_${q}`], sofar[`sofar${p}_${q}`]];
    }
  } finally {
    await session.release();
  }
  const out = new Float64Array(few * few);
  for (const [p, q] of pairs) {
    const block = sofar[`sofar${p}_${q}`];
    const [rows, columns] = [p, q].map((panel) => Math.min(width, few - panel * width));
    for (let a = 0; a < rows; a++)
      for (let b = 0; b < (p === q ? a + 1 : columns); b++) {
        const [i, j] = [p * width + a, q * width + b];
        out[i * few + j] = block[a * width + b];
        out[j * few + i] = block[a * width + b];
      }
  }
  return out;
}

/** The centred matrix in float64, a chunk of the longer side at a time, cut into panels along the shorter one. */
class Panels {
  readonly side: "samples" | "genes";
  /** Length of the shorter side and of the longer one. */
  readonly few: number;
  readonly many: number;
  readonly count: number;
  /** Of a panel, along the shorter side; the last one is filled up with zeros. */
  readonly width: number;
  /** Of a chunk, along the longer side; the last one is filled up with zeros. */
  readonly length: number;
  private readonly arrays: Float64Array[];

  constructor(
    private readonly x: Matrix,
    private readonly mean: Float64Array,
  ) {
    this.side = x.kind !== "stored" && x.rows < x.cols ? "samples" : "genes"; // a stored one is read by rows
    [this.few, this.many] = this.side === "samples" ? [x.rows, x.cols] : [x.cols, x.rows];
    this.count = Math.min(MOST_PANELS, Math.max(1, Math.floor(this.few / PANEL)));
    this.width = Math.ceil(this.few / this.count);
    // Never shorter than the fewer side: every product has at least as many rows as columns, see krylov.ts on threads.
    this.length = Math.min(this.many, Math.max(this.few, Math.floor(CHUNK_VALUES / this.few)));
    this.arrays = Array.from({ length: this.count }, () => new Float64Array(this.width * this.length));
  }

  /** A panel as an input of a graph: width × length, or length × width where genes are the shorter side. */
  input(graph: Graph, p: number) {
    const { side, width, length } = this;
    return graph.input(`x${p}`, side === "samples" ? [width, length] : [length, width], "float64");
  }

  /** Chunks of the longer side, in order; the arrays are filled anew each time. */
  *chunks(): Generator<{ first: number; count: number; feeds: Record<string, Float64Array> }> {
    const { x, side, few, many, width, length, arrays } = this;
    const feeds = Object.fromEntries(arrays.map((array, p) => [`x${p}`, array]));
    for (let first = 0; first < many; first += length) {
      const count = Math.min(length, many - first);
      if (count < length) for (const array of arrays) array.fill(0);
      if (side === "samples" && x.kind !== "stored") {
        for (const [p, array] of arrays.entries())
          this.fill(x, [p * width, Math.min(width, few - p * width)], [first, count], length, array);
      } else {
        // The chunks are those of a held matrix, so that the sums are too; they are read in the blocks that suit the file.
        const most = x.kind === "stored" ? x.blockRows : count;
        for (let done = 0; done < count; done += most) {
          const rows = Math.min(most, count - done);
          const [block, at] = x.kind === "stored" ? [x.read(first + done, rows), 0] : [x, first];
          for (const [p, array] of arrays.entries()) {
            const columns: [number, number] = [p * width, Math.min(width, few - p * width)];
            this.fill(block, [at, rows], columns, width, array.subarray(done * width));
          }
        }
      }
      yield { first, count, feeds };
    }
  }

  /** Rows and columns of a block (the first and how many), centred, into an array of the given stride. */
  private fill(
    block: HeldMatrix,
    [firstRow, rows]: readonly [number, number],
    [firstColumn, columns]: readonly [number, number],
    stride: number,
    into: Float64Array,
  ): void {
    const { cols } = block;
    const mean = this.mean.subarray(firstColumn, firstColumn + columns);
    for (let r = 0; r < rows; r++) {
      const row = into.subarray(r * stride, r * stride + columns);
      if (block.kind === "dense") {
        const at = (firstRow + r) * cols + firstColumn;
        const values = block.data.subarray(at, at + columns);
        for (let j = 0; j < columns; j++) row[j] = values[j] - mean[j];
      } else {
        for (let j = 0; j < columns; j++) row[j] = 0 - mean[j];
        const { indptr, indices, values } = block;
        const end = indptr[firstRow + r + 1];
        let p = lowerBound(indices, indptr[firstRow + r], end, firstColumn);
        for (; p < end && indices[p] < firstColumn + columns; p++) {
          const j = indices[p] - firstColumn;
          row[j] = values[p] - mean[j];
        }
      }
    }
  }
}

/** The first place in from … end − 1 whose index is not below `least`. */
function lowerBound(indices: Int32Array, from: number, end: number, least: number): number {
  let [low, high] = [from, end];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (indices[middle] < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
