import { describe, expect, it } from "vitest";
import { nll } from "../../src/evaluate/nll.js";
import { badProbabilities, scoreCases } from "./calibration-oracle.js";

describe("nll", () => {
  it.each(scoreCases)("equals scikit-learn: $name", ({ actual, probabilities, classes, nll: expected }) => {
    expect(nll(actual, probabilities, classes)).toBeCloseTo(expected, 13);
  });
  it.each(badProbabilities)("refuses %s", (_, actual, probabilities) => {
    expect(() => nll(actual, probabilities, 2)).toThrow(RangeError);
  });

  it("takes a probability of 0 as 2^−52", () => {
    expect(nll(Int32Array.of(1), Float64Array.of(1, 0), 2)).toBe(52 * Math.LN2);
  });
});
