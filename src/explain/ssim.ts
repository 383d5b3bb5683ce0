/**
 * Role: structural similarity of two maps, by which sanity checks compare what a reader sees.
 * Contract: pure, float64. The mean over all 7×7 windows that lie within the image, all weights equal, variances with ddof 1:
 * skimage.metrics.structural_similarity with its defaults. 1 for equal maps.
 * Reference: Wang, Bovik, Sheikh & Simoncelli 2004; Adebayo et al. 2018 for its use on attribution maps.
 */
import { areaOf, type ImageSize } from "../image-size.js";

const SIDE = 7;
const K1 = 0.01;
const K2 = 0.03;

/**
 * @param range greatest less least value that the maps can have, e.g. 1 for 0…1
 * @param background leave out windows in which both maps have this value everywhere, as they agree whatever the maps say
 * @returns NaN where no window is left
 * @throws RangeError where the maps are not of this size, or smaller than a window
 */
export function structuralSimilarity(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  size: ImageSize,
  range: number,
  background = Number.NaN,
): number {
  const { height, width } = size;
  if (a.length !== areaOf(size) || b.length !== areaOf(size))
    throw new RangeError(
      `structuralSimilarity: ${a.length} and ${b.length} pixels, not ${width} × ${height}`,
    );
  if (height < SIDE || width < SIDE)
    throw new RangeError(`structuralSimilarity: ${width} × ${height} pixels hold no window of ${SIDE}`);
  const n = SIDE * SIDE;
  const [c1, c2] = [(K1 * range) ** 2, (K2 * range) ** 2];
  let sum = 0;
  let windows = 0;
  for (let top = 0; top + SIDE <= height; top++)
    for (let left = 0; left + SIDE <= width; left++) {
      let [x, y, xx, yy, xy] = [0, 0, 0, 0, 0];
      let empty = true;
      for (let r = top; r < top + SIDE; r++)
        for (let p = r * width + left; p < r * width + left + SIDE; p++) {
          empty &&= a[p] === background && b[p] === background;
          x += a[p];
          y += b[p];
          xx += a[p] * a[p];
          yy += b[p] * b[p];
          xy += a[p] * b[p];
        }
      if (empty) continue;
      const [mx, my] = [x / n, y / n];
      const [vx, vy, vxy] = [xx - x * mx, yy - y * my, xy - x * my].map((s) => s / (n - 1));
      windows++;
      sum += ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2));
    }
  return sum / windows;
}
