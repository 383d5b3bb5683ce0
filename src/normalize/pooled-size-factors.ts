/**
 * Role: size factors by pooling and deconvolution: cells that lie together in a ring of library sizes are added up, the
 * median ratio of such a pool to the mean of all cells says how large the pool is, and the factors of its cells are solved
 * from the sizes of all pools. Sums are free of the zeros that spoil the ratios of single cells, and medians of the genes
 * that differ.
 * Contract: as scuttle's pooledSizeFactors of one cluster; deterministic; factors before their cleaning and centring.
 * Reference: Lun, Bach & Marioni 2016, Genome Biology 17:75; scuttle 1.8.4 is the oracle. scuttle cuts more than 3,000 cells
 * into clusters to save time; here there is always one (2,000 cells × 15,000 genes: 3 s).
 */
import { breathe, SLICE } from "../embed/scran.js";
import { throwIfAborted } from "../errors.js";
import type { HeldMatrix } from "../matrix.js";
import { type Progress, silent } from "../progress.js";
import { MovingMedian, medianInPlace } from "./median.js";
import { ringLeastSquares } from "./ring-least-squares.js";

/** Cells in a pool, from 21 to 101 in steps of 5. */
export const poolSizes: readonly number[] = Array.from({ length: 17 }, (_, i) => 21 + 5 * i);
/** Weight of the equations that draw each cell to its library size. */
const LOW_WEIGHT = 1e-6;

/** What the cells are measured by. */
export interface Reference {
  /** The genes that are looked at, rising: mean at least the least mean. */
  readonly genes: Int32Array;
  /** Of each of them the mean of the cells at the mean library size. */
  readonly mean: Float64Array;
  /** Mean library size. */
  readonly total: number;
}

export interface PooledFactors {
  readonly reference: Reference;
  /** Library size of each cell. */
  readonly totals: Float64Array;
  /** Places of the cells in the ring. */
  readonly ring: Int32Array;
  /** Of each cell the factor relative to its library size, about 1; not positive where the pools contradict each other. */
  readonly relative: Float64Array;
}

/** Sum of each row. */
export function rowTotals(x: HeldMatrix): Float64Array {
  const totals = new Float64Array(x.rows);
  for (let i = 0; i < x.rows; i++) {
    const [begin, end] = rowRange(x, i);
    const values = x.kind === "dense" ? x.data : x.values;
    for (let p = begin; p < end; p++) totals[i] += values[p];
  }
  return totals;
}

const rowRange = (x: HeldMatrix, i: number): readonly [number, number] =>
  x.kind === "dense" ? [i * x.cols, (i + 1) * x.cols] : [x.indptr[i], x.indptr[i + 1]];

/** Least mean of a gene: 0.1 for counts of molecules, 1 where a median cell has 100,000 counts or more. */
export function leastMean(totals: Float64Array): number {
  return medianInPlace(totals.slice()) >= 1e5 ? 1 : 0.1;
}

/**
 * The mean of the cells, each divided by its library size.
 * @param totals of the rows, all positive
 */
export function referenceOf(x: HeldMatrix, totals: Float64Array, least = leastMean(totals)): Reference {
  const total = totals.reduce((a, b) => a + b, 0) / Math.max(1, totals.length);
  const sums = new Float64Array(x.cols);
  for (let i = 0; i < x.rows; i++) addRow(x, i, 1 / totals[i], null, sums);
  const mean = sums.map((sum) => (sum / x.rows) * total);
  const genes = Int32Array.from(mean.keys()).filter((gene) => mean[gene] >= least);
  return { genes, mean: Float64Array.from(genes, (gene) => mean[gene]), total };
}

/**
 * Adds a row, times `scale`, to `sums`.
 * @param place of each column in `sums`, or −1; null: its own
 * @param weights each place's own factor
 */
export function addRow(
  x: HeldMatrix,
  row: number,
  scale: number,
  place: Int32Array | null,
  sums: Float64Array,
  weights?: Float64Array,
): void {
  const [begin, end] = rowRange(x, row);
  const values = x.kind === "dense" ? x.data : x.values;
  for (let p = begin; p < end; p++) {
    const column = x.kind === "dense" ? p - begin : x.indices[p];
    const at = place === null ? column : place[column];
    if (at >= 0) sums[at] += weights === undefined ? values[p] * scale : values[p] * scale * weights[at];
  }
}

/** Cells of odd rank rising, then those of even rank falling: neighbours on the ring have like library sizes. */
export function ringOf(totals: Float64Array): Int32Array {
  const order = Array.from(totals.keys()).sort((a, b) => totals[a] - totals[b]); // stable, as R's order
  return Int32Array.from([
    ...order.filter((_, rank) => rank % 2 === 0),
    ...order.filter((_, rank) => rank % 2 === 1).reverse(),
  ]);
}

/**
 * @param x cells × genes: numbers from 0 upwards, in each cell one above 0
 */
export async function pooledSizeFactors(
  x: HeldMatrix,
  { progress = silent, signal, least }: { progress?: Progress; signal?: AbortSignal; least?: number } = {},
): Promise<PooledFactors> {
  const n = x.rows;
  const totals = rowTotals(x);
  const reference = referenceOf(x, totals, least);
  const ring = ringOf(totals);
  const { genes, mean, total } = reference;
  const lengths = genes.length === 0 ? [] : poolSizes.filter((size) => size <= n);
  const place = new Int32Array(x.cols).fill(-1);
  genes.forEach((gene, g) => {
    place[gene] = g;
  });
  const inverse = mean.map((m) => 1 / m);
  const add = (at: number, sign: 1 | -1, sums: Float64Array) => {
    const cell = ring[at % n];
    addRow(x, cell, (sign * total) / totals[cell], place, sums, inverse);
  };
  const task = progress.task("size factors", lengths.length * n);
  let last = performance.now();
  try {
    const sizes: Float64Array[] = [];
    for (const [s, length] of lengths.entries()) {
      throwIfAborted(signal);
      // Ratios to the reference of the pool that begins at `first`; one cell comes in and one goes at each step.
      const pool = new Float64Array(genes.length);
      const median = new MovingMedian(genes.length);
      const found = new Float64Array(n);
      for (let at = 0; at < length; at++) add(at, 1, pool);
      for (let first = 0; first < n; first++) {
        found[first] = median.of(pool);
        add(first, -1, pool);
        add(first + length, 1, pool);
        if (performance.now() - last < SLICE) continue;
        task.update(s * n + first);
        await breathe(signal);
        last = performance.now();
      }
      sizes.push(found);
    }
    const level = genes.length === 0 ? 1 : total / mean.reduce((a, b) => a + b, 0);
    const solved = ringLeastSquares(lengths, sizes, n, level, LOW_WEIGHT);
    const relative = new Float64Array(n);
    ring.forEach((cell, at) => {
      relative[cell] = solved[at];
    });
    return { reference, totals, ring, relative };
  } finally {
    task.end();
  }
}
