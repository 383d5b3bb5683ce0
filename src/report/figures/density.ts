/** What the pixel-density figures share: input and the count of marks over every pixel. */
import { areaOf, type ImageSize } from "../../image-size.js";
export interface PixelMap {
  /** Column and row of every sample's pixel, counted from the top left as in its image, within the size. */
  x: Int32Array;
  y: Int32Array;
  /** Class of every sample. */
  codes: Int32Array;
  classes: readonly string[];
  /** Of the images. */
  size: ImageSize;
  /** Side of the square drawn for a sample. */
  side?: number;
}

/**
 * How many samples' squares cover each pixel: the sum of the images, colour aside. Row-major, height × width.
 * @param only class to count; all samples where it is left out
 */
export function coverage({ x, y, codes, size, side = 7 }: PixelMap, only?: number): Uint32Array {
  const counts = new Uint32Array(areaOf(size));
  const reach = Math.floor(side / 2);
  for (let i = 0; i < codes.length; i++) {
    if (only !== undefined && codes[i] !== only) continue;
    const right = Math.min(size.width - 1, x[i] + reach);
    const bottom = Math.min(size.height - 1, y[i] + reach);
    for (let row = Math.max(0, y[i] - reach); row <= bottom; row++) {
      for (let column = Math.max(0, x[i] - reach); column <= right; column++)
        counts[row * size.width + column]++;
    }
  }
  return counts;
}

/** Three ticks for a pixel axis: both ends and the middle. */
export const pixelTicks = (side: number): number[] => [...new Set([0, Math.floor(side / 2), side])];
