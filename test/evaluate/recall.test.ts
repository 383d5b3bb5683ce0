import { describe, expect, it } from "vitest";
import { recallMacro } from "../../src/evaluate/recall.js";
import { metricCases } from "./oracle.js";

describe("recallMacro", () => {
  it.each(metricCases)("equals scikit-learn: $name", ({ actual, predicted, classes, metrics }) => {
    expect(recallMacro(actual, predicted, classes)).toBeCloseTo(metrics.recallMacro, 13);
  });

  it("counts a class that does not occur as 0, unlike balanced accuracy", () => {
    expect(recallMacro(Int32Array.of(0, 0, 1), Int32Array.of(0, 2, 1), 3)).toBe(0.5);
  });

  it("refuses no samples, unequal lengths and unknown classes", () => {
    const codes = (...list: number[]) => Int32Array.from(list);
    expect(() => recallMacro(codes(), codes(), 2)).toThrow(RangeError);
    expect(() => recallMacro(codes(0, 1), codes(0), 2)).toThrow(RangeError);
    expect(() => recallMacro(codes(0, 2), codes(0, 1), 2)).toThrow(RangeError);
    expect(() => recallMacro(codes(0, 1), codes(0, -1), 2)).toThrow(RangeError);
  });
});
