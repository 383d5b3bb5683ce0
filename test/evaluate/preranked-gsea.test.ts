import { describe, expect, it } from "vitest";
import { benjaminiHochberg } from "../../src/evaluate/benjamini-hochberg.js";
import { prerankedGsea } from "../../src/evaluate/preranked-gsea.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/gene_sets.json" with { type: "json" };

describe("prerankedGsea", () => {
  it.each(fixture.gsea)("equals gseapy and numpy: $scores.length genes, weight $weight", (known) => {
    const { scores, weight, permutations, seed, rows } = known;
    const sets = rows.map(({ genes }, i) => ({ name: `s${i}`, genes: Int32Array.from(genes) }));
    const found = prerankedGsea(sets, scores, { random: new RandomState(seed), permutations, weight });
    found.forEach((row, i) => {
      expect([row.name, row.size]).toEqual([`s${i}`, rows[i].genes.length]);
      expect(row.es).toBeCloseTo(rows[i].es, 13);
      if (rows[i].nes === null) expect(row.nes).toBeNull();
      else expect(row.nes).toBeCloseTo(rows[i].nes, 12);
      expect(row.p).toBeCloseTo(rows[i].p, 14);
      expect(Array.from(row.leadingEdge)).toEqual(rows[i].edge);
    });
    expect(found.map(({ q }) => q)).toEqual(Array.from(benjaminiHochberg(found.map(({ p }) => p))));
  });

  it("is 1 for a set at the top and −1 for one at the bottom", () => {
    const scores = Array.from({ length: 100 }, (_, i) => 50 - i);
    const sets = [
      { name: "top", genes: Int32Array.of(2, 0, 1) },
      { name: "bottom", genes: Int32Array.of(97, 99, 98) },
    ];
    const [top, bottom] = prerankedGsea(sets, scores, { random: new RandomState(1), permutations: 200 });
    expect(top).toMatchObject({ es: 1, leadingEdge: Int32Array.of(0, 1, 2) });
    expect(bottom).toMatchObject({ es: -1, leadingEdge: Int32Array.of(99, 98, 97) });
    expect(top.p).toBeLessThan(0.02);
    expect(bottom.p).toBeLessThan(0.02);
  });

  it("tells nothing of a set whose scores are all 0", () => {
    const [row] = prerankedGsea([{ name: "s", genes: Int32Array.of(1, 2) }], [5, 0, 0, -1, 3], {
      random: new RandomState(1),
      permutations: 10,
    });
    expect(row).toMatchObject({ es: 0, p: 1, q: 1, leadingEdge: new Int32Array(0) });
  });

  it("refuses sets and options that do not fit", () => {
    const of = (genes: number[], scores: number[], options: object = {}) =>
      prerankedGsea([{ name: "s", genes: Int32Array.from(genes) }], scores, {
        random: new RandomState(1),
        permutations: 5,
        ...options,
      });
    expect(() => of([], [1, 2])).toThrow(/'s' has 0 of 2 genes/);
    expect(() => of([0, 1], [1, 2])).toThrow(RangeError);
    expect(() => of([0], [1, Number.POSITIVE_INFINITY])).toThrow(/score 1 is Infinity/);
    expect(() => of([0], [1, 2], { permutations: 0 })).toThrow(RangeError);
    expect(() => of([0], [1, 2], { weight: -1 })).toThrow(RangeError);
  });
});
