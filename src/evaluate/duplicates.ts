/**
 * Samples that are in the data twice: the same tissue measured again, a cell under two names, a row copied. One of them in
 * training and the other in a test part is a leak that no protocol removes.
 *
 * Each sample is compared with its nearest ones in PCA space by the correlation of their expression, each gene centred
 * over all samples: two different tumours or cells share hardly more than their kind there, two copies all of it. Pearson
 * without that centring would call most of a bulk set duplicates.
 */
import { eachEntry, fillRows, type Matrix, type PassOptions, rowBlocks } from "../matrix.js";

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
}

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
  const { threshold = 0.99, neighbours = 5 } = options;
  const n = x.rows;
  if (scores.length !== n * k)
    throw new RangeError(`findDuplicates: ${scores.length} scores are not ${n} samples × ${k}`);
  const means = await columnMeans(x, options);
  const [p, q] = [new Float32Array(x.cols), new Float32Array(x.cols)];
  const pairs: DuplicatePair[] = [];
  for (const { a, b } of nearPairs(scores, n, k, neighbours)) {
    fillRows(x, [a], p);
    fillRows(x, [b], q);
    const identical = p.every((v, j) => v === q[j]);
    const correlation = identical ? 1 : centredCorrelation(p, q, means);
    if (identical || correlation >= threshold) pairs.push({ a, b, correlation, identical });
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

/** Every pair in which one is among the nearest of the other, once; by brute force. */
function nearPairs(
  scores: Float32Array,
  n: number,
  k: number,
  neighbours: number,
): { a: number; b: number }[] {
  const seen = new Set<number>();
  const pairs: { a: number; b: number }[] = [];
  const distance = new Float64Array(n);
  for (let i = 0; i < n; i++) {
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
      const [a, b] = i < nearest ? [i, nearest] : [nearest, i];
      if (seen.has(a * n + b)) continue;
      seen.add(a * n + b);
      pairs.push({ a, b });
    }
  }
  return pairs;
}
