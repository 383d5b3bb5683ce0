/**
 * Very many classes: what is counted for every pair of them is then kept as the pairs that occur, and genes and saliency are
 * told of the largest ones (`explain --class` tells of others). Up to so many all is there.
 */
export const MANY_CLASSES = 200;

/** Codes of the largest classes, rising; of equally large ones the first. */
export function largestClasses(sizes: readonly number[], most: number): number[] {
  return [...sizes.keys()]
    .sort((a, b) => sizes[b] - sizes[a] || a - b)
    .slice(0, most)
    .sort((a, b) => a - b);
}
