/**
 * Principal components, by one of two ways: where samples or genes are few from the Gram matrix of the fewer (gram.ts), else
 * by block Krylov iteration (krylov.ts).
 * Contract: centred, not scaled; the result depends on the matrix and the random state only, not on threads. Signs as
 * scikit-learn's PCA: the largest loading is positive.
 */
import { CellhueError, throwIfAborted } from "../errors.js";
import type { Matrix, PassOptions } from "../matrix.js";
import { type Progress, silent } from "../progress.js";
import type { RandomState } from "../random.js";
import type { Directions, Moments, Search } from "./directions.js";
import { gramDirections, gramPays } from "./gram.js";
import { krylovDirections } from "./krylov.js";
import { columnMoments } from "./row-blocks.js";

export interface Pca {
  readonly components: number;
  /** Samples × components. */
  readonly scores: Float32Array;
  /** Components × genes, orthonormal rows. */
  readonly loadings: Float32Array;
  /** Mean of each gene. */
  readonly mean: Float32Array;
  /** Variance along each component (ddof 1), falling. */
  readonly variance: Float64Array;
  /** The same as a share of the variance of all genes. */
  readonly varianceRatio: Float64Array;
}

export interface PcaOptions {
  components: number;
  /** Which way; left out, the one that takes less time. Gram gives way to Krylov where it cannot do it. */
  by?: "gram" | "krylov";
  /** Draws the first block. */
  random: RandomState;
  threads?: number;
  progress?: Progress;
  signal?: AbortSignal;
}

/** The most components that n samples of so many genes have (as scipy's arpack: one less than the smaller side). */
export function maxComponents(n: number, genes: number): number {
  return Math.max(0, Math.min(n, genes) - 1);
}

/**
 * @param x samples × genes, finite
 * @throws CellhueError where x has fewer than two samples or genes; fewer components than asked for are a warning
 */
export async function pca(x: Matrix, options: PcaOptions): Promise<Pca> {
  const { random, threads, progress = silent, signal, by = gramPays(x) ? "gram" : "krylov" } = options;
  const { rows: n, cols: genes } = x;
  const most = maxComponents(n, genes);
  if (most < 1)
    throw new CellhueError("too few samples or genes for principal components", {
      found: `${n} samples, ${genes} genes`,
      expected: "at least 2 of each",
    });
  const k = Math.min(options.components, most);
  if (k < options.components)
    progress.warn(
      `PCA: ${n} samples × ${genes} genes have ${most} components at most; ${k} are used, not ${options.components}`,
    );
  let known: Promise<Moments> | undefined;
  const moments = () => {
    known ??= finiteMoments(x, { progress, signal });
    return known;
  };
  const task = progress.task("principal components", k);
  const report: Search["report"] = (converged, at) => {
    throwIfAborted(signal);
    task.update(converged, at);
  };
  const search = { k, random, threads, report };
  const byKrylov = async () => {
    const all = await moments();
    return { ...all, ...(await krylovDirections(x, all.mean, search)) };
  };
  const found = (by === "gram" ? await gramDirections(x, moments, search) : null) ?? (await byKrylov());
  orient(found, genes, k);
  task.end();
  const { values, loadings, scores, mean, totalVariance } = found;
  const variance = values.map((v) => v / (n - 1));
  return {
    ...{ components: k, scores, loadings, mean: Float32Array.from(mean), variance },
    varianceRatio: variance.map((v) => (totalVariance > 0 ? v / totalVariance : 0)),
  };
}

async function finiteMoments(x: Matrix, options: PassOptions): Promise<Moments> {
  const moments = await columnMoments(x, options);
  if (!Number.isFinite(moments.totalVariance))
    throw new RangeError("pca: the matrix has values that are not finite");
  return moments;
}

/** Signs as scikit-learn's svd_flip, in place. */
function orient({ loadings, scores }: Directions, genes: number, k: number): void {
  const signs = new Float32Array(k);
  for (let i = 0; i < k; i++) {
    const row = loadings.subarray(i * genes, (i + 1) * genes);
    signs[i] = largestOf(row) < 0 ? -1 : 1;
    if (signs[i] < 0) negate(row);
  }
  for (let p = 0; p < scores.length; p++) scores[p] *= signs[p % k];
}

// Functions of one row each: V8 compiles them within the first rows, where one loop over all is interpreted for long.

function largestOf(row: Float32Array): number {
  let largest = 0;
  for (let j = 0; j < row.length; j++) if (Math.abs(row[j]) > Math.abs(largest)) largest = row[j];
  return largest;
}

function negate(row: Float32Array): void {
  for (let j = 0; j < row.length; j++) row[j] = -row[j];
}
