import { describe, expect, it } from "vitest";
import { wilcoxonSignedRank } from "../../src/evaluate/wilcoxon.js";
import fixture from "../fixtures/wilcoxon.json" with { type: "json" };

describe("wilcoxonSignedRank", () => {
  it.each(fixture.cases)("equals scipy: case %# ($method, p = $p)", ({ a, b, statistic, p }) => {
    const result = wilcoxonSignedRank(a, b);
    expect(result.statistic).toBe(statistic);
    expect(Math.abs(result.p - p)).toBeLessThanOrEqual(1e-12 * p);
    expect(result.n).toBe(a.filter((value, i) => value !== b[i]).length);
    expect(result.p).toBeGreaterThanOrEqual(result.pAttainable);
    expect(wilcoxonSignedRank(b, a)).toEqual(result);
  });

  it("equals counting all 2^n signs, ties included", () => {
    const differences = [1, -1, 2, 2, -3, 4, 4, 4, -5, 6];
    const ranks = [1.5, 1.5, 3.5, 3.5, 5, 7, 7, 7, 9, 10];
    const sumOf = (signs: number) => ranks.reduce((sum, rank, i) => sum + ((signs >> i) & 1) * rank, 0);
    const observed = 1.5 + 5 + 9;
    let extreme = 0;
    for (let signs = 0; signs < 1024; signs++) if (sumOf(signs) <= observed) extreme++;
    const result = wilcoxonSignedRank(
      differences,
      differences.map(() => 0),
    );
    expect(result.statistic).toBe(observed);
    expect(result.p).toBe((2 * extreme) / 1024);
  });

  it("cannot get below 0.0625 with five pairs, and says so", () => {
    const result = wilcoxonSignedRank([0.97, 0.96, 0.98, 0.95, 0.99], [0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(result).toEqual({ statistic: 0, p: 0.0625, pAttainable: 0.0625, n: 5, method: "exact" });
  });

  it("drops equal pairs and says so", () => {
    const result = wilcoxonSignedRank([0.9, 0.8, 0.7, 0.6, 0.5], [0.8, 0.6, 0.4, 0.2, 0.5]);
    expect(result).toMatchObject({ statistic: 0, p: 0.125, pAttainable: 0.125, n: 4 });
    expect(result.note).toBe(
      "1 of 5 pairs is equal and dropped; without equal pairs the smallest attainable p is 0.0625.",
    );
  });

  it("gives p = 1 with a note where all pairs are equal or there are none", () => {
    const equal = { statistic: 0, p: 1, pAttainable: 1, n: 0, method: "exact" };
    expect(wilcoxonSignedRank([0.5, 0.7], [0.5, 0.7])).toEqual({ ...equal, note: "All pairs are equal." });
    expect(wilcoxonSignedRank([0.5], [0.5])).toEqual({ ...equal, note: "All pairs are equal." });
    expect(wilcoxonSignedRank([], [])).toEqual({ ...equal, note: "There are no pairs." });
  });

  it("stays exact and finite for many pairs", () => {
    const a = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? -i - 1 : i + 1));
    const zeros = a.map(() => 0);
    const { p, pAttainable } = wilcoxonSignedRank(a, zeros);
    expect(pAttainable).toBe(2 ** -299);
    expect(p).toBeGreaterThan(pAttainable);
    expect(p).toBeLessThan(1e-6);
  });

  it("refuses unequal lengths and values that are not finite", () => {
    expect(() => wilcoxonSignedRank([1, 2], [1])).toThrow(RangeError);
    expect(() => wilcoxonSignedRank([1, Number.NaN], [1, 2])).toThrow(/pair 1/);
    expect(() => wilcoxonSignedRank([Number.POSITIVE_INFINITY], [1])).toThrow(RangeError);
  });
});
