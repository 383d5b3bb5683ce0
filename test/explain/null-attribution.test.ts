import { describe, expect, it } from "vitest";
import { compareWithNull } from "../../src/explain/null-attribution.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/faithfulness.json" with { type: "json" };

const normals = (n: number, random: RandomState) =>
  Float64Array.from({ length: n }, () => random.standardNormal());

/** The greatest distance of the values' distribution from the uniform one, times √n (Kolmogorov). */
function distanceFromUniform(p: Float64Array): number {
  const sorted = p.slice().sort();
  return (
    Math.sqrt(p.length) *
    Math.max(...sorted.map((value, i) => Math.max(value - i / p.length, (i + 1) / p.length - value)))
  );
}

describe("compareWithNull", () => {
  describe.each(fixture.nulls)("case %#: $observed.length genes, $nulls.length permutations", (known) => {
    it.each(["own", "pooled"] as const)("equals numpy and scipy: %s null", (which) => {
      const found = compareWithNull(known.observed, known.nulls, which === "pooled");
      const expected = known[which];
      expect(Array.from(found.p)).toEqual(expected.p);
      expected.q.forEach((q, gene) => {
        expect(found.q[gene]).toBeCloseTo(q, 14);
      });
      expect(found.resolution).toBe(expected.resolution);
      expect(Math.min(...found.p)).toBeGreaterThanOrEqual(found.resolution);
    });
  });

  it("has uniform p where labels mean nothing, in a pooled and in an own null", () => {
    const random = new RandomState(8);
    const observed = normals(1500, random);
    const nulls = Array.from({ length: 200 }, () => normals(1500, random));
    for (const pool of [true, false]) {
      const { p, q } = compareWithNull(observed, nulls, pool);
      expect(distanceFromUniform(p)).toBeLessThan(1.63); // exceeded with probability 0.01
      expect(q.filter((value) => value < 0.05).length).toBe(0);
    }
  });

  it("finds planted genes by a pooled null, few false ones among them; an own null of 20 cannot", () => {
    const random = new RandomState(9);
    const planted = 60;
    let found = 0;
    let wrong = 0;
    for (let round = 0; round < 10; round++) {
      const observed = normals(2000, random);
      for (let gene = 0; gene < planted; gene++) observed[gene] += gene % 2 === 0 ? 5 : -5;
      const nulls = Array.from({ length: 20 }, () => normals(2000, random));
      const { q } = compareWithNull(observed, nulls, true);
      q.forEach((value, gene) => {
        if (value > 0.1) return;
        if (gene < planted) found++;
        else wrong++;
      });
      expect(Math.min(...compareWithNull(observed, nulls, false).q)).toBeGreaterThan(0.1);
    }
    expect(found / (10 * planted)).toBeGreaterThan(0.9);
    expect(wrong / (found + wrong)).toBeLessThan(0.15);
    expect(wrong).toBeGreaterThan(0); // a rate of 0.1 is used up, not undercut
  });

  it("refuses no null, unequal lengths and NaN", () => {
    expect(() => compareWithNull([1], [], true)).toThrow(/no null scores/);
    expect(() => compareWithNull([1, 2], [[1]], false)).toThrow(/1 scores for 2 genes/);
    expect(() => compareWithNull([1, 2], [[1, Number.NaN]], true)).toThrow(/gene 1 is NaN/);
    expect(() => compareWithNull([Number.NaN], [[1]], true)).toThrow(RangeError);
  });
});
