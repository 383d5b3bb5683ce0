import { describe, expect, it } from "vitest";
import { brier } from "../../src/evaluate/brier.js";
import { badProbabilities, scoreCases } from "./calibration-oracle.js";

describe("brier", () => {
  it.each(scoreCases)("equals scikit-learn: $name", ({ actual, probabilities, classes, brier: expected }) => {
    expect(brier(actual, probabilities, classes)).toBeCloseTo(expected, 13);
  });
  it.each(badProbabilities)("refuses %s", (_, actual, probabilities) => {
    expect(() => brier(actual, probabilities, 2)).toThrow(RangeError);
  });

  it("is summed over the classes: 2 at the worst, twice the binary score of two classes", () => {
    expect(brier(Int32Array.of(1), Float64Array.of(1, 0, 0), 3)).toBe(2);
    expect(brier(Int32Array.of(1, 0), Float64Array.of(0.3, 0.7, 0.6, 0.4), 2)).toBeCloseTo(
      2 * ((0.3 ** 2 + 0.4 ** 2) / 2),
      14,
    );
  });
});
