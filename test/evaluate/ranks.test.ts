import { describe, expect, it } from "vitest";
import { averageRanks, descending } from "../../src/evaluate/ranks.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/rankings.json" with { type: "json" };

describe("averageRanks", () => {
  it.each(fixture.ranks)("equals scipy: $values", ({ values, ranks }) => {
    expect(Array.from(averageRanks(values))).toEqual(ranks);
  });

  it("ranks infinities, and refuses NaN", () => {
    const { POSITIVE_INFINITY: inf } = Number;
    expect(Array.from(averageRanks([inf, 0, inf, -inf]))).toEqual([3.5, 2, 3.5, 1]);
    expect(() => averageRanks([0, Number.NaN])).toThrow(/value 1/);
  });
});

describe("descending", () => {
  it("puts the greatest first, of equal ones the first", () => {
    expect(descending([1, 3, 2, 3, -1, 1])).toEqual(Int32Array.of(1, 3, 2, 0, 5, 4));
    expect(descending([])).toEqual(new Int32Array(0));
    expect(descending([0, -0, 0])).toEqual(Int32Array.of(0, 1, 2));
    const random = new RandomState(1);
    const values = Float32Array.from({ length: 500 }, () => random.interval(9));
    const order = descending(values);
    expect(new Set(order).size).toBe(500);
    for (let i = 1; i < 500; i++)
      expect(values[order[i - 1]] - values[order[i]] || order[i] - order[i - 1]).toBeGreaterThan(0);
  });

  it("refuses NaN", () => {
    expect(() => descending([Number.NaN])).toThrow(RangeError);
  });
});
