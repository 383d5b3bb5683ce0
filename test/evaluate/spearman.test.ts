import { describe, expect, it } from "vitest";
import { spearman } from "../../src/evaluate/spearman.js";
import fixture from "../fixtures/rankings.json" with { type: "json" };

describe("spearman", () => {
  it.each(fixture.spearman)("equals scipy: $a.length values, ρ = $rho", ({ a, b, rho }) => {
    expect(spearman(a, b)).toBeCloseTo(rho ?? 0, 14);
    expect(spearman(b, a)).toBe(spearman(a, b));
    expect(spearman(a, Float32Array.from(b))).toBeCloseTo(rho ?? 0, 6);
  });

  it("is 1 of any rising function, −1 of any falling one, exactly", () => {
    const a = Array.from({ length: 1001 }, (_, i) => Math.sin(i));
    expect(spearman(a, a.map(Math.exp))).toBe(1);
    expect(
      spearman(
        a,
        a.map((v) => -(v ** 3)),
      ),
    ).toBe(-1);
  });

  it("is 0 of what is constant, of one value and of none", () => {
    expect(spearman([2, 2], [2, 2])).toBe(0);
    expect(spearman([1], [1])).toBe(0);
    expect(spearman([], [])).toBe(0);
  });

  it("refuses unequal lengths and NaN", () => {
    expect(() => spearman([1, 2], [1])).toThrow(/2 values against 1/);
    expect(() => spearman([1, 2], [1, Number.NaN])).toThrow(RangeError);
  });
});
