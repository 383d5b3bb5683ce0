import { describe, expect, it } from "vitest";
import { rankStability } from "../../src/evaluate/rank-stability.js";
import fixture from "../fixtures/rankings.json" with { type: "json" };

describe("rankStability", () => {
  it.each(fixture.stability)(
    "equals scipy, scikit-learn and numpy: $scores.length rankings, k = $k",
    (known) => {
      const found = rankStability(known.scores, known.k);
      expect(found.spearman).toBeCloseTo(known.spearman, 14);
      expect(found.jaccard).toBeCloseTo(known.jaccard, 14);
      expect(found.rankings).toBe(known.scores.length);
      expect(found.k).toBe(known.used);
      known.share.forEach((share, gene) => {
        expect(found.share[gene]).toBeCloseTo(share, 15);
      });
    },
  );

  it("is 1 throughout where all rankings are the same", () => {
    const scores = [5, 1, 4, 2];
    expect(rankStability([scores, scores, scores], 2)).toEqual({
      spearman: 1,
      jaccard: 1,
      share: Float64Array.of(1, 0, 1, 0),
      rankings: 3,
      k: 2,
    });
  });

  it("has no gene of score 0 in a top, where its place would be that in the file", () => {
    const found = rankStability(
      [
        [0, 0, 5, 0],
        [0, 4, 3, 0],
        [0, 0, 0, 0],
      ],
      3,
    );
    expect(Array.from(found.share, (v) => Math.round(3 * v))).toEqual([0, 1, 2, 0]);
    expect(found.jaccard).toBeCloseTo((1 / 2 + 0 + 0) / 3, 15);
    expect(rankStability([[0], [0]], 1).jaccard).toBe(1);
  });

  it("has no pairs of one ranking", () => {
    expect(rankStability([[1, 2]], 1)).toEqual({
      spearman: null,
      jaccard: null,
      share: Float64Array.of(0, 1),
      rankings: 1,
      k: 1,
    });
  });

  it("refuses no rankings, unequal ones, NaN and a k below 1", () => {
    expect(() => rankStability([], 1)).toThrow(/no rankings/);
    expect(() => rankStability([[1, 2], [1]], 1)).toThrow(/ranking 1 has 1 scores, not 2/);
    expect(() => rankStability([[Number.NaN]], 1)).toThrow(RangeError);
    for (const k of [0, 1.5, -1, Number.NaN]) expect(() => rankStability([[1]], k)).toThrow(RangeError);
  });
});
