import { describe, expect, it } from "vitest";
import { normalCdf, normalQuantile } from "../../src/evaluate/normal.js";
import fixture from "../fixtures/statistics.json" with { type: "json" };

describe("normalCdf", () => {
  it.each(fixture.normal.cdf)("equals scipy at z = %d", (z, expected) => {
    expect(Math.abs(normalCdf(z) - expected)).toBeLessThanOrEqual(1e-13 * expected);
    expect(normalCdf(-z) + normalCdf(z)).toBeCloseTo(1, 15);
  });

  it("takes infinities and refuses NaN", () => {
    expect([normalCdf(Number.NEGATIVE_INFINITY), normalCdf(Number.POSITIVE_INFINITY)]).toEqual([0, 1]);
    expect(() => normalCdf(Number.NaN)).toThrow(RangeError);
  });
});

describe("normalQuantile", () => {
  it.each(fixture.normal.ppf)("equals scipy at p = %d", (p, expected) => {
    expect(Math.abs(normalQuantile(p) - expected)).toBeLessThanOrEqual(
      1e-13 * Math.max(1, Math.abs(expected)),
    );
  });

  it("is 0 in the middle, infinite at the ends, and refuses what is no probability", () => {
    expect(normalQuantile(0.5)).toBe(0);
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
    for (const p of [-0.1, 1.1, Number.NaN]) expect(() => normalQuantile(p)).toThrow(RangeError);
  });
});
