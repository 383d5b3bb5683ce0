/**
 * Convex hull in the plane by monotone chain, n log n.
 * Reference: Andrew 1979. Oracle: scipy.spatial.ConvexHull.
 */
import { checkPoints, type Points } from "./points.js";

/**
 * @returns indices of the hull's corners, counter-clockwise (x to the right, y up) from the leftmost, then lowest one;
 *   without points on an edge, and of points that coincide only one. Two indices where all points lie on a line, one
 *   where they coincide.
 */
export function convexHull(points: Points): Int32Array {
  checkPoints("convexHull", points);
  const n = points.length / 2;
  const x = (i: number) => points[2 * i];
  const y = (i: number) => points[2 * i + 1];
  const order = Int32Array.from({ length: n }, (_, i) => i).sort(
    (a, b) => x(a) - x(b) || y(a) - y(b) || a - b,
  );
  /** Positive where a → b → c turns left. */
  const turn = (a: number, b: number, c: number) =>
    (x(b) - x(a)) * (y(c) - y(a)) - (y(b) - y(a)) * (x(c) - x(a));
  const chain = (along: Int32Array): number[] => {
    const corners: number[] = [];
    for (const c of along) {
      while (corners.length > 1 && !(turn(corners[corners.length - 2], corners[corners.length - 1], c) > 0))
        corners.pop();
      const last = corners[corners.length - 1];
      if (last !== undefined && x(last) === x(c) && y(last) === y(c)) continue;
      corners.push(c);
    }
    return corners;
  };
  const lower = chain(order);
  const upper = chain(order.reverse());
  if (lower.length < 2) return Int32Array.from(lower);
  return Int32Array.from([...lower.slice(0, -1), ...upper.slice(0, -1)]);
}
