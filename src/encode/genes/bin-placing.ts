/**
 * Placing by bins of equal width: each axis of the (turned) points is scaled to 0…1 between its least and greatest
 * coordinate, multiplied by pixels − 1 and rounded, halves upwards; so the outermost genes lie at the centres of the
 * outermost pixels (DeepInsight's way, METHOD §4). Genes may share a pixel.
 */
import type { ImageSize } from "../../image-size.js";
import { checkPoints, checkSize, type Placing, type Points } from "./points.js";

/** Column from x, row from y; an axis without extent is at 0. */
export function binPlacing(points: Points, size: ImageSize): Placing {
  checkPoints("binPlacing", points);
  checkSize("binPlacing", size);
  const column = bins(points, 0, size.width);
  const row = bins(points, 1, size.height);
  return column.map((c, j) => row[j] * size.width + c);
}

function bins(points: Points, axis: number, pixels: number): Int32Array {
  let low = Infinity;
  let high = -Infinity;
  for (let p = axis; p < points.length; p += 2) {
    low = Math.min(low, points[p]);
    high = Math.max(high, points[p]);
  }
  const extent = high > low ? high - low : 1;
  return Int32Array.from({ length: points.length / 2 }, (_, j) =>
    Math.round(((points[2 * j + axis] - low) / extent) * (pixels - 1)),
  );
}
