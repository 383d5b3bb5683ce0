/**
 * Ranks of distances, of pixels and of genes, as IGTD compares them: the smallest has rank 1, equals share their mean rank
 * (scipy's rankdata).
 */
import { areaOf, type ImageSize } from "../../image-size.js";

export interface PixelRanks {
  /** Pairs of pixels. */
  readonly pairs: number;
  /** Rank of a distance (Euclidean, in pixels) at |rows apart| · width + |columns apart|; 0 for a pixel and itself. */
  readonly byOffset: Float64Array;
  /** The distances that there are, rising, and the rank of each. */
  readonly distances: Float64Array;
  readonly ranks: Float64Array;
}

/** Among all pairs of pixels. A distance depends on the offset alone, so pixels are counted, not pairs. */
export function pixelRanks(size: ImageSize): PixelRanks {
  const { height, width } = size;
  const area = areaOf(size);
  const byOffset = new Float64Array(area);
  const squared = (offset: number) => Math.floor(offset / width) ** 2 + (offset % width) ** 2;
  const offsets = Array.from({ length: area }, (_, offset) => offset).slice(1);
  offsets.sort((a, b) => squared(a) - squared(b));
  const distances: number[] = [];
  const ranks: number[] = [];
  let before = 0;
  for (let from = 0; from < offsets.length; ) {
    let to = from;
    let pairs = 0;
    for (; to < offsets.length && squared(offsets[to]) === squared(offsets[from]); to++) {
      const rows = Math.floor(offsets[to] / width);
      const columns = offsets[to] % width;
      // One offset to the right and down, another one to the left and down.
      pairs += (height - rows) * (width - columns) * (rows > 0 && columns > 0 ? 2 : 1);
    }
    const rank = before + (pairs + 1) / 2;
    distances.push(Math.sqrt(squared(offsets[from])));
    ranks.push(rank);
    for (; from < to; from++) byOffset[offsets[from]] = rank;
    before += pairs;
  }
  return { pairs: before, byOffset, distances: Float64Array.from(distances), ranks: Float64Array.from(ranks) };
}

/** The distance of two pixels that has a rank, between those there are by straight lines. */
export function distanceAtRank({ distances, ranks }: PixelRanks, rank: number): number {
  const to = countBelow(ranks, rank);
  if (to === 0) return distances[0];
  if (to === ranks.length) return distances[to - 1];
  const share = (rank - ranks[to - 1]) / (ranks[to] - ranks[to - 1]);
  return distances[to - 1] + share * (distances[to] - distances[to - 1]);
}

/** The rank of a distance among those given; half of one more than are below where it is none of them. */
export function rankAmong(distances: Float64Array): (distance: number) => number {
  const sorted = distances.slice().sort();
  return (distance) => {
    const below = countBelow(sorted, distance);
    let equal = 0;
    // Runs of equals are long where genes are constant: doubling steps, then halves.
    if (sorted[below] === distance) {
      let step = 1;
      while (sorted[below + step] === distance) step *= 2;
      let low = below + (step >> 1);
      let high = Math.min(below + step, sorted.length);
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (sorted[middle] === distance) low = middle;
        else high = middle;
      }
      equal = low + 1 - below;
    }
    return below + (equal + 1) / 2;
  };
}

/** How many of the values, which rise, are below one. */
function countBelow(values: Float64Array, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
