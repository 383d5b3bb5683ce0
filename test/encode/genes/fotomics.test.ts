import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fourierTransform } from "../../../src/encode/genes/fft.js";
import { fotomicsLayout } from "../../../src/encode/genes/fotomics.js";
import { fitScaling } from "../../../src/encode/genes/scaling.js";
import { InterruptedError } from "../../../src/errors.js";
import type { DenseMatrix } from "../../../src/matrix.js";
import { RandomState } from "../../../src/random.js";
import { toCsr } from "../../embed/genes.js";

interface Fixture {
  transforms: { n: number; spots: number[]; values: number[]; moduli: number }[];
  layouts: { rows: number; genes: number; dropped: number; spots: number[]; points: number[] }[];
}
const fixture: Fixture = JSON.parse(readFileSync("test/fixtures/fotomics.json", "utf8"));

function made(rows: number, cols: number): DenseMatrix {
  const random = new RandomState([rows, cols]);
  const data = Float32Array.from({ length: rows * cols }, () => Math.abs(random.standardNormal()));
  for (let p = 0; p < data.length; p++) if ((p % cols) % 3 === 0) data[p] *= 3;
  return { kind: "dense", rows, cols, data };
}

describe("fourierTransform equals numpy's", () => {
  it.each(fixture.transforms)("of length $n", ({ n, spots, values, moduli }) => {
    const random = new RandomState([n, 0]);
    const re = Float64Array.from({ length: n }, () => random.standardNormal());
    const im = Float64Array.from({ length: n }, () => random.standardNormal());
    const transform = fourierTransform(n);
    const again = { re: re.slice(), im: im.slice() };
    transform({ re, im });
    spots.forEach((k, i) => {
      expect(Math.abs(re[k] - values[2 * i])).toBeLessThan(1e-13 * Math.sqrt(n) * 10);
      expect(Math.abs(im[k] - values[2 * i + 1])).toBeLessThan(1e-13 * Math.sqrt(n) * 10);
    });
    expect(re.reduce((sum, a, k) => sum + Math.hypot(a, im[k]), 0) / moduli).toBeCloseTo(1, 13);
    // It may be used again: nothing is left of the last one.
    transform(again);
    expect(again).toEqual({ re, im });
  });

  it.each([0, -1, 2.5])("refuses the length %f", (n) => {
    expect(() => fourierTransform(n)).toThrow(RangeError);
  });
});

describe("fotomicsLayout", () => {
  it.each(fixture.layouts)("$rows samples × $genes genes: numpy's places", async (c) => {
    const x = made(c.rows, c.genes);
    const scaling = await fitScaling(x, "norm2");
    const points = await fotomicsLayout(x, scaling);
    expect(points).toHaveLength(2 * c.genes);
    c.spots.forEach((j, i) => {
      // Scaled values are good to float32, and a sum of all of them is the zero frequency.
      expect(Math.abs(points[2 * j] - c.points[2 * i])).toBeLessThan(2e-7 * Math.sqrt(c.genes) + 2e-7);
      expect(Math.abs(points[2 * j + 1] - c.points[2 * i + 1])).toBeLessThan(2e-7 * Math.sqrt(c.genes));
    });
    expect(await fotomicsLayout(toCsr(x), scaling)).toEqual(points);
  });

  it("is mirror-symmetric, and another one where the genes have another order", async () => {
    const x = made(5, 31);
    const points = await fotomicsLayout(x, await fitScaling(x, "norm2"));
    for (let k = 1; k <= 15; k++) {
      expect(points[2 * (15 + k)]).toBeCloseTo(points[2 * (15 - k)], 12);
      expect(points[2 * (15 + k) + 1]).toBeCloseTo(-points[2 * (15 - k) + 1], 12);
    }
    const swapped: DenseMatrix = { ...x, data: x.data.slice() };
    for (let i = 0; i < 5; i++)
      [swapped.data[31 * i], swapped.data[31 * i + 7]] = [swapped.data[31 * i + 7], swapped.data[31 * i]];
    expect(await fotomicsLayout(swapped, await fitScaling(swapped, "norm2"))).not.toEqual(points);
  });

  it("stops when told to; refuses no samples", async () => {
    const x = made(5, 31);
    const scaling = await fitScaling(x, "norm2");
    await expect(fotomicsLayout(x, scaling, { signal: AbortSignal.abort() })).rejects.toThrow(
      InterruptedError,
    );
    const none: DenseMatrix = { kind: "dense", rows: 0, cols: 31, data: new Float32Array(0) };
    await expect(fotomicsLayout(none, scaling)).rejects.toThrow(RangeError);
  });
});
