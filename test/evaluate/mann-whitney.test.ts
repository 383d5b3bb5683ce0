import { describe, expect, it } from "vitest";
import { mannWhitney, rankedValues } from "../../src/evaluate/mann-whitney.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/gene_sets.json" with { type: "json" };

describe("mannWhitney", () => {
  it.each(fixture.mannWhitney)("equals scipy: $values.length values, $members.length members", (known) => {
    const ranked = rankedValues(known.values);
    const found = mannWhitney(ranked, known.members);
    expect(found.u).toBe(known.u);
    expect(found.auc).toBeCloseTo(
      known.u / known.members.length / (known.values.length - known.members.length),
      14,
    );
    expect(Math.abs(found.p - known.p)).toBeLessThanOrEqual(1e-12 * known.p);
    const correlated = mannWhitney(ranked, known.members, known.correlation);
    expect(Math.abs(correlated.p - known.correlatedP)).toBeLessThanOrEqual(1e-12 * known.correlatedP);
    expect(correlated.p).toBeGreaterThanOrEqual(found.p);
    const negated = mannWhitney(rankedValues(known.values.map((value) => -value)), known.members);
    expect(negated.z + found.z).toBe(0);
    expect(negated.p).toBe(found.p);
  });

  it("has p = 1 where all values are equal", () => {
    expect(mannWhitney(rankedValues([2, 2, 2]), [1])).toEqual({ u: 1, auc: 0.5, z: 0, p: 1 });
  });

  it("holds its level where members are correlated, and not without knowing of it", () => {
    const random = new RandomState(6);
    const members = Array.from({ length: 30 }, (_, i) => i);
    let withIt = 0;
    let without = 0;
    for (let round = 0; round < 1000; round++) {
      const common = random.standardNormal() * Math.sqrt(0.2);
      const values = Array.from({ length: 150 }, (_, i) =>
        i < 30 ? common + random.standardNormal() * Math.sqrt(0.8) : random.standardNormal(),
      );
      const ranked = rankedValues(values);
      if (mannWhitney(ranked, members, 0.2).p < 0.05) withIt++;
      if (mannWhitney(ranked, members).p < 0.05) without++;
    }
    expect(withIt).toBeGreaterThan(25); // three standard errors around 50 are 29 to 71
    expect(withIt).toBeLessThan(75);
    expect(without).toBeGreaterThan(200);
  });

  it("refuses no members, all of them, a correlation out of range and NaN", () => {
    const ranked = rankedValues([1, 2, 3]);
    expect(() => mannWhitney(ranked, [])).toThrow(/0 of 3 values are members/);
    expect(() => mannWhitney(ranked, [0, 1, 2])).toThrow(RangeError);
    for (const correlation of [-0.1, 1.1, Number.NaN])
      expect(() => mannWhitney(ranked, [0], correlation)).toThrow(RangeError);
    expect(() => rankedValues([Number.NaN])).toThrow(RangeError);
  });
});
