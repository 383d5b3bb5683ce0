import { describe, expect, it } from "vitest";
import { type Assignment, assignPixels } from "../../../src/encode/genes/assignment.js";
import { CellhueError, InterruptedError } from "../../../src/errors.js";
import { areaOf, type ImageSize } from "../../../src/image-size.js";
import { type Progress, silent } from "../../../src/progress.js";
import fixture from "../../fixtures/assignment.json" with { type: "json" };
import { kinds, layout } from "./layouts.js";

/** Checks what holds of every assignment. @returns its gap */
function check(points: Float64Array, size: ImageSize, { pixels, cost, bound }: Assignment): number {
  expect(pixels).toHaveLength(points.length / 2);
  expect(new Set(pixels).size).toBe(pixels.length);
  let sum = 0;
  pixels.forEach((pixel, i) => {
    expect(pixel >= 0 && pixel < areaOf(size)).toBe(true);
    const x = ((pixel % size.width) + 0.5) / size.width;
    const y = (Math.floor(pixel / size.width) + 0.5) / size.height;
    sum += (points[2 * i] - x) ** 2 + (points[2 * i + 1] - y) ** 2;
  });
  expect(Math.abs(cost - sum)).toBeLessThanOrEqual(1e-12 * sum);
  expect(bound).toBeLessThanOrEqual(cost);
  return cost === bound ? 0 : (cost - bound) / cost;
}

describe("assignPixels: the least cost, scipy's linear_sum_assignment", () => {
  for (const kind of kinds)
    it(`${kind} points, n = 0 … 1500, square and not, as many pixels as genes and more`, async () => {
      const cases = fixture.cases.filter((c) => c.kind === kind);
      expect(cases).toHaveLength(16);
      for (const { seed, n, height, width, cost } of cases) {
        const points = layout(kind, n, seed);
        const found = await assignPixels(points, { height, width });
        expect(check(points, { height, width }, found)).toBeLessThanOrEqual(1e-9);
        expect(Math.abs(found.cost - cost)).toBeLessThanOrEqual(1e-9 * cost);
        expect(found.bound).toBeLessThanOrEqual(cost * (1 + 1e-12));
      }
    });

  it.each([0.1, 1e-3])(
    "stopped early, at a gap of %f, the optimum lies between bound and cost",
    async (gap) => {
      for (const { kind, seed, n, height, width, cost } of fixture.cases.filter((c) => c.n >= 500)) {
        const points = layout(kind, n, seed);
        const found = await assignPixels(points, { height, width }, { gap });
        expect(check(points, { height, width }, found)).toBeLessThanOrEqual(gap);
        expect(found.cost).toBeGreaterThanOrEqual(cost * (1 - 1e-12));
        expect(found.bound).toBeLessThanOrEqual(cost * (1 + 1e-12));
      }
    },
  );
});

describe("assignPixels", () => {
  it("genes at pixel centres stay there, at no cost", async () => {
    const size = { height: 4, width: 8 };
    const points = Float64Array.from({ length: 64 }, (_, k) =>
      k % 2 === 0 ? (((k >> 1) % 8) + 0.5) / 8 : ((k >> 4) + 0.5) / 4,
    );
    const found = await assignPixels(points, size);
    expect(found).toEqual({ pixels: Int32Array.from({ length: 32 }, (_, i) => i), cost: 0, bound: 0 });
  });

  it("a pixel is row · width + column, x along the columns", async () => {
    const { pixels } = await assignPixels(Float64Array.of(0.99, 0, 0, 0.99), { height: 3, width: 5 });
    expect([...pixels]).toEqual([4, 10]);
  });

  it("8,000 genes in nine spots on 90 × 90 pixels: a gap of at most 0.1 %", async () => {
    const size = { height: 90, width: 90 };
    const points = layout("clustered", 8000, 1);
    expect(check(points, size, await assignPixels(points, size))).toBeLessThanOrEqual(1e-3);
  });

  it("the same every time", async () => {
    const points = layout("clustered", 900, 3);
    const [a, b] = [0, 1].map(() => assignPixels(points, { height: 31, width: 37 }));
    expect(await a).toEqual(await b);
  });

  it("tells how far it is", async () => {
    const told: number[] = [];
    let ends = 0;
    const task = { update: (done: number) => told.push(done), end: () => ends++ };
    const progress: Progress = { ...silent, task: () => task };
    await assignPixels(layout("uniform", 300, 1), { height: 20, width: 20 }, { progress });
    expect(told.length).toBeGreaterThan(3);
    expect(told.every((done) => done > 0 && done < 100)).toBe(true);
    expect(ends).toBe(1);
  });

  it("stops where the signal fires", async () => {
    const points = layout("uniform", 20_000, 1);
    const signal = AbortSignal.timeout(50);
    await expect(assignPixels(points, { height: 142, width: 142 }, { signal })).rejects.toThrow(
      InterruptedError,
    );
  });
});

describe("assignPixels refuses", () => {
  it("more genes than pixels, and names the smallest image that would do", async () => {
    const failure = await assignPixels(layout("uniform", 101, 1), { height: 10, width: 10 }).catch((e) => e);
    expect(failure).toBeInstanceOf(CellhueError);
    expect(failure.describe()).toContain("101 genes do not fit into 100 pixels");
    expect(failure.describe()).toContain("11 × 11");
  });
  it.each([Number.NaN, -0.01, 1.01])("a point at %f", async (v) => {
    await expect(assignPixels(Float64Array.of(0, 0, v, 0), { height: 2, width: 2 })).rejects.toThrow(
      RangeError,
    );
  });
  it("sizes that are none, and half a point", async () => {
    for (const height of [1.5, -1, Number.NaN])
      await expect(assignPixels(new Float64Array(2), { height, width: 2 })).rejects.toThrow(RangeError);
    await expect(assignPixels(new Float64Array(3), { height: 2, width: 2 })).rejects.toThrow(RangeError);
  });
  it("a gap below 0", async () => {
    const size = { height: 2, width: 2 };
    await expect(assignPixels(new Float64Array(2), size, { gap: -1 })).rejects.toThrow(RangeError);
  });
});
