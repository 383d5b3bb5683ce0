import { describe, expect, it } from "vitest";
import { checkProbabilities, topLabels } from "../../src/evaluate/top-label.js";
import { badProbabilities } from "./calibration-oracle.js";

describe("topLabels", () => {
  it("gives the most probable class, the lowest of equals, and its probability as it is", () => {
    const { predicted, confidence } = topLabels(Float32Array.of(0.2, 0.4, 0.4, 0.1, 0.1, 0.8), 3);
    expect([...predicted]).toEqual([1, 2]);
    expect([...confidence]).toEqual([Math.fround(0.4), Math.fround(0.8)]);
  });
  it("of no samples is nothing", () => {
    expect(topLabels(new Float64Array(0), 3).confidence).toHaveLength(0);
  });
});

describe("checkProbabilities", () => {
  it.each(badProbabilities)("refuses %s", (_, actual, probabilities) => {
    expect(() => checkProbabilities(actual, probabilities, 2)).toThrow(RangeError);
  });
  it("names the place, and lets a float32's rounding over 1 pass", () => {
    expect(() => checkProbabilities(Int32Array.of(0, 1), Float64Array.of(1, 0, -0.1, 1), 2)).toThrow(
      "the probability of sample 1, class 0 is -0.1",
    );
    checkProbabilities(Int32Array.of(0), Float32Array.of(1 + 2 ** -23, 0), 2);
  });
});
