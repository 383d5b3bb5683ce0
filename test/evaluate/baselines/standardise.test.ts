import { describe, expect, it } from "vitest";
import { fitScaling, standardise, standardised } from "../../../src/evaluate/baselines/standardise.js";
import { baselineCases, features, largestDifference } from "./oracle.js";

describe("fitScaling", () => {
  it.each(baselineCases)("equals StandardScaler: $name", ({ x, scaling }) => {
    const { mean, scale } = fitScaling(x);
    expect(largestDifference(mean, scaling.mean)).toBeLessThan(1e-10);
    scale.forEach((s, j) => {
      expect(s / scaling.scale[j]).toBeCloseTo(1, 11);
    });
  });

  it("takes a feature for constant whose values differ by rounding only", () => {
    const tenth = features([0.1 + 0.2, 0.3, 0.3, 0.3], 1); // 0.30000000000000004 and 0.3
    expect(fitScaling(tenth).scale[0]).toBe(1);
    expect(fitScaling(features([0.3, 0.3, 0.3, 0.3001], 1)).scale[0]).toBeCloseTo(0.0000433, 7);
  });

  it("refuses no samples, NaN and a shape that does not fit", () => {
    expect(() => fitScaling(features([], 2))).toThrow(/no samples/);
    expect(() => fitScaling(features([1, 2, 3, Number.NaN], 2))).toThrow("sample 1, feature 1 is NaN");
    expect(() => fitScaling({ rows: 2, cols: 2, data: new Float64Array(3) })).toThrow(RangeError);
  });
});

describe("standardise", () => {
  it("leaves mean 0 and standard deviation 1, and the precision and the original as they are", () => {
    const data = Float32Array.of(1, 10, 2, 30, 6, 80);
    const x = { rows: 3, cols: 2, data };
    const z = standardise(x, fitScaling(x));
    expect(z.data).toBeInstanceOf(Float32Array);
    expect([...data]).toEqual([1, 10, 2, 30, 6, 80]);
    const { mean, scale } = fitScaling(z);
    expect(largestDifference(mean, [0, 0])).toBeLessThan(1e-7);
    expect(largestDifference(scale, [1, 1])).toBeLessThan(1e-7);
  });

  it("refuses another number of features", () => {
    expect(() => standardise(features([1, 2, 3], 3), fitScaling(features([1, 2], 2)))).toThrow(
      "3 features, but the baseline was fitted on 2",
    );
  });
});

describe("standardised", () => {
  it("scales new samples by the training samples", () => {
    const seen: number[][] = [];
    const spy = standardised((x) => {
      seen.push([...x.data]);
      return (query) => {
        seen.push([...query.data]);
        return new Float64Array(0);
      };
    });
    spy(features([0, 4], 1), Int32Array.of(0, 1), 2)(features([6], 1));
    expect(seen).toEqual([[-1, 1], [2]]);
  });
});
