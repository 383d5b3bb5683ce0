import { describe, expect, it } from "vitest";
import { conformalRank, scoresNeeded } from "../../src/evaluate/conformal-rank.js";

/** ⌈(n + 1)(1 − a / 100)⌉ in whole numbers. */
const exact = (n: number, a: number): number => Math.ceil(((n + 1) * (100 - a)) / 100);

describe("conformalRank", () => {
  it("is exact where (n + 1)(1 − α) is a whole number or beside one", () => {
    for (let n = 0; n <= 400; n++)
      for (let a = 1; a < 100; a++) expect(conformalRank(n, a / 100)).toBe(exact(n, a));
  });
  it("refuses an alpha that is not in 0…1", () => {
    for (const alpha of [0, 1, -1, 5, Number.NaN]) expect(() => conformalRank(9, alpha)).toThrow(RangeError);
  });
});

describe("scoresNeeded", () => {
  it("is the least number with a rank among them", () => {
    for (let a = 1; a < 100; a++) {
      const needed = scoresNeeded(a / 100);
      expect(conformalRank(needed, a / 100)).toBeLessThanOrEqual(needed);
      expect(conformalRank(needed - 1, a / 100)).toBe(needed);
    }
    expect([0.1, 0.05, 0.01].map(scoresNeeded)).toEqual([9, 19, 99]);
  });
});
