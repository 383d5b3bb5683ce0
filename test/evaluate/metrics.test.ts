import { describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { argmaxRows, foldMetrics, METRIC_NAMES } from "../../src/evaluate/metrics.js";
import { metricCases } from "./oracle.js";

describe("foldMetrics", () => {
  it.each(metricCases)("equals scikit-learn: $name", ({ actual, probabilities, classes, metrics }) => {
    const result = foldMetrics(actual, probabilities, classes);
    expect(Object.keys(result)).toEqual(METRIC_NAMES);
    for (const name of METRIC_NAMES) {
      const expected = metrics[name];
      if (expected === null) expect(result[name], name).toBeNull();
      else expect(result[name], name).toBeCloseTo(expected, 13);
    }
  });

  it("names the place of a probability that is not finite", () => {
    const bad = Float32Array.of(1, 0, 0.5, Number.NaN);
    expect(() => foldMetrics(Int32Array.of(0, 1), bad, 2)).toThrow(CellhueError);
    try {
      foldMetrics(Int32Array.of(0, 1), bad, 2);
    } catch (error) {
      expect((error as CellhueError).describe()).toMatch(
        /sample 1 of the fold, class 1[\s\S]*NaN[\s\S]*--lr/,
      );
    }
  });

  it("refuses no samples and shapes that do not fit", () => {
    expect(() => foldMetrics(new Int32Array(0), new Float32Array(0), 2)).toThrow(RangeError);
    expect(() => foldMetrics(Int32Array.of(0, 1), new Float32Array(3), 2)).toThrow(RangeError);
    expect(() => foldMetrics(Int32Array.of(0, 2), new Float32Array(4), 2)).toThrow(RangeError);
  });
});

describe("argmaxRows", () => {
  it.each(metricCases)("equals numpy.argmax: $name", ({ probabilities, predicted, classes }) => {
    expect([...argmaxRows(probabilities, classes)]).toEqual([...predicted]);
  });

  it("takes the lowest class of equals", () => {
    expect([...argmaxRows(Float32Array.of(0.2, 0.4, 0.4, 0.3, 0.3, 0.3), 3)]).toEqual([1, 0]);
  });
});
