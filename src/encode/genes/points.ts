/** The vocabulary of images of genes, beside `ImageSize`. A pixel is an index: row · width + column. */
import type { ImageSize } from "../../image-size.js";

/** Places of genes in the plane: n × 2, row-major, (x, y). x runs along a row of the image, y down its columns. */
export type Points = Float64Array;

/** The pixel of each gene; −1: not painted. */
export type Placing = Int32Array;

/** @throws RangeError where the array holds no pairs, or what is no number */
export function checkPoints(what: string, points: Points): void {
  if (points.length % 2 !== 0)
    throw new RangeError(`${what}: ${points.length} coordinates are not pairs of x and y`);
  const bad = points.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) throw new RangeError(`${what}: ${bad % 2 ? "y" : "x"} of gene ${bad >> 1} is ${points[bad]}`);
}

/** @throws RangeError where a side is no whole number of pixels above 0 */
export function checkSize(what: string, { height, width }: ImageSize): void {
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0))
    throw new RangeError(`${what}: no image of ${height} × ${width} pixels`);
}
