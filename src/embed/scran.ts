/**
 * scran.js (C++ in WebAssembly) for the length of one job: loaded when first needed, its worker threads ended after
 * each, so that a process can exit. It holds one module at a time, so jobs wait for each other.
 * Contract: results do not depend on the number of threads.
 */
import type * as ScranJs from "scran.js";

export type Scran = typeof ScranJs;

/** Above this many samples the neighbour search is approximate (Annoy): an exact one grows with the square. */
const EXACT_LIMIT = 10_000;
/** Milliseconds that scran.js may hold the thread before progress is told and an interrupt is seen. */
export const SLICE = 100;

let last: Promise<unknown> = Promise.resolve();

/** @param threads 0 or undefined: all cores */
export async function withScran<T>(
  threads: number | undefined,
  work: (scran: Scran, threads: number) => Promise<T>,
): Promise<T> {
  const job = last.then(async () => {
    const scran = await import("scran.js");
    const count = threads || cores() || 4;
    await scran.initialize({ numberOfThreads: count });
    try {
      return await work(scran, count);
    } finally {
      scran.terminate();
    }
  });
  last = job.catch(() => {});
  return job;
}

/** Where the runtime tells (browsers, Node 21 and later). */
function cores(): number | undefined {
  return (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency;
}

/** The `count` nearest other samples of each (Euclidean). */
export function nearest(
  scran: Scran,
  points: Float32Array,
  n: number,
  k: number,
  count: number,
  threads: number,
): ScranJs.Neighbours {
  const index = scran.buildNeighborSearchIndex(points, {
    numberOfDims: k,
    numberOfCells: n,
    approximate: n > EXACT_LIMIT,
  });
  const found = scran.findNearestNeighbors(index, count, { numberOfThreads: threads });
  index.free();
  return found;
}

export { breathe } from "../breathe.js";

/** Checks the shape of scores and that they are numbers: scran.js would loop or crash on NaN. */
export function checkScores(what: string, scores: Float32Array, n: number, k: number): void {
  if (scores.length !== n * k || k < 1)
    throw new RangeError(`${what}: ${scores.length} scores are not ${n} × ${k}`);
  const bad = scores.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0)
    throw new RangeError(
      `${what}: the score of sample ${Math.floor(bad / k)}, component ${bad % k}, is ${scores[bad]}`,
    );
}
