import { describe, expect, it } from "vitest";
import { f1Macro } from "../../src/evaluate/f1.js";
import { metricCases } from "./oracle.js";

describe("f1Macro", () => {
  it.each(metricCases)("equals scikit-learn: $name", ({ actual, predicted, classes, metrics }) => {
    expect(f1Macro(actual, predicted, classes)).toBeCloseTo(metrics.f1Macro, 13);
  });

  it("counts a class that neither occurs nor is predicted as 0", () => {
    expect(f1Macro(Int32Array.of(0, 1), Int32Array.of(0, 1), 4)).toBe(0.5);
  });

  it("refuses no samples, unequal lengths and unknown classes", () => {
    const codes = (...list: number[]) => Int32Array.from(list);
    expect(() => f1Macro(codes(), codes(), 2)).toThrow(RangeError);
    expect(() => f1Macro(codes(0, 1), codes(0), 2)).toThrow(RangeError);
    expect(() => f1Macro(codes(0, 2), codes(0, 1), 2)).toThrow(RangeError);
    expect(() => f1Macro(codes(0, 1), codes(0, -1), 2)).toThrow(RangeError);
  });
});
