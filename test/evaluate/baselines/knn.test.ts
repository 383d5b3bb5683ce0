import { describe, expect, it } from "vitest";
import type { Features } from "../../../src/evaluate/baselines/classifier.js";
import { fitKnn, NEIGHBOURS } from "../../../src/evaluate/baselines/knn.js";
import { RandomState } from "../../../src/random.js";
import { baselineCases, features, largestDifference } from "./oracle.js";

const untied = baselineCases.filter(({ knn }) => knn !== null);

/** By a full sort: nearest first, of equal ones the lower row. */
function bruteForce(x: Features, codes: Int32Array, classes: number, query: Features): number[] {
  return Array.from({ length: query.rows }, (_, i) => {
    const squares = Array.from({ length: x.rows }, (_, row) => {
      let sum = 0;
      for (let j = 0; j < x.cols; j++) sum += (x.data[row * x.cols + j] - query.data[i * x.cols + j]) ** 2;
      return { row, sum };
    }).sort((a, b) => a.sum - b.sum || a.row - b.row);
    const nearest = squares.slice(0, NEIGHBOURS);
    return Array.from(
      { length: classes },
      (_, c) => nearest.filter(({ row }) => codes[row] === c).length / nearest.length,
    );
  }).flat();
}

describe("k nearest neighbours", () => {
  it("has enough cases without ties", () => {
    expect(untied.length).toBeGreaterThan(10);
  });

  it.each(untied)("equals KNeighborsClassifier: $name", ({ x, codes, classes, query, knn }) => {
    expect(largestDifference(fitKnn(x, codes, classes)(query), knn ?? [])).toBeLessThan(1e-7);
  });

  it("takes the lower row of equally near ones, as a full sort does", () => {
    const random = new RandomState(1);
    for (const rows of [1, 2, 5, 6, 7, 40, 101]) {
      const draw = (n: number) =>
        features(
          Array.from({ length: n * 2 }, () => random.interval(3)),
          2,
        ); // a grid
      const [x, query] = [draw(rows), draw(23)];
      const codes = Int32Array.from({ length: rows }, () => random.interval(2));
      expect([...fitKnn(x, codes, 3)(query)]).toEqual(bruteForce(x, codes, 3, query));
    }
  });

  it("refuses what no fit can be made of", () => {
    const x = features([1, 2, 3], 1);
    expect(() => fitKnn(x, Int32Array.of(0, 1), 2)).toThrow("2 codes for 3 training samples");
    expect(() => fitKnn(x, Int32Array.of(0, 1, 2), 2)).toThrow("training sample 2 has class 2");
    expect(() => fitKnn(x, Int32Array.of(0, -1, 1), 2)).toThrow("training sample 1 has class -1");
    expect(() => fitKnn(features([], 1), new Int32Array(0), 2)).toThrow("no training samples");
    expect(() => fitKnn(x, Int32Array.of(0, 1, 1), 2)(features([1, Infinity], 1))).toThrow(/Infinity/);
    expect(() => fitKnn(x, Int32Array.of(0, 1, 1), 2)(features([1, 2], 2))).toThrow(/2 features/);
  });
});
