import { describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { classGenes, geneRows, type HeldOutAttributions } from "../../src/explain/aggregate.js";
import fixture from "../fixtures/faithfulness.json" with { type: "json" };

const of = (known: (typeof fixture.aggregates)[number]): HeldOutAttributions => ({
  values: Float32Array.from(known.values),
  genes: known.genes,
  codes: Int32Array.from(known.codes),
  predicted: Int32Array.from(known.predicted),
  folds: Int32Array.from(known.folds),
});

describe("classGenes", () => {
  it.each(fixture.aggregates)("equals numpy: $codes.length samples × $genes genes", (known) => {
    const found = classGenes(of(known), 0, "a", known.k);
    known.score.forEach((score, gene) => {
      expect(found.score[gene]).toBeCloseTo(score, 14);
    });
    expect(Array.from(found.order)).toEqual(known.order);
    if (known.share === null) expect(found.stability).toBeNull();
    else expect(Array.from(found.stability!.share)).toEqual(known.share);
    expect([found.samples, found.of]).toEqual([known.samples, known.of]);
  });

  it("says that no sample of a class is classified rightly, or that there is none", () => {
    const [known] = fixture.aggregates;
    const wrong = { ...of(known), predicted: Int32Array.from(known.codes, (code) => 1 - code) };
    expect(() => classGenes(wrong, 0, "a")).toThrow(CellhueError);
    expect(() => classGenes(wrong, 0, "a")).toThrow("no held-out sample of class 'a' is classified rightly");
    const describeOf = (from: HeldOutAttributions, code: number) => {
      try {
        classGenes(from, code, "a");
      } catch (error) {
        return (error as CellhueError).describe();
      }
    };
    expect(describeOf(wrong, 0)).toContain(`all ${known.of} samples predicted as another class`);
    expect(describeOf(wrong, 7)).toContain("no held-out sample of it");
  });

  it("refuses lengths that do not fit", () => {
    const from = of(fixture.aggregates[0]);
    expect(() => classGenes({ ...from, genes: 3 }, 0, "a")).toThrow(RangeError);
    expect(() => classGenes({ ...from, folds: new Int32Array(1) }, 0, "a")).toThrow(RangeError);
    expect(() => classGenes({ ...from, predicted: new Int32Array(1) }, 0, "a")).toThrow(RangeError);
  });
});

describe("attributions that are 0 throughout", () => {
  const from = (values: number[]): HeldOutAttributions => ({
    values: Float32Array.from(values),
    genes: 3,
    codes: new Int32Array(3),
    predicted: new Int32Array(3),
    folds: Int32Array.of(0, 1, 2),
  });

  it("are counted, and rank nothing: not by the order of the file, nor in the agreement of the folds", () => {
    const none = classGenes(from([0, 0, 0, 0, 0, 0, 0, 0, 0]), 0, "a", 2);
    expect([none.empty, none.samples, none.stability]).toEqual([3, 3, null]);
    expect(geneRows(none, ["A", "B", "C"]).map(({ rank, stability }) => [rank, stability])).toEqual([
      [null, null],
      [null, null],
      [null, null],
    ]);
    const some = classGenes(from([0, 0, 0, 0, 3, 0, 0, 1, 2]), 0, "a", 2);
    expect([some.empty, some.stability?.rankings]).toEqual([1, 2]);
    // A has no score in either fold; C has one in the second.
    expect(Array.from(some.stability?.share ?? [])).toEqual([0, 1, 0.5]);
    expect(some.stability?.jaccard).toBe(0.5);
  });
});

describe("geneRows", () => {
  it("lists genes by rank, with sign and stability", () => {
    const found = classGenes(
      {
        values: Float32Array.of(1, -4, 0, 3, -4, 0, 0, 9, 9),
        genes: 3,
        codes: Int32Array.of(0, 0, 0),
        predicted: Int32Array.of(0, 0, 1),
        folds: Int32Array.of(0, 1, 1),
      },
      0,
      "a",
      1,
    );
    expect(geneRows(found, ["A", "B", "C"])).toEqual([
      { gene: "B", score: -4, sign: -1, rank: 1, stability: 1 },
      { gene: "A", score: 2, sign: 1, rank: 2, stability: 0 },
      { gene: "C", score: 0, sign: 0, rank: null, stability: 0 },
    ]);
    expect(() => geneRows(found, ["A"])).toThrow(/1 names, 3 genes/);
  });
});
