import { describe, expect, it } from "vitest";
import { precisionMacro } from "../../src/evaluate/precision.js";
import { metricCases } from "./oracle.js";

describe("precisionMacro", () => {
  it.each(metricCases)("equals scikit-learn: $name", ({ actual, predicted, classes, metrics }) => {
    expect(precisionMacro(actual, predicted, classes)).toBeCloseTo(metrics.precisionMacro, 13);
  });

  it("counts a class that is never predicted as 0", () => {
    expect(precisionMacro(Int32Array.of(0, 1), Int32Array.of(0, 0), 2)).toBe(0.25);
  });

  it("refuses no samples, unequal lengths and unknown classes", () => {
    const codes = (...list: number[]) => Int32Array.from(list);
    expect(() => precisionMacro(codes(), codes(), 2)).toThrow(RangeError);
    expect(() => precisionMacro(codes(0, 1), codes(0), 2)).toThrow(RangeError);
    expect(() => precisionMacro(codes(0, 2), codes(0, 1), 2)).toThrow(RangeError);
    expect(() => precisionMacro(codes(0, 1), codes(0, -1), 2)).toThrow(RangeError);
  });
});
