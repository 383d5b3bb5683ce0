/**
 * Role: an encoder, fitted on training samples and applied to any. It knows where a sample lies (gene choice, scaling, PCA,
 * UMAP and t-SNE of the training samples, the rule that places others among them) and has a painter: of that place
 * (spectral-graph.ts) or of the genes (genes/painter.ts).
 * Contract: `fitEncoder` sees training samples alone; `encoderGraph` writes the fitted arrays into a graph from
 * expression to image, so that a sample gets the same image alone or in a batch, in any order.
 * Reference: METHOD §1 for the parts; neighbour-map.ts for the rule.
 */

import { type BothMapsOptions, bothMaps } from "../embed/both-maps.js";
import { chooseGenes } from "../embed/highly-variable.js";
import { type NeighbourMap, neighbourMapGraph } from "../embed/neighbour-map.js";
import { maxComponents, pca } from "../embed/pca.js";
import { type Projection, projectionGraph } from "../embed/projection.js";
import { fitScale } from "../embed/scale.js";
import { throwIfAborted } from "../errors.js";
import { Graph, type Value } from "../graph/graph.js";
import { concatColumns } from "../graph/ops/concat-columns.js";
import { gatherColumns } from "../graph/ops/gather-columns.js";
import { createSession } from "../graph/session.js";
import { areaOf, type ImageSize } from "../image-size.js";
import {
  type DenseMatrix,
  divideColumns,
  fillRows,
  type Matrix,
  rowBlocks,
  selectColumns,
  selectRows,
  settled,
} from "../matrix.js";
import { type Progress, silent } from "../progress.js";
import { RandomState } from "../random.js";
import { fitGenePainter, type GenePainter, type GenePainting, genePainterGraph } from "./genes/painter.js";
import { landmarksOf } from "./landmarks.js";
import { type SpectralPainter, spectralGraph } from "./spectral-graph.js";
import { smoothSpectralGraph } from "./spectral-smooth.js";

export interface EncoderFit {
  readonly projection: Projection;
  readonly map: NeighbourMap;
  readonly painter: Painter;
}

export type Painter = SpectralPainter | GenePainter;

/** The places of a map in `NeighbourMap.places`. */
export const MAP_AXES = ["tsne1", "tsne2", "umap1", "umap2"] as const;
/** Samples in a neighbourhood of the published maps, and of the rule that places others. */
export const NEIGHBOURS = 15;
const POINT_SIZE = 3;

export type EncoderOptions = CommonOptions & ({ readonly encoder?: "spectral" } | GenePainting);

interface CommonOptions {
  readonly components: number;
  /** Genes that the PCA sees: all (the default), or the most variable ones of training. */
  readonly genes?: "all" | "variance" | "seurat";
  /** How many, where not all. */
  readonly topGenes?: number;
  /** Each gene divided by its standard deviation in training. */
  readonly scale?: boolean;
  readonly size: ImageSize;
  /** Most training samples that maps are made of (landmarks.ts); default: 10,000. */
  readonly landmarks?: number;
  readonly seed: number;
  readonly threads?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  readonly keep?: BothMapsOptions["keep"];
}

const paintsGenes = (options: EncoderOptions): options is CommonOptions & GenePainting =>
  options.encoder !== undefined && options.encoder !== "spectral";

/** Both maps of samples with these scores, as `NeighbourMap.places`: n × 4, in the order of MAP_AXES. */
export async function mapPlaces(
  scores: Float32Array,
  n: number,
  k: number,
  options: EncoderOptions,
): Promise<Float32Array> {
  const { seed, threads, progress, signal, keep } = options;
  const { tsne: t, umap: u } = await bothMaps(scores, n, k, { seed, threads, progress, signal, keep });
  throwIfAborted(signal);
  const places = new Float32Array(4 * n);
  for (let i = 0; i < n; i++) places.set([t[2 * i], t[2 * i + 1], u[2 * i], u[2 * i + 1]], 4 * i);
  return places;
}

/** The maps of the landmarks among n samples with these scores, and the rule that places all others among them. */
export async function fitMap(
  scores: Float32Array,
  n: number,
  k: number,
  options: EncoderOptions,
): Promise<NeighbourMap> {
  const landmarks = landmarksOf(n, options.seed, options.landmarks);
  const seen = landmarks === null ? scores : selectRows(asMatrix(scores, k), landmarks).data;
  const count = seen.length / k;
  if (landmarks !== null)
    options.progress?.note(`maps are made of ${count} of ${n} samples; the others are placed among them`);
  return neighbourMap(seen, await mapPlaces(seen, count, k, options), k);
}

/** Scores, row-major, as a matrix of k columns. */
const asMatrix = (scores: Float32Array, k: number): DenseMatrix => ({
  kind: "dense",
  rows: scores.length / k,
  cols: k,
  data: scores,
});

/** The rule that places samples among training samples of these scores and places. */
export const neighbourMap = (
  scores: Float32Array,
  places: Float32Array,
  components: number,
): NeighbourMap => ({
  neighbours: NEIGHBOURS,
  components,
  reference: scores,
  places,
  axes: 4,
});

/** The painter of places, its axes normalised over the training samples. */
export function spectralPainter(
  { components: k, reference: scores, places }: NeighbourMap,
  size: ImageSize,
): SpectralPainter {
  const low = new Float32Array(4).fill(Infinity);
  const high = new Float32Array(4).fill(-Infinity);
  for (let i = 0; i < scores.length / k; i++) {
    [places[4 * i], places[4 * i + 1], scores[i * k], places[4 * i + 2]].forEach((v, axis) => {
      low[axis] = Math.min(low[axis], v);
      high[axis] = Math.max(high[axis], v);
    });
  }
  return { kind: "spectral", size, pointSize: POINT_SIZE, low, high };
}

/**
 * @param x training samples × genes, finite, normalised as all samples will be
 * @throws CellhueError where there are fewer than two samples or genes
 */
export async function fitEncoder(x: Matrix, options: EncoderOptions): Promise<EncoderFit> {
  const projection = await fitProjection(x, options);
  const scores = await project(projection, x, options);
  const map = await fitMap(scores, x.rows, projection.components, options);
  return { projection, map, painter: await fitPainter(x, projection, map, options) };
}

/** The painter that the options name: of places, or of genes as the landmarks have them. */
export async function fitPainter(
  x: Matrix,
  { chosen }: Projection,
  map: NeighbourMap,
  options: EncoderOptions,
): Promise<Painter> {
  if (!paintsGenes(options)) return spectralPainter(map, options.size);
  const landmarks = landmarksOf(x.rows, options.seed, options.landmarks);
  return fitGenePainter(landmarks === null ? x : selectRows(x, landmarks), chosen, options);
}

/** Gene choice, scaling and PCA of the training samples; fewer components where the samples have no more. */
export async function fitProjection(x: Matrix, options: EncoderOptions): Promise<Projection> {
  const { seed, threads, progress, signal, genes = "all", topGenes = x.cols } = options;
  const pass = { progress, signal };
  const chosen = genes === "all" ? null : await chooseGenes(x, { how: genes, count: topGenes }, pass);
  const used = await settled(chosen === null ? x : selectColumns(x, chosen), pass);
  const scale = options.scale ? Float32Array.from((await fitScale(used, pass)).sd) : null;
  const seen = scale === null ? used : divideColumns(used, scale);
  const components = Math.min(options.components, Math.max(1, maxComponents(seen.rows, seen.cols)));
  const fit = await pca(seen, { components, random: new RandomState(seed), threads, progress, signal });
  const { mean, loadings } = fit;
  return { genes: x.cols, chosen, scale, mean, loadings, components: fit.components };
}

/** All that the encoder knows of N samples. */
export interface EncoderValues {
  /** N×components. */
  readonly scores: Value;
  /** N×4, in the order of MAP_AXES. */
  readonly places: Value;
  /** N×3×height×width in 0…1. */
  readonly image: Value;
  /** N×1: distance to training in PCA space. */
  readonly distance: Value;
}

/**
 * Expression N×genes, float32, normalised as in training → image.
 * @param smooth for gradients: shades are not rounded to bytes and the square of a place has soft edges
 */
export function encoderGraph(g: Graph, fit: EncoderFit, expression: Value, smooth = false): EncoderValues {
  const scores = projectionGraph(g, fit.projection, expression);
  const { places, distance } = neighbourMapGraph(g, fit.map, scores);
  const [tsne, umap1] = [gatherColumns(g, places, [0, 1]), gatherColumns(g, places, [2])];
  const numbers = concatColumns(g, [tsne, gatherColumns(g, scores, [0]), umap1]);
  const { painter } = fit;
  const image =
    painter.kind === "genes"
      ? genePainterGraph(g, painter, expression, smooth)
      : (smooth ? smoothSpectralGraph : spectralGraph)(g, painter, numbers);
  return { scores, places, image, distance };
}

/** Rows of one run of the graph; always full, so that a sample's result depends on nothing beside it. */
const BLOCK = 64;

/** Runs a graph of blocks over the rows of a matrix; `take` is called for each block with its outputs. */
async function overRows(
  x: Matrix,
  build: (g: Graph, expression: Value) => Record<string, Value>,
  { threads, progress = silent, signal }: Pick<EncoderOptions, "threads" | "progress" | "signal">,
  what: string,
  take: (outputs: Record<string, Float32Array>, first: number, count: number) => void | Promise<void>,
): Promise<void> {
  const g = new Graph("encoder");
  const outputs = build(g, g.input("expression", [BLOCK, x.cols]));
  for (const [name, value] of Object.entries(outputs)) g.output(name, value);
  const session = await createSession(g, { threads });
  const task = progress.task(what, x.rows);
  try {
    const expression = new Float32Array(BLOCK * x.cols);
    for await (const { first: start, block } of rowBlocks(x, { signal }))
      for (let from = 0; from < block.rows; from += BLOCK) {
        throwIfAborted(signal);
        const count = Math.min(BLOCK, block.rows - from);
        expression.fill(0, count * x.cols);
        fillRows(
          block,
          Array.from({ length: count }, (_, i) => from + i),
          expression,
        );
        const found = await session.run({ expression });
        const arrays = Object.fromEntries(
          Object.keys(outputs).map((name) => [name, found[name].data as Float32Array]),
        );
        await take(arrays, start + from, count);
        task.update(start + from + count);
      }
  } finally {
    task.end();
    await session.release();
  }
}

/** Scores of all rows, rows × components. */
export async function project(
  projection: Projection,
  x: Matrix,
  options: Pick<EncoderOptions, "threads" | "progress" | "signal">,
): Promise<Float32Array> {
  const k = projection.components;
  const scores = new Float32Array(x.rows * k);
  const build = (g: Graph, expression: Value) => ({ scores: projectionGraph(g, projection, expression) });
  await overRows(x, build, options, "projection", (out, first, count) => {
    scores.set(out.scores.subarray(0, count * k), first * k);
  });
  return scores;
}

/** Place (rows × 4) and distance to training in PCA space of every row of scores (rows × components). */
export async function locate(
  map: NeighbourMap,
  scores: Float32Array,
  options: Pick<EncoderOptions, "threads" | "progress" | "signal">,
): Promise<{ places: Float32Array; distance: Float32Array }> {
  const x = asMatrix(scores, map.components);
  const places = new Float32Array(x.rows * map.axes);
  const distance = new Float32Array(x.rows);
  const build = (g: Graph, values: Value) => ({ ...neighbourMapGraph(g, map, values) });
  await overRows(x, build, options, "places", (out, first, count) => {
    places.set(out.places.subarray(0, count * map.axes), first * map.axes);
    distance.set(out.distance.subarray(0, count), first);
  });
  return { places, distance };
}

/** What an encoder knows of samples beside their images. */
export interface SampleValues {
  /** rows × components. */
  readonly scores: Float32Array;
  /** rows × 4, in the order of MAP_AXES. */
  readonly places: Float32Array;
  /** One a row: distance to training in PCA space. */
  readonly distance: Float32Array;
}

export interface Encoded extends SampleValues {
  /** rows × height × width × 3 bytes, RGB. */
  readonly images: Uint8Array;
}

/** Images and all else of every row of a matrix, held. */
export async function encodeSamples(
  fit: EncoderFit,
  x: Matrix,
  options: Pick<EncoderOptions, "threads" | "progress" | "signal">,
): Promise<Encoded> {
  const bytes = areaOf(fit.painter.size) * 3;
  const images = new Uint8Array(x.rows * bytes);
  const values = await paintSamples(fit, x, options, (block, first) => {
    images.set(block, first * bytes);
  });
  return { ...values, images };
}

/**
 * The same with the images handed on a few at a time, so that they need not fit into memory.
 * @param take gets the images of the rows from `first` on; the array is used again once its promise is settled
 */
export async function paintSamples(
  fit: EncoderFit,
  x: Matrix,
  options: Pick<EncoderOptions, "threads" | "progress" | "signal">,
  take: (images: Uint8Array, first: number) => void | Promise<void>,
): Promise<SampleValues> {
  const { size } = fit.painter;
  const k = fit.projection.components;
  const area = areaOf(size);
  const images = new Uint8Array(BLOCK * area * 3);
  const encoded: SampleValues = {
    scores: new Float32Array(x.rows * k),
    places: new Float32Array(x.rows * 4),
    distance: new Float32Array(x.rows),
  };
  const build = (g: Graph, expression: Value) => ({ ...encoderGraph(g, fit, expression) });
  await overRows(x, build, options, "images", (out, first, count) => {
    encoded.scores.set(out.scores.subarray(0, count * k), first * k);
    encoded.places.set(out.places.subarray(0, count * 4), first * 4);
    encoded.distance.set(out.distance.subarray(0, count), first);
    for (let i = 0; i < count; i++)
      for (let c = 0; c < 3; c++) {
        const from = out.image.subarray((3 * i + c) * area, (3 * i + c + 1) * area);
        const to = i * area * 3 + c;
        for (let p = 0; p < area; p++) images[to + 3 * p] = Math.round(from[p] * 255);
      }
    return take(images.subarray(0, count * area * 3), first);
  });
  return encoded;
}
