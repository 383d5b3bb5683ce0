/**
 * Layout of genes by t-SNE of the transposed matrix (DeepInsight's usual one is by cosine).
 * Affinities fall with the squared chord (gene-vectors.ts), which is proportional to scipy's cosine and correlation
 * distance; scikit-learn squares those once more. Same neighbours, same perplexity.
 */
import { tsne } from "../../embed/tsne.js";
import type { HeldMatrix } from "../../matrix.js";
import { type GeneMetric, type LayoutOptions, mapVectors } from "./gene-vectors.js";
import type { Points } from "./points.js";

export interface TsneLayoutOptions extends LayoutOptions {
  readonly metric: GeneMetric;
  /** Default 30. */
  readonly perplexity?: number;
}

/**
 * @param x training samples × genes that vary
 * @returns a place for each gene; the same for the same matrix and seed, whatever the threads
 */
export async function tsneLayout(x: HeldMatrix, options: TsneLayoutOptions): Promise<Points> {
  const { vectors, n, k } = await mapVectors(x, options.metric, options);
  return Float64Array.from(await tsne(vectors, n, k, options));
}
