/** Layout of genes by UMAP of the transposed matrix; the metrics are those of gene-vectors.ts. */
import { umap } from "../../embed/umap.js";
import type { HeldMatrix } from "../../matrix.js";
import { type GeneMetric, type LayoutOptions, mapVectors } from "./gene-vectors.js";
import type { Points } from "./points.js";

export interface UmapLayoutOptions extends LayoutOptions {
  readonly metric: GeneMetric;
  /** Size of a neighbourhood, the gene itself counted; default 15. */
  readonly neighbours?: number;
  /** Least distance of points in the map; default 0.5. */
  readonly minDist?: number;
}

/**
 * @param x training samples × genes that vary
 * @returns a place for each gene; the same for the same matrix and seed, whatever the threads
 */
export async function umapLayout(x: HeldMatrix, options: UmapLayoutOptions): Promise<Points> {
  const { vectors, n, k } = await mapVectors(x, options.metric, options);
  return Float64Array.from(await umap(vectors, n, k, options));
}
