/**
 * Genes as vectors over the training samples, for the layouts: which genes have a place at all, and the metrics
 * between them, each as plain Euclidean distance.
 * euclidean    as it is
 * cosine       vectors of length 1: squared distance = 2 · (1 − cosine)
 * correlation  centred over the samples, then of length 1: squared distance = 2 · (1 − Pearson's r)
 * Distances are thus monotone in scipy's "cosine" and "correlation", which are half the square: the same neighbours.
 */
import { pca } from "../../embed/pca.js";
import { geneMoments } from "../../embed/scale.js";
import { type DenseMatrix, type HeldMatrix, toDense } from "../../matrix.js";
import type { Progress } from "../../progress.js";
import { RandomState } from "../../random.js";

export type GeneMetric = "euclidean" | "cosine" | "correlation";

export interface LayoutOptions {
  readonly seed: number;
  readonly threads?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/**
 * The genes that vary in training, rising. The others carry nothing, and have no direction for cosine and correlation:
 * they get no place. Genes that are equal stay, and coincide.
 * @param x training samples × genes
 */
export async function varyingGenes(x: HeldMatrix): Promise<Int32Array> {
  const { variance } = await geneMoments(x);
  return Int32Array.from(variance.keys()).filter((j) => variance[j] > 0);
}

/** Genes × samples; a sparse matrix stays sparse. */
export function transposed(x: HeldMatrix): HeldMatrix {
  const { rows, cols } = x;
  if (x.kind === "dense") {
    const data = new Float32Array(x.data.length);
    for (let i = 0, p = 0; i < rows; i++) for (let j = 0; j < cols; j++) data[j * rows + i] = x.data[p++];
    return { kind: "dense", rows: cols, cols: rows, data };
  }
  const indptr = new Float64Array(cols + 1);
  for (const j of x.indices) indptr[j + 1]++;
  for (let j = 0; j < cols; j++) indptr[j + 1] += indptr[j];
  const next = indptr.slice();
  const indices = new Int32Array(x.indices.length);
  const values = new Float32Array(x.values.length);
  for (let i = 0; i < rows; i++)
    for (let p = x.indptr[i]; p < x.indptr[i + 1]; p++) {
      const to = next[x.indices[p]]++;
      indices[to] = i;
      values[to] = x.values[p];
    }
  return { kind: "csr", rows: cols, cols: rows, indptr, indices, values };
}

/**
 * @param x samples × genes, genes that vary
 * @returns genes × samples; sparse where x is and the metric leaves it so
 * @throws RangeError where a gene has no direction
 */
export function geneVectors(x: HeldMatrix, metric: GeneMetric): HeldMatrix {
  const vectors = transposed(x);
  if (metric === "euclidean") return vectors;
  if (metric === "cosine" && vectors.kind === "csr") {
    const values = vectors.values.slice();
    for (let j = 0; j < vectors.rows; j++)
      toUnit(values.subarray(vectors.indptr[j], vectors.indptr[j + 1]), 0, j);
    return { ...vectors, values };
  }
  const dense = toDense(vectors);
  for (let j = 0; j < dense.rows; j++) {
    const row = dense.data.subarray(j * dense.cols, (j + 1) * dense.cols);
    const mean = metric === "correlation" ? row.reduce((a, b) => a + b, 0) / row.length : 0;
    toUnit(row, mean, j);
  }
  return dense;
}

function toUnit(row: Float32Array, mean: number, gene: number): void {
  let squares = 0;
  for (const v of row) squares += (v - mean) ** 2;
  if (!(squares > 0)) throw new RangeError(`layout: gene ${gene} does not vary (see varyingGenes)`);
  const length = Math.sqrt(squares);
  for (let i = 0; i < row.length; i++) row[i] = (row[i] - mean) / length;
}

/** Above so many samples genes are projected before a map is made of them, on so many components. */
const MOST_SAMPLES = 300;
const COMPONENTS = 50;

/**
 * What t-SNE and UMAP take: one row a gene, the first two columns being its first two principal components, from which
 * t-SNE starts. Up to MOST_SAMPLES samples the space is only rotated, so that all distances stay; above, genes are
 * projected on their COMPONENTS first components, and the progress says so.
 * @returns n × k, row-major
 */
export async function mapVectors(
  x: HeldMatrix,
  metric: GeneMetric,
  options: LayoutOptions,
): Promise<{ vectors: Float32Array; n: number; k: number }> {
  const genes = geneVectors(x, metric);
  const random = new RandomState(options.seed);
  const many = x.rows > MOST_SAMPLES;
  if (many)
    options.progress?.note(
      `${x.rows} samples: genes are projected on ${COMPONENTS} principal components before the map is made`,
    );
  // Fewer than three genes, or a single sample, have no axes worth turning to.
  if (x.cols < 3 || x.rows < 3) return { vectors: toDense(genes).data, n: x.cols, k: x.rows };
  const fit = await pca(genes, { ...options, random, components: many ? COMPONENTS : 2 });
  if (many) return { vectors: fit.scores, n: x.cols, k: fit.components };
  return { vectors: rotated(toDense(genes), fit.loadings), n: x.cols, k: x.rows };
}

/**
 * Turns the space so that two orthonormal directions become its first two axes, up to sign, by two Householder
 * reflections.
 */
function rotated({ data, rows, cols }: DenseMatrix, directions: Float32Array): Float32Array {
  const out = Float64Array.from(data);
  const axes = Float64Array.from(directions);
  const reflect = (row: Float64Array, v: Float64Array, squares: number) => {
    let along = 0;
    for (let i = 0; i < cols; i++) along += row[i] * v[i];
    along *= 2 / squares;
    for (let i = 0; i < cols; i++) row[i] -= along * v[i];
  };
  for (let axis = 0; axis < Math.min(2, directions.length / cols); axis++) {
    const v = axes.slice(axis * cols, (axis + 1) * cols);
    v.fill(0, 0, axis); // what rounding leaves of earlier axes
    v[axis] += v[axis] < 0 ? -1 : 1;
    const squares = v.reduce((sum, a) => sum + a * a, 0);
    for (let j = 0; j < rows; j++) reflect(out.subarray(j * cols, (j + 1) * cols), v, squares);
    for (let later = axis + 1; later < axes.length / cols; later++)
      reflect(axes.subarray(later * cols, (later + 1) * cols), v, squares);
  }
  return Float32Array.from(out);
}
