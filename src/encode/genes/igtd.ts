/**
 * Role: IGTD: puts genes on pixels, one each, so that genes at a small distance are on pixels at a small distance: the rank of
 * each pair's distance among all pairs of genes is to be that of its pixels among all pairs of pixels.
 *
 * Up to 1,024 pixels the error and the search are the published ones (igtd-swaps.ts). The published search takes a day or
 * more at 20,000 genes; beyond, ranks and errors come from pairs with some genes drawn at random (igtd-sampled.ts).
 * Either starts from what the caller gives, or from a layout by multidimensional scaling (rank-mds.ts) that is brought onto
 * the pixels by assignment.ts. Ranks are compared as shares of all pairs, so an image may have more pixels than genes.
 * Contract: a function of matrix, options and seed, whatever the threads. No genes × genes is stored beyond 1,024 genes.
 * Reference: Zhu et al. 2021, "Converting tabular data into images for deep learning with convolutional neural networks",
 * Scientific Reports 11, 11325.
 */
import { throwIfAborted } from "../../errors.js";
import { areaOf, type ImageSize } from "../../image-size.js";
import type { Matrix } from "../../matrix.js";
import { type Progress, silent } from "../../progress.js";
import { RandomState } from "../../random.js";
import { assignPixels, checkRoom } from "./assignment.js";
import { distanceAtRank, type PixelRanks, pixelRanks, rankAmong } from "./distance-ranks.js";
import { type DistanceMetric, GeneDistances } from "./gene-distances.js";
import { sweepGenes } from "./igtd-sampled.js";
import { type RankError, swapGenes } from "./igtd-swaps.js";
import { rankLayout } from "./rank-mds.js";

export interface IgtdOptions {
  /** Default: correlation, as published. */
  readonly metric?: DistanceMetric;
  /** Default: abs. */
  readonly error?: RankError;
  /** Pixel of each gene to start from, row · width + column, all different. Default: a layout of its own. */
  readonly start?: Int32Array;
  readonly seed: number;
  readonly threads?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface RankFit {
  /**
   * Mean over pairs of genes of the difference (absolute, or squared) between rank of the genes' distance and rank of the
   * pixels' distance, both as shares of all pairs: 1/3 (1/6) where genes are placed at random. With as many pixels as genes
   * the published error is this times pairs² (pairs³).
   */
  readonly error: number;
  /** Spearman's correlation of the two distances over the same pairs; 0 where either is constant. */
  readonly correlation: number;
}

export interface Igtd {
  /** Pixel of each gene, row · width + column, all different. */
  readonly pixels: Int32Array;
  /** Of the start. */
  readonly before: RankFit;
  readonly after: RankFit;
  /** Whether ranks and errors are those of all pairs; else the fits are of 128 random genes with all others. */
  readonly exact: boolean;
}

/** Pixels up to which all pairs are looked at: 1,500 of them take over a minute. */
const EXACT_PIXELS = 1024;
/**
 * Pixels up to which the search also begins as published, with the genes in their order, and the better end is kept: it
 * takes seconds, and in so small an image the end is a matter of chance. Larger ones mostly do better from the layout.
 */
const TWO_STARTS = 400;
/** Genes that the error of every gene is estimated with, and those that judge the whole. */
const ANCHORS = 512;
const JUDGES = 128;
/** Distances that ranks are estimated from. */
const SAMPLE = 2 ** 15;
/** Draws of anchors, and sweeps with each. */
const ROUNDS = 4;
const SWEEPS = 4;
/** A layout is far from one gene a pixel however well it is assigned. */
const LAYOUT_GAP = 0.02;

/**
 * @param x training samples × genes, finite, normalised as all samples will be
 * @throws CellhueError where there are more genes than pixels; InterruptedError; RangeError where the start is no placing,
 *   there are no samples, or a value is not finite
 */
export async function igtd(x: Matrix, size: ImageSize, options: IgtdOptions): Promise<Igtd> {
  const { metric = "correlation", error = "abs", start, seed, threads, signal, progress = silent } = options;
  const genes = x.cols;
  checkRoom(genes, size);
  checkStart(start, genes, size);
  throwIfAborted(signal);
  if (genes < 2) {
    const fit = { error: 0, correlation: 0 };
    return { pixels: start?.slice() ?? new Int32Array(genes), before: fit, after: fit, exact: true };
  }
  const exact = areaOf(size) <= EXACT_PIXELS;
  const grid = pixelRanks(size);
  const distances = await GeneDistances.open(x, metric, threads);
  try {
    const judges = exact ? everyGene(genes) : draw(genes, JUDGES, new RandomState([seed, 0]));
    const judged = await distances.to(judges, signal);
    const sample = exact ? eachPair(judged, genes) : someOf(judged, judges, SAMPLE);
    const rank = rankAmong(sample);
    const ranksTo = (anchors: Int32Array, of: Float64Array) =>
      ranksOf(of, anchors, rank, grid.pairs / sample.length);
    const ranks = ranksTo(judges, judged);
    if (exact) mirror(ranks, genes);
    const fitOf = (pixels: Int32Array) => rankFit(ranks, judges, pixels, grid, size, error);

    let pixels = start ?? new Int32Array(0);
    if (start === undefined) {
      const random = new RandomState([seed, 1]);
      const anchors = draw(genes, ANCHORS, random);
      const wanted = ranksTo(anchors, await distances.to(anchors, signal));
      for (let p = 0; p < wanted.length; p++) if (wanted[p] > 0) wanted[p] = distanceAtRank(grid, wanted[p]);
      const layout = await rankLayout(wanted, anchors, size, random, signal);
      ({ pixels } = await assignPixels(layout, size, { gap: LAYOUT_GAP, progress, signal }));
    }
    if (exact) {
      const search = async (from: Int32Array, near: Int32Array): Promise<Igtd> => {
        const to = await swapGenes(ranks, grid.byOffset, size, near, { error, progress, signal });
        return { pixels: to, before: fitOf(from), after: fitOf(to), exact };
      };
      if (start !== undefined) return await search(start, start);
      // What is near its place already takes fewer of the published steps.
      const near = pixels.slice();
      const sweeps = { count: ROUNDS * SWEEPS, reach: [Math.max(size.height, size.width) / 8, 1] as const };
      const random = new RandomState([seed, 2]);
      await sweepGenes(Float32Array.from(ranks), judges, grid, size, near, error, sweeps, random, signal);
      const found = await search(pixels, near);
      if (areaOf(size) > TWO_STARTS) return found;
      const other = await search(everyGene(genes), everyGene(genes));
      return other.after.error < found.after.error ? other : found;
    }
    const before = fitOf(pixels);
    let after = before;
    const far = Math.max(size.height, size.width) / (start === undefined ? 8 : 2);
    const task = progress.task("IGTD", ROUNDS);
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const random = new RandomState([seed, 2, round]);
        const anchors = draw(genes, ANCHORS, random);
        const near = Float32Array.from(ranksTo(anchors, await distances.to(anchors, signal)));
        const reach = [far ** (1 - round / ROUNDS), far ** (1 - (round + 1) / ROUNDS)] as const;
        const next = pixels.slice();
        await sweepGenes(near, anchors, grid, size, next, error, { count: SWEEPS, reach }, random, signal);
        const found = fitOf(next);
        // Another draw of anchors may lead a little astray.
        if (found.error < after.error) {
          pixels = next;
          after = found;
        }
        task.update(round + 1, `error ${after.error.toFixed(4)}`);
      }
    } finally {
      task.end();
    }
    return { pixels, before, after, exact };
  } finally {
    await distances.release();
  }
}

function checkStart(start: Int32Array | undefined, genes: number, size: ImageSize): void {
  if (start === undefined) return;
  const area = areaOf(size);
  if (start.length !== genes || new Set(start).size !== genes || start.some((p) => p < 0 || p >= area))
    throw new RangeError(`igtd: the start is not ${genes} different ones of ${area} pixels`);
}

function everyGene(genes: number): Int32Array {
  return Int32Array.from({ length: genes }, (_, i) => i);
}

/** Some genes at random, all where there are no more. */
function draw(genes: number, count: number, random: RandomState): Int32Array {
  return random.permutation(genes).slice(0, count);
}

/** Distances of all pairs of genes, from those of all with all. */
function eachPair(distances: Float64Array, genes: number): Float64Array {
  const pairs = new Float64Array((genes * (genes - 1)) / 2);
  for (let i = 0, to = 0; i < genes; i++)
    for (let j = i + 1; j < genes; j++) pairs[to++] = distances[i * genes + j];
  return pairs;
}

/** About `count` of the distances between different genes, evenly over genes and anchors. */
function someOf(distances: Float64Array, anchors: Int32Array, count: number): Float64Array {
  const every = Math.ceil(distances.length / count) | 1; // odd, as the number of judges is a power of two
  const some: number[] = [];
  for (let p = 0; p < distances.length; p += every)
    if (Math.floor(p / anchors.length) !== anchors[p % anchors.length]) some.push(distances[p]);
  return Float64Array.from(some);
}

/** The rank of each distance, as one of as many pairs as there are of pixels; 0 from a gene to itself. */
function ranksOf(
  distances: Float64Array,
  anchors: Int32Array,
  rank: (distance: number) => number,
  scale: number,
): Float64Array {
  const count = anchors.length;
  return distances.map((d, p) => (Math.floor(p / count) === anchors[p % count] ? 0 : scale * rank(d)));
}

/** What is above the diagonal, below it as well: rounding may have made the two differ. */
function mirror(square: Float64Array, side: number): void {
  for (let i = 0; i < side; i++)
    for (let j = i + 1; j < side; j++) square[j * side + i] = square[i * side + j];
}

function rankFit(
  ranks: Float64Array,
  anchors: Int32Array,
  pixels: Int32Array,
  grid: PixelRanks,
  { width }: ImageSize,
  error: RankError,
): RankFit {
  const count = anchors.length;
  let [n, sum, r, q, rr, qq, rq] = [0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < pixels.length; i++)
    for (let a = 0; a < count; a++) {
      const j = anchors[a];
      if (i === j) continue;
      const rows = Math.abs(Math.floor(pixels[i] / width) - Math.floor(pixels[j] / width));
      const columns = Math.abs((pixels[i] % width) - (pixels[j] % width));
      // From the middle rank, so that sums of squares keep their digits.
      const x = ranks[i * count + a] / grid.pairs - 0.5;
      const y = grid.byOffset[rows * width + columns] / grid.pairs - 0.5;
      n++;
      sum += error === "abs" ? Math.abs(x - y) : (x - y) ** 2;
      r += x;
      q += y;
      rr += x * x;
      qq += y * y;
      rq += x * y;
    }
  const spread = (rr - (r * r) / n) * (qq - (q * q) / n);
  return { error: sum / n, correlation: spread > 1e-12 * n ? (rq - (r * q) / n) / Math.sqrt(spread) : 0 };
}
