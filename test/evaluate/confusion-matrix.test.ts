import { describe, expect, it } from "vitest";
import { confusionCells, confusionMatrix, largestConfusion } from "../../src/evaluate/confusion-matrix.js";
import { metricCases } from "./oracle.js";

describe("confusionMatrix", () => {
  it.each(metricCases)("equals scikit-learn: $name", ({ actual, predicted, classes, confusion }) => {
    expect(confusionMatrix(actual, predicted, classes)).toEqual(confusion);
  });

  it("has true classes in rows and a row for a class that does not occur", () => {
    expect(confusionMatrix(Int32Array.of(0, 0, 1), Int32Array.of(0, 1, 1), 3)).toEqual([
      [1, 1, 0],
      [0, 1, 0],
      [0, 0, 0],
    ]);
  });

  it("refuses no samples, unequal lengths and unknown classes", () => {
    expect(() => confusionMatrix(new Int32Array(0), new Int32Array(0), 2)).toThrow(RangeError);
    expect(() => confusionMatrix(Int32Array.of(0, 1), Int32Array.of(0), 2)).toThrow(RangeError);
    expect(() => confusionMatrix(Int32Array.of(2), Int32Array.of(0), 2)).toThrow(RangeError);
    expect(() => confusionMatrix(Int32Array.of(0), Int32Array.of(-1), 2)).toThrow(RangeError);
  });
});

describe("confusionCells", () => {
  it.each(metricCases)("are the cells that are not 0: $name", ({ actual, predicted, classes, confusion }) => {
    const expected = confusion.flatMap((row, a) => row.flatMap((n, b) => (n > 0 ? [[a, b, n]] : [])));
    expect(confusionCells(actual, predicted, classes)).toEqual(expected);
  });
});

it("largestConfusion takes all but the largest classes as one", () => {
  const cells = confusionCells(Int32Array.of(0, 1, 1, 2, 3, 3, 3), Int32Array.of(0, 1, 2, 1, 3, 0, 3), 4);
  expect(largestConfusion(cells, [1, 2, 1, 3], 2)).toEqual({
    shown: [1, 3],
    matrix: [
      [1, 0, 1],
      [0, 2, 1],
      [1, 0, 1],
    ],
  });
});
