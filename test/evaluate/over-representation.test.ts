import { describe, expect, it } from "vitest";
import { overRepresentation } from "../../src/evaluate/over-representation.js";
import fixture from "../fixtures/gene_sets.json" with { type: "json" };

const { sets, picked, background, ...known } = fixture.overRepresentation;
const named = sets.map((genes, i) => ({ name: `s${i}`, genes: Int32Array.from(genes) }));

describe("overRepresentation", () => {
  it("equals scipy", () => {
    const rows = overRepresentation(named, picked, background);
    expect(rows.map(({ name }) => name)).toEqual(named.map(({ name }) => name));
    rows.forEach((row, i) => {
      expect(row.size).toBe(sets[i].length);
      expect(Array.from(row.found)).toEqual(known.found[i]);
      expect(row.expected).toBeCloseTo(known.expected[i], 14);
      expect(row.fold).toBeCloseTo(known.found[i].length / known.expected[i], 13);
      expect(Math.abs(row.p - known.p[i])).toBeLessThanOrEqual(1e-12 * known.p[i]);
      expect(Math.abs(row.q - known.q[i])).toBeLessThanOrEqual(1e-12 * known.q[i]);
    });
  });

  it("has p = 1 where nothing is picked, and nothing to say of no sets", () => {
    for (const { fold, p, q } of overRepresentation(named, [], background))
      expect({ fold, p, q }).toEqual({ fold: 0, p: 1, q: 1 });
    expect(overRepresentation([], picked, background)).toEqual([]);
  });

  it("refuses a gene picked twice or beyond the background, and an empty set", () => {
    expect(() => overRepresentation(named, [1, 1], background)).toThrow(/picked twice/);
    expect(() => overRepresentation(named, [60], background)).toThrow(/gene 60 of 60/);
    expect(() => overRepresentation([{ name: "s", genes: Int32Array.of(-1) }], [1], 9)).toThrow(RangeError);
    expect(() => overRepresentation([{ name: "s", genes: new Int32Array(0) }], [1], 9)).toThrow(
      /'s' is empty/,
    );
  });
});
