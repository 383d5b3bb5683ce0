/**
 * Role: the painter of genes: every gene has a pixel, and its value in a sample is the brightness there.
 * Contract: `fitGenePainter` sees training samples alone; `genePainterGraph` writes the painter into a graph from expression
 * to image. Genes that do not vary in training are not painted.
 * References: METHOD §4 (DeepInsight, Fotomics); Zhu et al. 2021 (IGTD); the files beside this one for the parts.
 */
import type { Graph, Value } from "../../graph/graph.js";
import { gatherColumns } from "../../graph/ops/gather-columns.js";
import type { ImageSize } from "../../image-size.js";
import { type Matrix, selectColumns } from "../../matrix.js";
import type { Progress } from "../../progress.js";

/** How genes become pixels. */
export interface GenePainting {
  readonly encoder: "deepinsight" | "fotomics" | "igtd" | "triptych";
  /** Which map of the genes: of deepinsight. */
  readonly layout: "tsne" | "umap" | "pca" | "kernel-pca";
  /** Which genes are near each other in it. */
  readonly metric: "correlation" | "cosine" | "euclidean";
  /** How places become pixels. */
  readonly placing: "bins" | "quantiles" | "assignment";
  /** How values become brightness. */
  readonly values: "norm2" | "minmax" | "zscore" | "global";
  /** Pixels of the image along one side of a gene's pixel. */
  readonly zoom: number;
}
