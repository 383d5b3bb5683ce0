/**
 * Samples that are in the data twice: the same tissue measured again, a cell under two names, a row copied. One of them in
 * training and the other in a test part is a leak that no protocol removes.
 *
 * Each sample is compared with its nearest ones in PCA space by the correlation of their expression, each gene centred
 * over all samples: two different tumours or cells share hardly more than their kind there, two copies all of it. Pearson
 * without that centring would call most of a bulk set duplicates.
 */
import { breathe } from "../breathe.js";
import { nearest, withScran } from "../embed/scran.js";
import { eachEntry, fillRows, type Matrix, type PassOptions, rowBlocks } from "../matrix.js";
import { silent } from "../progress.js";
import { rowSketches, sketchError } from "./row-sketches.js";

export interface DuplicatePair {
  /** Indices of samples, a < b. */
  a: number;
  b: number;
  /** Correlation of the gene-centred expression; 1 for identical rows. */
  correlation: number;
  /** All values are the same. */
  identical: boolean;
}

export interface DuplicateOptions {
  /** Correlation from which two samples count as one; default 0.99. */
  threshold?: number;
  /** Nearest samples of each that are looked at; default 5. */
  neighbours?: number;
  /** Up to so many samples every pair is looked at; default EXACT_SAMPLES. */
  exact?: number;
  /** Of the approximate search; default all cores. */
  threads?: number;
}

/** Above so many samples the search is approximate. */
export const EXACT_SAMPLES = 10_000;

/** Milliseconds between two looks at the signal. */
const SLICE = 100;

/**
 * @param x samples × genes
 * @param scores samples × k, of the same samples
 * @returns pairs by falling correlation, then by index
 * @throws RangeError where the shapes do not fit
 */
export async function findDuplicates(
  x: Matrix,
  scores: Float32Array,
  k: number,
  options: DuplicateOptions & PassOptions = {},
): Promise<DuplicatePair[]> {
  const { threshold = 0.99, neighbours = 5, exact = EXACT_SAMPLES } = options;
  const { progress = silent, signal } = options;
  const n = x.rows;
  if (scores.length !== n * k)
    throw new RangeError(`findDuplicates: ${scores.length} scores are not ${n} samples × ${k}`);
  const means = await columnMeans(x, options);
  const near =
    n <= exact
      ? await nearPairs(scores, n, k, neighbours, options)
      : await likelyPairs(x, means, await indexedPairs(scores, n, k, neighbours, options), {
          ...options,
          threshold,
          neighbours,
        });
  const [p, q] = [new Float32Array(x.cols), new Float32Array(x.cols)];
  const pairs: DuplicatePair[] = [];
  const task = progress.task("comparing near samples", near.length);
  let there = -1;
  let last = performance.now();
  try {
    for (const [i, { a, b }] of near.entries()) {
      if (performance.now() - last > SLICE) {
        task.update(i);
        await breathe(signal);
        last = performance.now();
      }
      if (a !== there) fillRows(x, [a], p);
      there = a;
      fillRows(x, [b], q);
      const identical = p.every((v, j) => v === q[j]);
      const correlation = identical ? 1 : centredCorrelation(p, q, means);
      if (identical || correlation >= threshold) pairs.push({ a, b, correlation, identical });
    }
    task.update(near.length);
  } finally {
    task.end();
  }
  return pairs.sort((s, t) => t.correlation - s.correlation || s.a - t.a || s.b - t.b);
}

async function columnMeans(x: Matrix, options: PassOptions): Promise<Float64Array> {
  const mean = new Float64Array(x.cols);
  for await (const { first, block } of rowBlocks(x, options))
    eachEntry(block, first, (_row, j, value) => {
      mean[j] += value;
    });
  return mean.map((sum) => sum / x.rows);
}

/** Pearson's correlation of two rows after the mean of each gene is taken off; 0 where one of them has no spread. */
function centredCorrelation(p: Float32Array, q: Float32Array, means: Float64Array): number {
  const d = means.length;
  let sp = 0;
  let sq = 0;
  for (let j = 0; j < d; j++) {
    sp += p[j] - means[j];
    sq += q[j] - means[j];
  }
  let pp = 0;
  let qq = 0;
  let pq = 0;
  for (let j = 0; j < d; j++) {
    const u = p[j] - means[j] - sp / d;
    const v = q[j] - means[j] - sq / d;
    pp += u * u;
    qq += v * v;
    pq += u * v;
  }
  return pp > 0 && qq > 0 ? pq / Math.sqrt(pp * qq) : 0;
}

interface Pair {
  a: number;
  b: number;
}

/** Pairs, each once, a < b. */
class Pairs {
  readonly all: Pair[] = [];
  private readonly seen = new Set<number>();

  constructor(private readonly n: number) {}

  add(i: number, j: number): void {
    const [a, b] = i < j ? [i, j] : [j, i];
    const key = a * this.n + b;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    this.all.push({ a, b });
  }
}

/** Every pair in which one is among the nearest of the other, once; by brute force. */
async function nearPairs(
  scores: Float32Array,
  n: number,
  k: number,
  neighbours: number,
  { progress = silent, signal }: PassOptions,
): Promise<Pair[]> {
  const pairs = new Pairs(n);
  const distance = new Float64Array(n);
  const task = progress.task("near samples", n);
  let last = performance.now();
  try {
    for (let i = 0; i < n; i++) {
      if (performance.now() - last > SLICE) {
        task.update(i);
        await breathe(signal);
        last = performance.now();
      }
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let c = 0; c < k; c++) sum += (scores[i * k + c] - scores[j * k + c]) ** 2;
        distance[j] = sum;
      }
      distance[i] = Infinity;
      for (let found = 0; found < Math.min(neighbours, n - 1); found++) {
        let nearest = 0;
        for (let j = 1; j < n; j++) if (distance[j] < distance[nearest]) nearest = j;
        distance[nearest] = Infinity;
        pairs.add(i, nearest);
      }
    }
    task.update(n);
  } finally {
    task.end();
  }
  return pairs.all;
}

/** Nearly the same pairs, by an index of the scores. */
async function indexedPairs(
  scores: Float32Array,
  n: number,
  k: number,
  neighbours: number,
  { threads, progress = silent, signal }: DuplicateOptions & PassOptions,
): Promise<Pairs> {
  const task = progress.task("index of near samples", 1);
  const { runs, indices } = await withScran(threads, async (scran, count) => {
    await breathe(signal); // the search itself holds the thread
    const found = nearest(scran, scores, n, k, Math.min(neighbours, n - 1), count);
    try {
      return found.serialize();
    } finally {
      found.free();
    }
  }).finally(() => task.end());
  const pairs = new Pairs(n);
  for (let i = 0, at = 0; i < n; at += runs[i++])
    for (let r = 0; r < runs[i]; r++) pairs.add(i, indices[at + r]);
  return pairs;
}

/**
 * Those of the pairs whose sketches do not rule out that they are duplicates, and rows of the same hash (of many equal ones each
 * with the next few), by rising a, so that a row is read once.
 */
async function likelyPairs(
  x: Matrix,
  means: Float64Array,
  near: Pairs,
  options: PassOptions & { threshold: number; neighbours: number },
): Promise<Pair[]> {
  const { threshold, neighbours } = options;
  const sketches = await rowSketches(x, means, options);
  const least = threshold - sketchError(threshold);
  const likely = new Pairs(x.rows);
  for (const { a, b } of near.all) if (sketches.correlation(a, b) >= least) likely.add(a, b);
  const equal = new Map<number, number[]>();
  for (let row = 0; row < x.rows; row++) {
    const key = sketches.hashes[2 * row] * 2 ** 21 + (sketches.hashes[2 * row + 1] >>> 11);
    const rows = equal.get(key);
    if (rows === undefined) equal.set(key, [row]);
    else {
      for (const before of rows.slice(-neighbours)) likely.add(before, row);
      rows.push(row);
    }
  }
  return likely.all.sort((s, t) => s.a - t.a || s.b - t.b);
}
