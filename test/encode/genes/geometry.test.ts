import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { binPlacing } from "../../../src/encode/genes/bin-placing.js";
import { convexHull } from "../../../src/encode/genes/convex-hull.js";
import { minimumRectangle } from "../../../src/encode/genes/minimum-rectangle.js";
import { placingStatistics } from "../../../src/encode/genes/placing-statistics.js";
import { quantilePlacing } from "../../../src/encode/genes/quantile-placing.js";
import { CellhueError } from "../../../src/errors.js";
import { RandomState } from "../../../src/random.js";

interface Case {
  n: number;
  kind: "cloud" | "skewed" | "grid" | "disc";
  height: number;
  width: number;
  hull: [number, number][];
  hullArea: number;
  area: number;
  sides: [number, number];
  bins: number[];
  quantiles: number[];
}
const cases: Case[] = JSON.parse(readFileSync("test/fixtures/gene_geometry.json", "utf8"));

function drawn(seed: number, n: number, kind: Case["kind"]): Float64Array {
  const random = new RandomState(seed);
  const points = Float64Array.from({ length: 2 * n }, () => random.standardNormal());
  for (let p = 0; p < points.length; p += 2) {
    const [x, y] = [points[p], points[p + 1]];
    const length = Math.sqrt(x * x + y * y);
    if (kind === "skewed") points.set([3 * x, x + 0.2 * y], p);
    if (kind === "grid") points.set([Math.round(2 * x), Math.round(2 * y)], p);
    if (kind === "disc") points.set([x / length, y / length], p);
  }
  return points;
}

const cornersOf = (points: Float64Array) =>
  Array.from(convexHull(points), (i) => [points[2 * i] + 0, points[2 * i + 1] + 0]); // no −0

describe.each(cases.map((c, seed) => ({ ...c, seed })))("$n points, $kind", ({ seed, ...c }) => {
  const points = drawn(seed, c.n, c.kind);

  it("hull: scipy's corners, counter-clockwise", () => {
    const corners = cornersOf(points);
    const sorted = [...corners].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    expect(sorted.length).toBe(c.hull.length);
    sorted.forEach((corner, i) => {
      expect(corner[0]).toBeCloseTo(c.hull[i][0], 12);
      expect(corner[1]).toBeCloseTo(c.hull[i][1], 12);
    });
    const area = corners.reduce((sum, [x, y], i) => {
      const [nextX, nextY] = corners[(i + 1) % corners.length];
      return sum + (x * nextY - y * nextX) / 2;
    }, 0);
    expect(area).toBeCloseTo(c.hullArea, 10);
  });

  it("rectangle: the least over all edges, the points turned into it", () => {
    const found = minimumRectangle(points);
    expect(found.width * found.height).toBeCloseTo(c.area, 9);
    expect(Math.min(found.width, found.height)).toBeCloseTo(c.sides[0], 9);
    expect(Math.abs(found.angle)).toBeLessThanOrEqual(Math.PI / 4);
    const along = (axis: number) => found.points.filter((_, p) => p % 2 === axis);
    expect(Math.min(...along(0))).toBe(0);
    expect(Math.max(...along(0))).toBeCloseTo(found.width, 12);
    expect(Math.min(...along(1))).toBe(0);
    expect(Math.max(...along(1))).toBeCloseTo(found.height, 12);
    // A turn: distances stay, and so does the sense of rotation.
    const vector = (p: Float64Array, i: number) => [p[2 * i] - p[0], p[2 * i + 1] - p[1]];
    const [cos, sin] = [Math.cos(found.angle), Math.sin(found.angle)];
    for (let i = 1; i < c.n; i++) {
      const [x, y] = vector(points, i);
      const [u, v] = vector(found.points, i);
      expect(u).toBeCloseTo(cos * x - sin * y, 12);
      expect(v).toBeCloseTo(sin * x + cos * y, 12);
    }
  });

  it(`bins and quantile bins in ${c.height}×${c.width} pixels`, () => {
    expect([...binPlacing(points, c)]).toEqual(c.bins);
    expect([...quantilePlacing(points, c)]).toEqual(c.quantiles);
  });
});

describe("convexHull", () => {
  it("of few, coinciding and collinear points", () => {
    const hull = (...points: number[]) => [...convexHull(Float64Array.from(points))];
    expect(hull()).toEqual([]);
    expect(hull(3, 4)).toEqual([0]);
    expect(hull(3, 4, 3, 4, 3, 4)).toEqual([0]);
    expect(hull(1, 1, 0, 0)).toEqual([1, 0]);
    expect(hull(1, 1, 0, 0, 2, 2, 1, 1)).toEqual([1, 2]);
    expect(hull(0, 0, 2, 0, 2, 2, 0, 2, 1, 0, 1, 1, 0, 0)).toEqual([0, 1, 2, 3]);
  });

  it("refuses what is no place", () => {
    expect(() => convexHull(Float64Array.of(1, 2, 3))).toThrow(RangeError);
    expect(() => convexHull(Float64Array.of(1, Number.NaN))).toThrow(/y of gene 0 is NaN/);
  });
});

describe("minimumRectangle", () => {
  it("turns a square on its tip, by the smallest turn", () => {
    const { angle, width, height } = minimumRectangle(Float64Array.of(0, 1, 1, 0, 2, 1, 1, 2));
    expect([angle, width, height].map((v) => v.toFixed(9))).toEqual(
      [Math.PI / 4, Math.SQRT2, Math.SQRT2].map((v) => v.toFixed(9)),
    );
  });

  it("is not misled by where the points lie", () => {
    for (const shift of [0, 1e5, -3e4]) {
      const points = drawn(3, 300, "skewed").map((v) => v + shift);
      const { width, height } = minimumRectangle(points);
      const plain = minimumRectangle(drawn(3, 300, "skewed"));
      expect(width * height).toBeCloseTo(plain.width * plain.height, 6);
    }
  });

  it("fewer than 4 genes: a clear error", () => {
    for (const points of [[], [1, 2], [0, 0, 1, 0, 0, 1]])
      expect(() => minimumRectangle(Float64Array.from(points))).toThrow(CellhueError);
    expect(() => minimumRectangle(Float64Array.of(0, 0, 1, 0, 0, 1))).toThrow(/too few genes/);
  });

  it("all genes on a line, exactly or but for float32, or in one place: a clear error", () => {
    const line = Float64Array.from({ length: 40 }, (_, p) => (p % 2 ? 0.3 : 0.7) * (p >> 1));
    for (const points of [line, Float64Array.from(Float32Array.from(line)), new Float64Array(12).fill(3)])
      expect(() => minimumRectangle(points)).toThrow(/all genes on a line/);
  });

  it("a narrow but real layout is none", () => {
    const points = drawn(4, 50, "cloud").map((v, p) => (p % 2 ? v * 1e-4 : v));
    expect(minimumRectangle(points).height).toBeGreaterThan(1e-4);
  });
});

describe("placings", () => {
  it("halves are rounded upwards", () => {
    expect([...binPlacing(Float64Array.of(0, 0, 0.5, 0, 1, 0), { height: 1, width: 2 })]).toEqual([0, 1, 1]);
  });

  it("quantile bins hold equal numbers, to one, without ties; ties stay together in any order", () => {
    const points = drawn(8, 103, "cloud");
    const columns = quantilePlacing(points, { height: 1, width: 10 });
    const counts = new Int32Array(10);
    for (const c of columns) counts[c]++;
    expect(new Set(counts)).toEqual(new Set([10, 11]));
    const tied = Float64Array.of(2, 0, 1, 0, 2, 0, 2, 0, 0, 0);
    expect([...quantilePlacing(tied, { height: 1, width: 5 })]).toEqual([3, 1, 3, 3, 0]);
  });

  it("of a single pixel, of no genes, of no image", () => {
    for (const place of [binPlacing, quantilePlacing]) {
      expect([...place(drawn(1, 6, "cloud"), { height: 1, width: 1 })]).toEqual([0, 0, 0, 0, 0, 0]);
      expect([...place(new Float64Array(0), { height: 4, width: 4 })]).toEqual([]);
      for (const size of [
        { height: 0, width: 3 },
        { height: 2.5, width: 3 },
      ])
        expect(() => place(drawn(1, 6, "cloud"), size)).toThrow(RangeError);
    }
  });

  it("statistics: pixels used, most genes in one, genes alone", () => {
    const size = { height: 2, width: 4 };
    expect(placingStatistics(Int32Array.of(0, 3, 3, -1, 7, 3), size)).toEqual({
      painted: 5,
      used: 3,
      usedShare: 3 / 8,
      most: 3,
      aloneShare: 2 / 5,
    });
    const none = { painted: 0, used: 0, usedShare: 0, most: 0, aloneShare: 0 };
    expect(placingStatistics(Int32Array.of(-1), size)).toEqual(none);
    expect(placingStatistics(new Int32Array(0), size)).toEqual(none);
    expect(() => placingStatistics(Int32Array.of(8), size)).toThrow(RangeError);
  });
});
