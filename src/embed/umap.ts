/**
 * UMAP in two dimensions by scran.js, with scanpy's defaults: 15 neighbours that count the sample itself, min_dist 0.5,
 * spread 1, spectral start, 500 epochs (200 above 10,000 samples).
 * Reference: McInnes, Healy & Melville 2018; scran.js (umappp).
 */
import { type Progress, silent } from "../progress.js";
import { RandomState } from "../random.js";
import { breathe, checkScores, nearest, SLICE, withScran } from "./scran.js";

export interface UmapOptions {
  /** Size of a neighbourhood, the sample itself counted; default 15. */
  neighbours?: number;
  /** Least distance of points in the map; default 0.5. */
  minDist?: number;
  seed: number;
  threads?: number;
  progress?: Progress;
  signal?: AbortSignal;
}

/**
 * @param scores n × k, row-major
 * @returns n × 2, row-major; the same for the same scores and seed, whatever the threads; zeros for n < 3
 */
export async function umap(
  scores: Float32Array,
  n: number,
  k: number,
  options: UmapOptions,
): Promise<Float32Array> {
  const { neighbours = 15, minDist = 0.5, seed, threads, progress = silent, signal } = options;
  checkScores("umap", scores, n, k);
  const map = new Float32Array(2 * n);
  if (n < 3) return map;
  if (neighbours > n) progress.warn(`UMAP: ${n} samples; neighbourhoods of ${n} are used, not ${neighbours}`);
  // The seed of scran.js is fixed; ours sets the order of the samples, which is the order of the random steps.
  const order = new RandomState(seed).permutation(n);
  const points = new Float32Array(n * k);
  for (let i = 0; i < n; i++) points.set(scores.subarray(order[i] * k, (order[i] + 1) * k), i * k);

  return withScran(threads, async (scran, count) => {
    const others = Math.max(1, Math.min(neighbours, n) - 1);
    const near = nearest(scran, points, n, k, others, count);
    const status = scran.initializeUmap(near, {
      neighbors: others,
      epochs: n > 10_000 ? 200 : 500,
      minDist,
      numberOfThreads: count,
    });
    const task = progress.task("UMAP", status.totalEpochs());
    while (status.currentEpoch() < status.totalEpochs()) {
      status.run({ runTime: SLICE });
      task.update(status.currentEpoch());
      await breathe(signal);
    }
    task.end();
    const { x, y } = status.extractCoordinates();
    for (let i = 0; i < n; i++) {
      map[2 * order[i]] = x[i];
      map[2 * order[i] + 1] = y[i];
    }
    return map;
  });
}
