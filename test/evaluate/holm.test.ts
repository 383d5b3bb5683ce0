import { describe, expect, it } from "vitest";
import { holm } from "../../src/evaluate/holm.js";
import fixture from "../fixtures/statistics.json" with { type: "json" };

describe("holm", () => {
  it.each(fixture.holm)("equals statsmodels: case %#, $p.length values", ({ p, adjusted }) => {
    const result = holm(p);
    expect(result).toHaveLength(p.length);
    result.forEach((value, i) => {
      expect(value).toBeCloseTo(adjusted[i], 14);
    });
  });

  it("rejects what the step-down rule rejects", () => {
    // 0.012 ≤ 0.05/4, then 0.016 ≤ 0.05/3, then 0.03 > 0.05/2: stop
    const rejected = holm([0.03, 0.012, 0.9, 0.016]).map((p) => p <= 0.05);
    expect(rejected).toEqual([false, true, false, true]);
  });

  it("leaves its input as it was and refuses what is no probability", () => {
    const p = [0.04, 0.01];
    holm(p);
    expect(p).toEqual([0.04, 0.01]);
    for (const bad of [-0.01, 1.01, Number.NaN]) expect(() => holm([0.5, bad])).toThrow(/p value 1/);
  });
});
