import { describe, expect, it } from "vitest";
import { markerRecall } from "../../src/explain/marker-recall.js";

const ranking = Array.from({ length: 100 }, (_, i) => `G${i}`);

describe("markerRecall", () => {
  it("counts markers among the first k, against chance", () => {
    const found = markerRecall(ranking, ["G50", "G3", "G1", "G3", "X", "G99"], 10);
    expect(found).toMatchObject({
      found: ["G1", "G3"],
      ranked: 4,
      unknown: ["X"],
      recall: 0.5,
      expected: 0.1,
      k: 10,
    });
    // scipy.stats.hypergeom.sf(1, 100, 4, 10)
    expect(found.p).toBeCloseTo(0.04876919840100988, 14);
  });

  it("takes the whole ranking where k is greater", () => {
    expect(markerRecall(ranking, ["G7"], 1000)).toEqual({
      found: ["G7"],
      ranked: 1,
      unknown: [],
      recall: 1,
      expected: 1,
      p: 1,
      k: 100,
    });
  });

  it("has no recall where no marker is ranked, none is given or nothing is ranked", () => {
    expect(markerRecall(ranking, ["X"], 5)).toMatchObject({
      recall: null,
      expected: null,
      p: 1,
      unknown: ["X"],
    });
    expect(markerRecall(ranking, [], 5)).toMatchObject({ recall: null, expected: null, p: 1 });
    expect(markerRecall([], ["X"], 5)).toMatchObject({ recall: null, found: [], k: 0, p: 1 });
  });

  it("refuses a gene that is ranked twice, and a k below 1", () => {
    expect(() => markerRecall(["A", "A"], ["A"], 1)).toThrow(/ranked twice/);
    for (const k of [0, 0.5, Number.NaN]) expect(() => markerRecall(["A"], ["A"], k)).toThrow(RangeError);
  });
});
