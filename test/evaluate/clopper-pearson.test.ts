import { describe, expect, it } from "vitest";
import { binomialCdf, clopperPearsonUpper } from "../../src/evaluate/clopper-pearson.js";
import fixture from "../fixtures/proportions.json" with { type: "json" };

describe("clopperPearsonUpper", () => {
  it.each(fixture.upper)("equals scipy: %i errors of %i at %f", (errors, n, confidence, high) => {
    expect(Math.abs(clopperPearsonUpper(errors, n, confidence) - high)).toBeLessThanOrEqual(1e-12);
  });
  it("is 1 where nothing is known", () => {
    expect(clopperPearsonUpper(0, 0, 0.95)).toBe(1);
    expect(clopperPearsonUpper(4, 4, 0.95)).toBe(1);
  });
  it("refuses counts and confidences that do not fit", () => {
    expect(() => clopperPearsonUpper(3, 2, 0.95)).toThrow(RangeError);
    expect(() => clopperPearsonUpper(-1, 2, 0.95)).toThrow(RangeError);
    for (const confidence of [0, 1, 95, Number.NaN])
      expect(() => clopperPearsonUpper(1, 2, confidence)).toThrow(RangeError);
  });
});

describe("binomialCdf", () => {
  it("equals scipy", () => {
    for (const [k, n, p, expected] of fixture.cdf) {
      const error = Math.abs(binomialCdf(k, n, p) - expected);
      expect(error, `k ${k}, n ${n}, p ${p}`).toBeLessThanOrEqual(1e-11 * expected);
    }
  });
  it("refuses what is no distribution", () => {
    for (const [k, n, p] of [
      [3, 2, 0.5],
      [-1, 2, 0.5],
      [0.5, 2, 0.5],
      [1, 2, 1.5],
      [1, 2, Number.NaN],
    ])
      expect(() => binomialCdf(k, n, p)).toThrow(RangeError);
  });
});
