import { describe, expect, it } from "vitest";
import { aucOvoMacro, aucOvoWeighted } from "../../src/evaluate/auc-ovo.js";
import { metricCases } from "./oracle.js";

describe("aucOvoMacro", () => {
  it.each(metricCases)("equals scikit-learn: $name", ({ actual, probabilities, classes, metrics }) => {
    const value = aucOvoMacro(actual, probabilities, classes);
    if (metrics.aucOvoMacro === null) expect(value).toBeNull();
    else expect(value).toBeCloseTo(metrics.aucOvoMacro, 13);
  });

  it("is null where a class does not occur", () => {
    expect(aucOvoMacro(Int32Array.of(0, 1), Float64Array.of(1, 0, 0, 0, 1, 0), 3)).toBeNull();
  });

  it("is the AUC of class 1 with two classes, though the columns disagree", () => {
    // by column 0 both samples tie (0.5); by column 1 they are told apart
    expect(aucOvoMacro(Int32Array.of(0, 1), Float64Array.of(0.5, 0.4, 0.5, 0.6), 2)).toBe(1);
  });

  it("refuses NaN and shapes that do not fit", () => {
    expect(() => aucOvoMacro(Int32Array.of(0, 1), Float64Array.of(1, 0, Number.NaN, 1), 2)).toThrow(
      /sample 1, class 0/,
    );
    expect(() => aucOvoMacro(Int32Array.of(0, 1), Float64Array.of(1, 0, 0), 2)).toThrow(RangeError);
    expect(() => aucOvoMacro(new Int32Array(0), new Float64Array(0), 2)).toThrow(RangeError);
    expect(() => aucOvoMacro(Int32Array.of(0, 2), Float64Array.of(1, 0, 0, 1), 2)).toThrow(RangeError);
  });
});

describe("aucOvoWeighted", () => {
  it.each(metricCases)("equals scikit-learn: $name", ({ actual, probabilities, classes, metrics }) => {
    const value = aucOvoWeighted(actual, probabilities, classes);
    if (metrics.aucOvoWeighted === null) expect(value).toBeNull();
    else expect(value).toBeCloseTo(metrics.aucOvoWeighted, 13);
  });

  it("is null where a class does not occur", () => {
    expect(aucOvoWeighted(Int32Array.of(0, 1), Float64Array.of(1, 0, 0, 0, 1, 0), 3)).toBeNull();
  });

  it("is the AUC of class 1 with two classes, though the columns disagree", () => {
    // by column 0 both samples tie (0.5); by column 1 they are told apart
    expect(aucOvoWeighted(Int32Array.of(0, 1), Float64Array.of(0.5, 0.4, 0.5, 0.6), 2)).toBe(1);
  });

  it("refuses NaN and shapes that do not fit", () => {
    expect(() => aucOvoWeighted(Int32Array.of(0, 1), Float64Array.of(1, 0, Number.NaN, 1), 2)).toThrow(
      /sample 1, class 0/,
    );
    expect(() => aucOvoWeighted(Int32Array.of(0, 1), Float64Array.of(1, 0, 0), 2)).toThrow(RangeError);
    expect(() => aucOvoWeighted(new Int32Array(0), new Float64Array(0), 2)).toThrow(RangeError);
    expect(() => aucOvoWeighted(Int32Array.of(0, 2), Float64Array.of(1, 0, 0, 1), 2)).toThrow(RangeError);
  });
});
