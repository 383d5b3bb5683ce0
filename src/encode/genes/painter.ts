/**
 * Role: the painter of genes: every gene has a pixel, and its value in a sample is the brightness there.
 * Contract: `fitGenePainter` sees training samples alone; `genePainterGraph` writes the painter into a graph from expression
 * to image. Genes that do not vary in training are not painted.
 *
 * deepinsight  one map of the genes, drawn into all three channels (Sharma 2019)
 * triptych     three maps, t-SNE, PCA and UMAP, into red, green and blue, so that every gene has a place in every channel
 * igtd         pixels so that near pixels hold alike genes (igtd.ts)
 * fotomics     a gene's place is its mean Fourier coefficient over the genes in the order of the file (METHOD §4)
 */
import { bothMaps } from "../../embed/both-maps.js";
import { CellhueError, throwIfAborted } from "../../errors.js";
import type { Graph, Value } from "../../graph/graph.js";
import { gatherColumns } from "../../graph/ops/gather-columns.js";
import { zoom } from "../../graph/ops/zoom.js";
import type { ImageSize } from "../../image-size.js";
import {
  type DenseMatrix,
  fillRows,
  type HeldMatrix,
  hold,
  type Matrix,
  selectColumns,
} from "../../matrix.js";
import { assignPixels } from "./assignment.js";
import { binPlacing } from "./bin-placing.js";
import { fotomicsLayout } from "./fotomics.js";
import { type GeneMetric, type LayoutOptions, mapVectors, varyingGenes } from "./gene-vectors.js";
import { igtd } from "./igtd.js";
import { kernelPcaLayout } from "./kernel-pca-layout.js";
import { minimumRectangle } from "./minimum-rectangle.js";
import type { GenePlacings } from "./paint.js";
import { paintGraph } from "./paint-graph.js";
import { pcaLayout } from "./pca-layout.js";
import type { Placing, Points } from "./points.js";
import { quantilePlacing } from "./quantile-placing.js";
import { applyScaling, fitScaling, type Scaling, type ScalingName, scalingGraph } from "./scaling.js";
import { tsneLayout } from "./tsne-layout.js";
import { umapLayout } from "./umap-layout.js";

type Layout = "tsne" | "umap" | "pca" | "kernel-pca";

/** How genes become pixels. */
export interface GenePainting {
  readonly encoder: "deepinsight" | "triptych" | "igtd" | "fotomics";
  /** Which map of the genes: of deepinsight. */
  readonly layout: Layout;
  /** Which genes are near each other in it: of t-SNE, UMAP and IGTD. */
  readonly metric: GeneMetric;
  /** How places become pixels: equal bins, bins of equally many genes, or one gene a pixel; IGTD has its own. */
  readonly placing: "bins" | "quantiles" | "assignment";
  /** How values become brightness. */
  readonly values: ScalingName;
  /** Pixels of the image along one side of a gene's pixel. */
  readonly zoom: number;
}

export interface GenePainter {
  readonly kind: "genes";
  /** Of the image. */
  readonly size: ImageSize;
  readonly zoom: number;
  /** The genes that are painted, as columns of the expression, rising. */
  readonly chosen: Int32Array;
  readonly scaling: Scaling;
  /** Pixel of each painted gene in the image before it is enlarged: one for all channels, or three. */
  readonly placings: GenePlacings["placings"];
}

/** The image before it is enlarged. */
export const gridOf = ({ size, zoom }: { size: ImageSize; zoom: number }): ImageSize => ({
  height: size.height / zoom,
  width: size.width / zoom,
});

/**
 * @param x training samples × genes, finite, normalised as all samples will be
 * @param chosen the genes that may be painted, rising; null: all
 * @throws CellhueError for fewer than 4 genes that vary, genes on one line, more genes than pixels where each has its own
 */
export async function fitGenePainter(
  x: Matrix,
  chosen: Int32Array | null,
  options: GenePainting & LayoutOptions & { readonly size: ImageSize },
): Promise<GenePainter> {
  const { encoder, values, signal } = options;
  const among = await hold(chosen === null ? x : selectColumns(x, chosen));
  const varying = await varyingGenes(among);
  const painted = Int32Array.from(varying, (j) => chosen?.[j] ?? j);
  if (varying.length < among.cols)
    options.progress?.note(
      `${among.cols - varying.length} of ${among.cols} genes do not vary among the training samples: they are not painted`,
    );
  const genes = varying.length === among.cols ? among : selectColumns(among, varying);
  const scaling = await fitScaling(genes, values);
  const grid = gridOf(options);
  const place = async (points: Points): Promise<Placing> => {
    throwIfAborted(signal);
    return placeGenes(minimumRectangle(points), grid, options);
  };
  // Maps are made of what is painted: genes are alike whose brightness is.
  const bright = brightness(genes, scaling);
  let placings: GenePainter["placings"];
  if (encoder === "igtd") {
    const { metric } = options;
    if (metric === "cosine")
      throw new CellhueError("igtd knows no cosine distance", {
        where: "--metric",
        found: metric,
        expected: "correlation or euclidean",
      });
    placings = [(await igtd(bright, grid, { ...options, metric })).pixels];
  } else if (encoder === "fotomics") placings = [await place(await fotomicsLayout(genes, scaling, options))];
  else if (encoder === "deepinsight")
    placings = [await place(await geneLayout(bright, options.layout, options))];
  else {
    const { vectors, n, k } = await mapVectors(bright, options.metric, options);
    const { seed, threads, progress } = options;
    const maps = await bothMaps(vectors, n, k, { seed, threads, progress, signal });
    const [red, green, blue] = [
      await place(Float64Array.from(maps.tsne)),
      await place(await geneLayout(bright, "pca", options)),
      await place(Float64Array.from(maps.umap)),
    ];
    placings = [red, green, blue];
  }
  return { kind: "genes", size: options.size, zoom: options.zoom, chosen: painted, scaling, placings };
}

/** Brightness of the genes in the training samples, samples × genes. */
function brightness(x: HeldMatrix, scaling: Scaling): DenseMatrix {
  const { rows, cols } = x;
  const data = new Float32Array(rows * cols);
  // Row by row: whole, the float64 that brightness is computed in would be the largest array of all.
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * cols, (i + 1) * cols);
    fillRows(x, [i], row);
    applyScaling(row, scaling, row);
  }
  return { kind: "dense", rows, cols, data };
}

function geneLayout(
  x: HeldMatrix,
  layout: Layout,
  options: LayoutOptions & { metric: GeneMetric },
): Promise<Points> {
  switch (layout) {
    case "tsne":
      return tsneLayout(x, options);
    case "umap":
      return umapLayout(x, options);
    case "pca":
      return pcaLayout(x, options);
    case "kernel-pca":
      return kernelPcaLayout(x, options);
  }
}

async function placeGenes(
  { points, width, height }: ReturnType<typeof minimumRectangle>,
  grid: ImageSize,
  { placing, ...options }: GenePainting & LayoutOptions,
): Promise<Placing> {
  if (placing === "bins") return binPlacing(points, grid);
  if (placing === "quantiles") return quantilePlacing(points, grid);
  const unit = points.map((v, p) => Math.min(1, Math.max(0, v / (p % 2 === 0 ? width : height))));
  return (await assignPixels(unit, grid, options)).pixels;
}

/**
 * @param expression N×genes, float32, normalised as in training; NaN where a gene was not measured
 * @param smooth for gradients: brightness is not rounded to bytes
 * @returns N×3×height×width in 0…1, float32
 */
export function genePainterGraph(g: Graph, painter: GenePainter, expression: Value, smooth: boolean): Value {
  const { chosen, scaling, placings, zoom: factor } = painter;
  const all = expression.dims[1] === chosen.length;
  const values = scalingGraph(g, scaling, all ? expression : gatherColumns(g, expression, chosen));
  const image = zoom(g, paintGraph(g, { size: gridOf(painter), placings }, values), factor);
  if (smooth) return image;
  const bytes = g.op("Round", [g.op("Mul", [image, g.scalar(255)], image.dims)], image.dims);
  return g.op("Div", [bytes, g.scalar(255)], image.dims);
}
