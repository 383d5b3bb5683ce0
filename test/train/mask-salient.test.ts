import { describe, expect, it } from "vitest";
import { RandomState } from "../../src/random.js";
import { featureRange, maskLeastSalient } from "../../src/train/mask-salient.js";
import fixture from "../fixtures/guided.json" with { type: "json" };

describe("maskLeastSalient", () => {
  it.each(fixture.masks)("equals numpy: $n samples, share $share, case %#", (known) => {
    const { n, share, seed } = known;
    const inputs = Float32Array.from(known.x);
    const gradient = Float32Array.from(known.g);
    const range = featureRange(inputs, n);
    expect(Array.from(range.low)).toEqual(known.low);
    expect(Array.from(range.high)).toEqual(known.high);
    const random = new RandomState(seed);
    const drawn = maskLeastSalient(inputs, gradient, n, share, { kind: "random", range, random });
    expect(drawn).toEqual(Float32Array.from(known.random));
    const mean = range.low.map((_, j) => {
      const column = Array.from({ length: n }, (_, i) => known.x[i * range.low.length + j]);
      return column.reduce((sum, value) => sum + value, 0) / n;
    });
    const meant = maskLeastSalient(inputs, gradient, n, share, { kind: "mean", mean });
    known.mean.forEach((value, at) => {
      expect(meant[at]).toBeCloseTo(value, 6);
    });
    expect(inputs).toEqual(Float32Array.from(known.x));
  });

  it("masks as many features of every sample where all gradients are 0: the first", () => {
    const masked = maskLeastSalient(new Float32Array(10).fill(1), new Float32Array(10), 2, 0.4, {
      kind: "mean",
      mean: new Float32Array(5),
    });
    expect(Array.from(masked)).toEqual([0, 0, 1, 1, 1, 0, 0, 1, 1, 1]);
  });

  it("swaps two features alone where rounding swaps them at the edge", () => {
    const inputs = new RandomState(1);
    const x = Float32Array.from({ length: 20 }, () => inputs.random());
    const range = { low: new Float32Array(20), high: new Float32Array(20).fill(1) };
    const of = (gradient: Float32Array) =>
      maskLeastSalient(x, gradient, 1, 0.5, { kind: "random", range, random: new RandomState(2) });
    const gradient = Float32Array.from({ length: 20 }, (_, j) => (7 * j) % 20);
    const [edge, next] = [gradient.indexOf(9), gradient.indexOf(10)];
    const other = gradient.slice();
    [other[edge], other[next]] = [10, 9];
    const [a, b] = [of(gradient), of(other)];
    expect(Array.from(a.keys()).filter((j) => a[j] !== b[j])).toEqual([edge, next].sort((i, j) => i - j));
  });

  it("refuses shapes and shares that do not fit", () => {
    const mean = new Float32Array(2);
    const of = (inputs: number, gradient: number, samples: number, share = 0.5) =>
      maskLeastSalient(new Float32Array(inputs), new Float32Array(gradient), samples, share, {
        kind: "mean",
        mean,
      });
    expect(() => of(5, 5, 2)).toThrow(/5 inputs are not those of 2 samples/);
    expect(() => of(4, 4, 0)).toThrow(RangeError);
    expect(() => of(4, 3, 2)).toThrow(/3 gradients of 4 inputs/);
    expect(() => of(6, 6, 2)).toThrow(/replacements for 2 of 3 features/);
    for (const share of [-0.1, 1.1, Number.NaN]) expect(() => of(4, 4, 2, share)).toThrow(RangeError);
  });
});
