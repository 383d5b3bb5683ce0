import { describe, expect, it } from "vitest";
import {
  type BaselineName,
  baselineOf,
  baselines,
  baselinesFor,
  runBaseline,
} from "../../../src/evaluate/baselines/index.js";
import { baselineCases, features, largestDifference } from "./oracle.js";

const numbers = baselineCases.flatMap(({ numbers, ...rest }) =>
  numbers === null ? [] : [{ ...rest, numbers }],
);

describe("the baselines", () => {
  it("are all there up to 200 classes; beyond, none that solves a problem for each class", () => {
    for (const classes of [1, 2, 200]) expect(baselinesFor(classes)).toEqual(baselines);
    const names = ["knn", "nearest_centroid", "majority"];
    expect(baselinesFor(201).map(({ name }) => name)).toEqual(names);
  });

  it("have names that are safe in files, all different", () => {
    const names = baselines.map(({ name }) => name);
    expect(names).toEqual([
      "logistic_l2",
      "logistic_l1",
      "knn",
      "nearest_centroid",
      "four_numbers",
      "majority",
    ]);
    for (const name of names) expect(name).toMatch(/^[a-z0-9_]+$/);
  });

  it("give probabilities that sum to 1, for every case", () => {
    for (const { x, codes, classes, query } of baselineCases)
      for (const { name } of baselines) {
        const p = runBaseline(name, x, codes, classes, query);
        expect(p).toHaveLength(query.rows * classes);
        for (let i = 0; i < query.rows; i++) {
          const row = p.subarray(i * classes, (i + 1) * classes);
          expect(row.every((v) => v >= 0 && v <= 1)).toBe(true);
          expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
        }
      }
  });

  it.each(numbers)("four_numbers is LogisticRegression after StandardScaler: $name", (c) => {
    const p = runBaseline("four_numbers", c.x, c.codes, c.classes, c.query);
    expect(largestDifference(p, c.numbers)).toBeLessThan(2e-5);
  });

  it("predict the same of a sample alone and among others", () => {
    const { x, codes, classes, query } = baselineCases[2];
    for (const { name } of baselines) {
      const together = runBaseline(name, x, codes, classes, query);
      const alone = { rows: 1, cols: x.cols, data: query.data.slice(3 * x.cols, 4 * x.cols) };
      const single = runBaseline(name, x, codes, classes, alone);
      expect([...single]).toEqual([...together.subarray(3 * classes, 4 * classes)]);
    }
  });

  it("are known by name only", () => {
    expect(baselineOf("knn").features).toBe("pca");
    expect(() => baselineOf("svm" as BaselineName)).toThrow("no baseline 'svm'");
    expect(() => runBaseline("knn", features([1], 1), Int32Array.of(0, 1), 2, features([1], 1))).toThrow(
      RangeError,
    );
  });
});
