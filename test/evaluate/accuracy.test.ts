import { describe, expect, it } from "vitest";
import { accuracy } from "../../src/evaluate/accuracy.js";
import { metricCases } from "./oracle.js";

describe("accuracy", () => {
  it.each(metricCases)("equals scikit-learn: $name", ({ actual, predicted, metrics }) => {
    expect(accuracy(actual, predicted)).toBe(metrics.accuracy);
  });

  it("refuses no samples and unequal lengths", () => {
    expect(() => accuracy(new Int32Array(0), new Int32Array(0))).toThrow(RangeError);
    expect(() => accuracy(new Int32Array(2), new Int32Array(3))).toThrow(RangeError);
  });
});
