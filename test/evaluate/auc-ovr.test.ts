import { describe, expect, it } from "vitest";
import { aucOvrMacro } from "../../src/evaluate/auc-ovr.js";
import { metricCases } from "./oracle.js";

describe("aucOvrMacro", () => {
  it.each(metricCases)("equals scikit-learn: $name", ({ actual, probabilities, classes, metrics }) => {
    const value = aucOvrMacro(actual, probabilities, classes);
    if (metrics.aucOvrMacro === null) expect(value).toBeNull();
    else expect(value).toBeCloseTo(metrics.aucOvrMacro, 13);
  });

  it("is null where a class does not occur", () => {
    expect(aucOvrMacro(Int32Array.of(0, 1), Float64Array.of(1, 0, 0, 0, 1, 0), 3)).toBeNull();
  });

  it("is the AUC of class 1 with two classes, though the columns disagree", () => {
    // by column 0 both samples tie (0.5); by column 1 they are told apart
    expect(aucOvrMacro(Int32Array.of(0, 1), Float64Array.of(0.5, 0.4, 0.5, 0.6), 2)).toBe(1);
  });

  it("refuses NaN and shapes that do not fit", () => {
    expect(() => aucOvrMacro(Int32Array.of(0, 1), Float64Array.of(1, 0, Number.NaN, 1), 2)).toThrow(
      /sample 1, class 0/,
    );
    expect(() => aucOvrMacro(Int32Array.of(0, 1), Float64Array.of(1, 0, 0), 2)).toThrow(RangeError);
    expect(() => aucOvrMacro(new Int32Array(0), new Float64Array(0), 2)).toThrow(RangeError);
    expect(() => aucOvrMacro(Int32Array.of(0, 2), Float64Array.of(1, 0, 0, 1), 2)).toThrow(RangeError);
  });
});
