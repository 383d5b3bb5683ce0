import { describe, expect, it } from "vitest";
import { mcc } from "../../src/evaluate/mcc.js";
import { metricCases } from "./oracle.js";

describe("mcc", () => {
  it.each(metricCases)("equals scikit-learn: $name", ({ actual, predicted, classes, metrics }) => {
    expect(mcc(actual, predicted, classes)).toBeCloseTo(metrics.mcc, 13);
  });

  it("is 1 for all right, −1 for all wrong in two classes, 0 for one prediction for all", () => {
    const actual = Int32Array.of(0, 1, 0, 1);
    expect(mcc(actual, actual, 2)).toBe(1);
    expect(mcc(actual, Int32Array.of(1, 0, 1, 0), 2)).toBe(-1);
    expect(mcc(actual, Int32Array.of(1, 1, 1, 1), 2)).toBe(0);
  });

  it("refuses no samples, unequal lengths and unknown classes", () => {
    const codes = (...list: number[]) => Int32Array.from(list);
    expect(() => mcc(codes(), codes(), 2)).toThrow(RangeError);
    expect(() => mcc(codes(0, 1), codes(0), 2)).toThrow(RangeError);
    expect(() => mcc(codes(0, 2), codes(0, 1), 2)).toThrow(RangeError);
    expect(() => mcc(codes(0, 1), codes(0, -1), 2)).toThrow(RangeError);
  });
});
