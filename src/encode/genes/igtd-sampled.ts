/**
 * IGTD's search where all pairs are too many: the error of a gene is estimated on the pairs that it has with some genes, the
 * anchors, drawn anew for each round, so that genes do not settle to suit a few. In a sweep each gene tries to change
 * places with whatever is on some random pixels around it, and does where their estimated errors together fall. The reach
 * shrinks from sweep to sweep, so that exchanges far apart come first. A sweep costs genes × tries × anchors.
 */
import { breathe, SLICE } from "../../embed/scran.js";
import { areaOf, type ImageSize } from "../../image-size.js";
import type { RandomState } from "../../random.js";
import type { PixelRanks } from "./distance-ranks.js";
import type { RankError } from "./igtd-swaps.js";

export interface Sweeps {
  readonly count: number;
  /** Pixels to each side, from the first sweep to the last one, where it falls geometrically. */
  readonly reach: readonly [number, number];
}

/** Exchanges that a gene tries in a sweep. */
const TRIES = 8;

/**
 * @param ranks genes × anchors: rank of each distance, as one of as many pairs as there are of pixels
 * @param pixels pixel of each gene, all different; changed in place
 */
export async function sweepGenes(
  ranks: Float32Array,
  anchors: Int32Array,
  grid: PixelRanks,
  size: ImageSize,
  pixels: Int32Array,
  error: RankError,
  sweeps: Sweeps,
  random: RandomState,
  signal?: AbortSignal,
): Promise<void> {
  const { height, width } = size;
  const pixelRanks = Float32Array.from(grid.byOffset); // half the size, to stay in the cache
  const genes = pixels.length;
  const count = anchors.length;
  const geneOf = new Int32Array(areaOf(size)).fill(-1);
  const anchorOf = new Int32Array(genes).fill(-1);
  const rowOf = new Int32Array(count); // of each anchor
  const columnOf = new Int32Array(count);
  anchors.forEach((i, a) => {
    anchorOf[i] = a;
  });
  const put = (i: number, pixel: number) => {
    pixels[i] = pixel;
    geneOf[pixel] = i;
    const a = anchorOf[i];
    if (a < 0) return;
    rowOf[a] = Math.floor(pixel / width);
    columnOf[a] = pixel % width;
  };
  pixels.forEach((pixel, i) => {
    put(i, pixel);
  });
  const absolute = (i: number) => {
    const row = Math.floor(pixels[i] / width);
    const column = pixels[i] % width;
    let sum = 0;
    for (let a = 0, p = i * count; a < count; a++, p++)
      sum += Math.abs(
        ranks[p] - pixelRanks[Math.abs(row - rowOf[a]) * width + Math.abs(column - columnOf[a])],
      );
    return sum;
  };
  const squared = (i: number) => {
    const row = Math.floor(pixels[i] / width);
    const column = pixels[i] % width;
    let sum = 0;
    for (let a = 0, p = i * count; a < count; a++, p++) {
      const d = ranks[p] - pixelRanks[Math.abs(row - rowOf[a]) * width + Math.abs(column - columnOf[a])];
      sum += d * d;
    }
    return sum;
  };
  const errorOf = error === "abs" ? absolute : squared;

  let until = performance.now() + SLICE;
  for (let sweep = 0; sweep < sweeps.count; sweep++) {
    const [from, to] = sweeps.reach;
    const share = sweeps.count > 1 ? sweep / (sweeps.count - 1) : 1;
    const reach = Math.max(1, Math.round(from * (to / from) ** share));
    for (let i = 0; i < genes; i++) {
      if (performance.now() > until) {
        await breathe(signal);
        until = performance.now() + SLICE;
      }
      let mine = errorOf(i);
      for (let t = 0; t < TRIES; t++) {
        const old = pixels[i];
        const row = near(Math.floor(old / width), height, reach, random);
        const column = near(old % width, width, reach, random);
        const pixel = row * width + column;
        if (pixel === old) continue;
        const other = geneOf[pixel];
        const before = mine + (other < 0 ? 0 : errorOf(other));
        put(i, pixel);
        if (other < 0) geneOf[old] = -1;
        else put(other, old);
        const moved = errorOf(i);
        if (moved < before && moved + (other < 0 ? 0 : errorOf(other)) < before) mine = moved;
        else {
          put(i, old);
          if (other < 0) geneOf[pixel] = -1;
          else put(other, pixel);
        }
      }
    }
  }
}

/** A coordinate at most `reach` away that is in the image. */
function near(at: number, end: number, reach: number, random: RandomState): number {
  const low = Math.max(0, at - reach);
  const high = Math.min(end - 1, at + reach);
  return low + random.interval(high - low);
}
