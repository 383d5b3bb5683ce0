/**
 * The rectangle of least area around points, and the points turned so that it lies along the axes. One of its sides lies
 * on an edge of the hull, so rotating calipers visit every edge once.
 * References: Freeman & Shapira 1975; Toussaint 1983.
 */
import { CellhueError } from "../../errors.js";
import { convexHull } from "./convex-hull.js";
import type { Points } from "./points.js";

export interface MinimumRectangle {
  /** Sides along x and y after the turn. */
  readonly width: number;
  readonly height: number;
  /** By which the points were turned, counter-clockwise, in −π/4 < angle ≤ π/4: the turn that changes them least. */
  readonly angle: number;
  /** The turned points; the rectangle is 0…width × 0…height. */
  readonly points: Points;
}

/** Narrower than this share of its length, a rectangle is a line that float32 blurred. */
const LINE = 1e-6;

/**
 * Of rectangles of equal area that of the first edge is taken, from the hull's leftmost corner on.
 * @throws CellhueError where there are fewer than four points, or all lie on a line
 */
export function minimumRectangle(points: Points): MinimumRectangle {
  const n = points.length / 2;
  const hull = convexHull(points);
  if (n < 4)
    throw new CellhueError("too few genes for an image of genes", {
      found: `${n} ${n === 1 ? "gene that varies" : "genes that vary"}`,
      expected: "at least 4",
    });
  const turned = turn(points, hull.length < 3 ? 0 : bestAngle(points, hull));
  const { width, height } = turned;
  if (hull.length < 3 || Math.min(width, height) <= LINE * Math.max(width, height))
    throw new CellhueError("no image of genes: the layout puts all genes on a line", {
      found: hull.length < 2 ? `${n} genes in one place` : `${n} genes on a line`,
      expected: "places that span an area",
      remedy: ["another layout of the genes", "more training samples, or other genes"],
    });
  return turned;
}

/** Of the edge whose rectangle is smallest, brought next to an axis. */
function bestAngle(points: Points, hull: Int32Array): number {
  const h = hull.length;
  const x = (k: number) => points[2 * hull[k % h]];
  const y = (k: number) => points[2 * hull[k % h] + 1];
  let least = Infinity;
  let best = 0;
  // The corners that reach farthest ahead, up and back, seen along the edge; each only moves on as the edge does.
  let [ahead, top, back] = [1, 1, 1];
  for (let k = 0; k < h; k++) {
    const [ex, ey] = [x(k + 1) - x(k), y(k + 1) - y(k)];
    const along = (i: number) => ex * (x(i) - x(k)) + ey * (y(i) - y(k));
    const above = (i: number) => ex * (y(i) - y(k)) - ey * (x(i) - x(k));
    ahead = Math.max(ahead, k + 1);
    while (along(ahead + 1) > along(ahead)) ahead++;
    top = Math.max(top, ahead);
    while (above(top + 1) > above(top)) top++;
    back = Math.max(back, top);
    while (along(back + 1) < along(back)) back++;
    const area = ((along(ahead) - along(back)) * above(top)) / (ex * ex + ey * ey);
    if (area < least) {
      least = area;
      best = Math.atan2(ey, ex);
    }
  }
  const quarter = Math.PI / 2;
  const angle = -best - quarter * Math.round(-best / quarter);
  return angle <= -quarter / 2 ? angle + quarter : angle;
}

function turn(points: Points, angle: number): MinimumRectangle {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const out = new Float64Array(points.length);
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    out[i] = cos * points[i] - sin * points[i + 1];
    out[i + 1] = sin * points[i] + cos * points[i + 1];
    for (const axis of [0, 1]) {
      low[axis] = Math.min(low[axis], out[i + axis]);
      high[axis] = Math.max(high[axis], out[i + axis]);
    }
  }
  for (let p = 0; p < out.length; p++) out[p] -= low[p % 2];
  return { width: high[0] - low[0], height: high[1] - low[1], angle, points: out };
}
