import { describe, expect, it } from "vitest";
import { studentTCdf, studentTQuantile } from "../../src/evaluate/student-t.js";
import fixture from "../fixtures/statistics.json" with { type: "json" };

describe("studentTCdf", () => {
  it("equals scipy over degrees of freedom 0.1 to a million and t to 1e100, small tails included", () => {
    for (const [df, t, expected] of fixture.studentT.cdf) {
      const p = studentTCdf(t, df);
      expect(Math.abs(p - expected), `t = ${t}, df = ${df}`).toBeLessThanOrEqual(1e-10 * expected);
      expect(studentTCdf(-t, df)).toBe(t === 0 ? 0.5 : 1 - p);
    }
  });

  it("has closed forms for 1 and 2 degrees of freedom", () => {
    for (const t of [-40, -3, -1, -0.2, -1e-8, 0, 0.5, 1.8, 7]) {
      expect(studentTCdf(t, 1)).toBeCloseTo(0.5 + Math.atan(t) / Math.PI, 14);
      expect(studentTCdf(t, 2)).toBeCloseTo(0.5 + t / (2 * Math.sqrt(2 + t * t)), 14);
    }
  });

  it("takes infinite t and refuses NaN and degrees of freedom that are not positive", () => {
    expect(studentTCdf(Number.POSITIVE_INFINITY, 4)).toBe(1);
    expect(studentTCdf(Number.NEGATIVE_INFINITY, 4)).toBe(0);
    expect(() => studentTCdf(Number.NaN, 4)).toThrow(RangeError);
    for (const df of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => studentTCdf(1, df)).toThrow(RangeError);
  });
});

describe("studentTQuantile", () => {
  it("equals scipy", () => {
    for (const [df, p, expected] of fixture.studentT.ppf) {
      const t = studentTQuantile(p, df);
      expect(Math.abs(t - expected), `p = ${p}, df = ${df}`).toBeLessThanOrEqual(1e-10 * Math.abs(expected));
    }
  });

  it("is the inverse of the cumulative function, also far out", () => {
    for (const df of [0.5, 1, 4, 24, 1000])
      for (const p of [1e-100, 1e-20, 0.001, 0.3, 0.49]) {
        const t = studentTQuantile(p, df);
        if (t !== Number.NEGATIVE_INFINITY) expect(studentTCdf(t, df) / p).toBeCloseTo(1, 10);
      }
  });

  it("is symmetric, 0 in the middle and infinite at the ends", () => {
    expect(studentTQuantile(0.5, 3)).toBe(0);
    expect(studentTQuantile(0.75, 3)).toBe(-studentTQuantile(0.25, 3));
    expect([studentTQuantile(0, 3), studentTQuantile(1, 3)]).toEqual([
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
    expect(studentTQuantile(1e-10, 0.01)).toBe(Number.NEGATIVE_INFINITY); // beyond what a double holds
  });

  it("refuses what is no probability and degrees of freedom that are not positive", () => {
    for (const p of [-0.1, 1.1, Number.NaN]) expect(() => studentTQuantile(p, 3)).toThrow(RangeError);
    expect(() => studentTQuantile(0.5, 0)).toThrow(RangeError);
  });
});
