import { describe, expect, it } from "vitest";
import { balancedAccuracy } from "../../src/evaluate/balanced-accuracy.js";
import { metricCases } from "./oracle.js";

describe("balancedAccuracy", () => {
  it.each(metricCases)("equals scikit-learn: $name", ({ actual, predicted, classes, metrics }) => {
    expect(balancedAccuracy(actual, predicted, classes)).toBeCloseTo(metrics.balancedAccuracy, 13);
  });

  it("leaves out a class that does not occur, even where it is predicted", () => {
    expect(balancedAccuracy(Int32Array.of(0, 0, 1), Int32Array.of(0, 2, 1), 3)).toBe(0.75);
  });

  it("refuses no samples, unequal lengths and unknown classes", () => {
    const codes = (...list: number[]) => Int32Array.from(list);
    expect(() => balancedAccuracy(codes(), codes(), 2)).toThrow(RangeError);
    expect(() => balancedAccuracy(codes(0, 1), codes(0), 2)).toThrow(RangeError);
    expect(() => balancedAccuracy(codes(0, 2), codes(0, 1), 2)).toThrow(RangeError);
    expect(() => balancedAccuracy(codes(0, 1), codes(0, -1), 2)).toThrow(RangeError);
  });
});
