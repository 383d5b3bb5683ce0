/**
 * Layout of genes by principal components: the scores of genes over the samples, centred per sample, not scaled.
 * Equals scikit-learn's PCA(2).fit_transform of the transposed matrix, signs included.
 */
import { pca } from "../../embed/pca.js";
import type { HeldMatrix } from "../../matrix.js";
import { RandomState } from "../../random.js";
import { type LayoutOptions, transposed } from "./gene-vectors.js";
import type { Points } from "./points.js";

/**
 * @param x training samples × genes
 * @returns a place for each gene; y is 0 where there is only one component
 * @throws CellhueError where there are fewer than two samples or genes
 */
export async function pcaLayout(x: HeldMatrix, options: LayoutOptions): Promise<Points> {
  const random = new RandomState(options.seed);
  const { scores, components } = await pca(transposed(x), { ...options, components: 2, random });
  return Float64Array.from({ length: 2 * x.cols }, (_, p) =>
    p % 2 < components ? scores[(p >> 1) * components + (p % 2)] : 0,
  );
}
