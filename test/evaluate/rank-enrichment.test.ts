import { describe, expect, it } from "vitest";
import { benjaminiHochberg } from "../../src/evaluate/benjamini-hochberg.js";
import { rankEnrichment } from "../../src/evaluate/rank-enrichment.js";
import fixture from "../fixtures/gene_sets.json" with { type: "json" };

describe("rankEnrichment", () => {
  const { values, members, p } = fixture.mannWhitney[2];
  const sets = [members, [0, 1], members.slice(0, 3)].map((genes, i) => ({
    name: `s${i}`,
    genes: Int32Array.from(genes),
  }));

  it("tests every set; without correlation as scipy does", () => {
    const plain = rankEnrichment(sets, values, 0);
    expect(plain.map(({ name, size }) => [name, size])).toEqual([
      ["s0", members.length],
      ["s1", 2],
      ["s2", 3],
    ]);
    expect(plain[0].p).toBeCloseTo(p, 13);
    expect(plain.map(({ q }) => q)).toEqual(Array.from(benjaminiHochberg(plain.map((row) => row.p))));
    const careful = rankEnrichment(sets, values);
    careful.forEach((row, i) => {
      expect(row.p).toBeGreaterThan(plain[i].p);
      expect(row.auc).toBe(plain[i].auc);
    });
  });

  it("finds the direction, and has nothing to say of no sets", () => {
    const scores = Array.from({ length: 50 }, (_, i) => i);
    const of = (...genes: number[]) => ({ name: "s", genes: Int32Array.from(genes) });
    const [low, high] = rankEnrichment([of(0, 1, 2), of(47, 48, 49)], scores);
    expect([low.auc, high.auc]).toEqual([0, 1]);
    expect(low.z).toBe(-high.z);
    expect(high.z).toBeGreaterThan(2);
    expect(rankEnrichment([], scores)).toEqual([]);
  });

  it("refuses a set without genes or of all of them", () => {
    expect(() => rankEnrichment([{ name: "s", genes: new Int32Array(0) }], [1, 2])).toThrow(RangeError);
    expect(() => rankEnrichment([{ name: "s", genes: Int32Array.of(0, 1) }], [1, 2])).toThrow(RangeError);
  });
});
