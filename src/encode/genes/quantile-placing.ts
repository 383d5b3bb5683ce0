/**
 * Placing by quantile bins of each axis: every column holds the same number of genes (to one), and so does every row.
 * Rule: with r the rank of a coordinate among n, from 0, the bin is the integer part of (r + ½) · pixels / n. Equal
 * coordinates have the mean of their ranks, and so share a bin, whatever their order; bins may then differ by more.
 */
import type { ImageSize } from "../../image-size.js";
import { checkPoints, checkSize, type Placing, type Points } from "./points.js";

/** Column from x, row from y. */
export function quantilePlacing(points: Points, size: ImageSize): Placing {
  checkPoints("quantilePlacing", points);
  checkSize("quantilePlacing", size);
  const column = quantileBins(points, 0, size.width);
  const row = quantileBins(points, 1, size.height);
  return column.map((c, j) => row[j] * size.width + c);
}

function quantileBins(points: Points, axis: number, pixels: number): Int32Array {
  const n = points.length / 2;
  const at = (j: number) => points[2 * j + axis];
  const order = Int32Array.from({ length: n }, (_, j) => j).sort((a, b) => at(a) - at(b));
  const bins = new Int32Array(n);
  for (let first = 0; first < n; ) {
    let next = first + 1;
    while (next < n && at(order[next]) === at(order[first])) next++;
    const rank = (first + next - 1) / 2;
    for (; first < next; first++) bins[order[first]] = Math.floor(((rank + 0.5) * pixels) / n);
  }
  return bins;
}
