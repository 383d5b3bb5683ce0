/**
 * Which genes to keep, chosen on training samples:
 *  - "variance": those with the largest variance;
 *  - "seurat": those with the largest dispersion (variance / mean of the values before the logarithm) for their level
 *    of expression, as `scanpy.pp.highly_variable_genes(flavor="seurat", n_top_genes=count)`: the logarithm of the
 *    dispersion, standardised within 20 bins of equal width of the logarithm of the mean.
 * Always as many as asked for: equals at the end of the list are taken in the order of the genes (scanpy takes all of
 * them, more than asked for). Constant genes come last, and right before them those without a dispersion.
 * Reference: Satija et al. 2015, "Spatial reconstruction of single-cell gene expression data"; scanpy 1.11.
 */
import { CellhueError } from "../errors.js";
import type { Matrix, PassOptions } from "../matrix.js";
import { geneMoments } from "./scale.js";

export interface GeneChoice {
  how: "variance" | "seurat";
  /** 1 or more. */
  count: number;
}

/** Bins of the mean: scanpy's default. */
const BINS = 20;

/**
 * @param x training samples × genes, finite; for "seurat" natural logarithms of 1 + a normalised count
 * @returns gene numbers, rising; all genes where no more are there
 * @throws CellhueError values too large to be logarithms, for "seurat"
 * @throws RangeError where `count` is no such number, there are no rows, or a value is not finite
 */
export async function chooseGenes(
  x: Matrix,
  { how, count }: GeneChoice,
  options?: PassOptions,
): Promise<Int32Array> {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`chooseGenes: ${count} genes; at least 1`);
  const value = how === "seurat" ? Math.expm1 : undefined;
  const { mean, variance } = await geneMoments(x, options, value);
  if (!variance.every(Number.isFinite)) return refuse(x, options);
  const score = how === "seurat" ? normalisedDispersion(mean, variance) : variance;
  const tier = score.map((s, j) => (variance[j] === 0 ? 2 : Number.isNaN(s) ? 1 : 0));
  const order = Array.from(score.keys()).sort(
    (a, b) => tier[a] - tier[b] || (tier[a] === 0 ? score[b] - score[a] : 0) || a - b,
  );
  return Int32Array.from(order.slice(0, count)).sort();
}

async function refuse(x: Matrix, options?: PassOptions): Promise<never> {
  if (!(await geneMoments(x, options)).variance.every(Number.isFinite))
    throw new RangeError("chooseGenes: the matrix has values that are not finite");
  throw new CellhueError("the values are too large to be logarithms of expression", {
    expected: "log-normalised values, which the choice of genes by dispersion turns back into counts",
    remedy: ["--normalize log1p-cp10k", "choose the genes by variance"],
  });
}

/** The z score of each gene's log dispersion within its bin; NaN for genes without one. */
function normalisedDispersion(mean: Float64Array, variance: Float64Array): Float64Array {
  const level = mean.map((m) => Math.log1p(m === 0 ? 1e-12 : m));
  const dispersion = variance.map((v, j) => (v === 0 ? Number.NaN : Math.log(v / mean[j])));
  const bins = equalWidthBins(level);
  const average = new Float64Array(BINS);
  const squares = new Float64Array(BINS);
  const members = new Int32Array(BINS);
  dispersion.forEach((d, j) => {
    if (Number.isNaN(d)) return;
    const b = bins[j];
    const deviation = d - average[b];
    average[b] += deviation / ++members[b];
    squares[b] += deviation * (d - average[b]);
  });
  return dispersion.map((d, j) => {
    const b = bins[j];
    // A gene alone in its bin has no spread to compare with: scanpy gives it 1.
    if (members[b] === 1) return d / average[b];
    return (d - average[b]) / Math.sqrt(squares[b] / (members[b] - 1));
  });
}

/** The bin of each value, 0…19; a bin holds its upper edge (`pandas.cut`). */
function equalWidthBins(values: Float64Array): Int32Array {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const step = (high - low) / BINS;
  const upper = Float64Array.from({ length: BINS }, (_, b) => (b === BINS - 1 ? high : (b + 1) * step + low));
  return Int32Array.from(values, (v) => upper.findIndex((edge) => v <= edge));
}
