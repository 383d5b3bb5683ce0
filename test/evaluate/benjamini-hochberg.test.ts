import { describe, expect, it } from "vitest";
import { benjaminiHochberg } from "../../src/evaluate/benjamini-hochberg.js";
import fixture from "../fixtures/rankings.json" with { type: "json" };

describe("benjaminiHochberg", () => {
  it.each(fixture.bh)("equals scipy and statsmodels: $p.length values", ({ p, q }) => {
    const found = benjaminiHochberg(p);
    expect(found.length).toBe(q.length);
    q.forEach((value, i) => {
      expect(Math.abs(found[i] - value)).toBeLessThanOrEqual(1e-15 * value);
    });
  });

  it("refuses what is no p value", () => {
    expect(() => benjaminiHochberg([0.5, Number.NaN])).toThrow(/p value 1 is NaN/);
    expect(() => benjaminiHochberg([-0.1])).toThrow(RangeError);
    expect(() => benjaminiHochberg([1.1])).toThrow(RangeError);
  });
});
