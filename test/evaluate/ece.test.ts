import { describe, expect, it } from "vitest";
import { adaptiveEce, type CalibrationError, ece } from "../../src/evaluate/ece.js";
import { wilsonInterval } from "../../src/evaluate/wilson.js";
import { badProbabilities, scoreCases } from "./calibration-oracle.js";

/** scikit-learn's curve leaves empty bins out. */
function check(result: CalibrationError, oracle: (typeof scoreCases)[0]["uniform"]): void {
  expect(result.ece).toBeCloseTo(oracle.ece, 13);
  expect(result.bins.map((bin) => bin.count)).toEqual(oracle.count);
  const full = result.bins.filter((bin) => bin.count > 0);
  full.forEach(({ count, confidence, accuracy, interval }, b) => {
    expect(confidence).toBeCloseTo(oracle.confidence[b], 13);
    expect(accuracy).toBeCloseTo(oracle.accuracy[b], 13);
    expect(interval).toEqual(wilsonInterval(Math.round((accuracy ?? 0) * count), count));
  });
}

describe("ece", () => {
  it.each(scoreCases)(
    "has the bins of scikit-learn: $name",
    ({ actual, probabilities, classes, uniform }) => {
      const result = ece(actual, probabilities, classes);
      check(result, uniform);
      expect(result.bins.map((bin) => bin.low)).toEqual(Array.from({ length: 15 }, (_, i) => i * (1 / 15)));
      expect(result.bins[14].high).toBe(1);
    },
  );

  it("by hand: two bins, and an empty one between", () => {
    // confidences 0.5 (right) and 0.5 (wrong) → |0.5 − 0.5|; 0.9 (wrong) → 0.9
    const probabilities = Float64Array.of(0.5, 0.3, 0.2, 0.3, 0.5, 0.2, 0.05, 0.9, 0.05);
    const result = ece(Int32Array.of(0, 0, 0), probabilities, 3, 5);
    expect(result.ece).toBeCloseTo(0.3, 14);
    expect(result.bins.map((bin) => bin.count)).toEqual([0, 0, 2, 0, 1]);
    expect(result.bins[3]).toMatchObject({ confidence: null, accuracy: null, interval: null });
  });

  it("puts a confidence that float32 rounds over 1 into the last bin", () => {
    const result = ece(Int32Array.of(0), Float32Array.of(1 + 2 ** -23, 0), 2);
    expect(result.bins[14].count).toBe(1);
  });

  it.each(badProbabilities)("refuses %s", (_, actual, probabilities) => {
    expect(() => ece(actual, probabilities, 2)).toThrow(RangeError);
  });
  it("refuses no bins", () => {
    for (const bins of [0, -1, 1.5, Number.NaN])
      expect(() => ece(Int32Array.of(0), Float64Array.of(1, 0), 2, bins)).toThrow(RangeError);
  });
});

describe("adaptiveEce", () => {
  it.each(scoreCases)("has the bins of scikit-learn: $name", (oracle) => {
    const { actual, probabilities, classes, quantile } = oracle;
    const result = adaptiveEce(actual, probabilities, classes);
    check(result, quantile);
    expect(result.bins.map((bin) => bin.low)).toEqual(quantile.edges.slice(0, -1));
    expect(result.bins[14].high).toBe(quantile.edges[15]);
  });
});
