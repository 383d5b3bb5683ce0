/**
 * Standardisation per gene, fitted on training samples and applied to any: (value − mean) / standard deviation, as
 * `scanpy.pp.scale` with its centring. A gene that is constant in training has standard deviation 1, so that it is
 * only centred. Sums are taken in float64 over the values that are not zero, zeros being added at the end, so that a
 * CSR matrix and its dense form give the same bits.
 * Reference: Welford 1962; Chan, Golub & LeVeque 1983 for adding the zeros.
 */
import { eachEntry, type Matrix, type PassOptions, rowBlocks } from "../matrix.js";

export interface GeneScale {
  /** Mean of each gene. */
  mean: Float64Array;
  /** Standard deviation of each gene (ddof 1); 1 where the gene is constant. */
  sd: Float64Array;
}

/**
 * @param x training samples × genes, finite
 * @throws RangeError where there are no rows, or a value is not finite
 */
export async function fitScale(x: Matrix, options?: PassOptions): Promise<GeneScale> {
  const { mean, variance } = await geneMoments(x, options);
  if (!variance.every(Number.isFinite))
    throw new RangeError("fitScale: the matrix has values that are not finite");
  return { mean, sd: variance.map((v) => (v === 0 ? 1 : Math.sqrt(v))) };
}

/**
 * @param block samples × genes, row-major
 * @param maxValue scaled values beyond ±maxValue are cut to it (scanpy's `max_value`)
 * @param into receives the result; may be `block` itself
 * @throws RangeError where the block's length is no multiple of the genes, or `maxValue` is not above 0
 */
export function applyScale(
  block: Float32Array,
  { mean, sd }: GeneScale,
  maxValue = Infinity,
  into = new Float32Array(block.length),
): Float32Array {
  const genes = mean.length;
  if (block.length !== into.length || (genes === 0 ? block.length > 0 : block.length % genes !== 0))
    throw new RangeError(`applyScale: ${block.length} values into ${into.length}, ${genes} genes`);
  if (!(maxValue > 0)) throw new RangeError(`applyScale: maxValue ${maxValue} is not above 0`);
  for (let p = 0; p < block.length; )
    for (let j = 0; j < genes; j++, p++) {
      const z = (block[p] - mean[j]) / sd[j];
      into[p] = z > maxValue ? maxValue : z < -maxValue ? -maxValue : z;
    }
  return into;
}

/**
 * Mean and variance (ddof 1; 0 for a single row) of each gene; the variance of a constant gene is 0 exactly.
 * @param value taken of each entry first; must leave 0 at 0
 * @throws RangeError where there are no rows
 */
export async function geneMoments(
  x: Matrix,
  options: PassOptions = {},
  value: (entry: number) => number = (entry) => entry,
): Promise<{ mean: Float64Array; variance: Float64Array }> {
  const { rows: n, cols } = x;
  if (n === 0) throw new RangeError("geneMoments: no rows");
  const mean = new Float64Array(cols);
  const squares = new Float64Array(cols); // of the deviations from the mean
  const seen = new Int32Array(cols); // entries that are not zero
  const add = (j: number, entry: number) => {
    if (entry === 0) return;
    const v = value(entry);
    const deviation = v - mean[j];
    mean[j] += deviation / ++seen[j];
    squares[j] += deviation * (v - mean[j]);
  };
  for await (const { first, block } of rowBlocks(x, { what: "mean and spread of each gene", ...options }))
    eachEntry(block, first, (_row, j, entry) => add(j, entry));
  for (let j = 0; j < cols; j++) {
    if (seen[j] === n) continue;
    const share = seen[j] / n;
    squares[j] += mean[j] * mean[j] * share * (n - seen[j]);
    mean[j] *= share;
  }
  return { mean, variance: squares.map((sum) => sum / Math.max(1, n - 1)) };
}

/** Least and greatest value of each gene; the zeros of a sparse matrix count. */
export async function geneExtremes(
  x: Matrix,
  options: PassOptions = {},
): Promise<{ minimum: Float32Array; maximum: Float32Array }> {
  const { rows, cols } = x;
  const minimum = new Float32Array(cols).fill(Infinity);
  const maximum = new Float32Array(cols).fill(-Infinity);
  const see = (j: number, v: number) => {
    if (v < minimum[j]) minimum[j] = v;
    if (v > maximum[j]) maximum[j] = v;
  };
  const stored = new Int32Array(cols);
  for await (const { first, block } of rowBlocks(x, { what: "range of each gene", ...options }))
    eachEntry(block, first, (_row, j, v) => {
      stored[j]++;
      see(j, v);
    });
  for (let j = 0; j < cols; j++) if (stored[j] < rows) see(j, 0);
  return { minimum, maximum };
}
