import { describe, expect, it } from "vitest";
import { fitNearestCentroid } from "../../../src/evaluate/baselines/nearest-centroid.js";
import { argmaxRows } from "../../../src/evaluate/metrics.js";
import { baselineCases, features, largestDifference } from "./oracle.js";

const cases = baselineCases.flatMap(({ centroid, ...rest }) =>
  centroid === null ? [] : [{ ...rest, centroid }],
);

describe("nearest centroid", () => {
  it.each(cases)("predicts as NearestCentroid: $name", ({ x, codes, classes, query, centroid }) => {
    const probabilities = fitNearestCentroid(x, codes, classes)(query);
    expect([...argmaxRows(probabilities, classes)]).toEqual(centroid.predicted);
  });

  it.each(cases)("has the probabilities of spherical classes (LinearDiscriminantAnalysis): $name", (c) => {
    const probabilities = fitNearestCentroid(c.x, c.codes, c.classes)(c.query);
    expect(largestDifference(probabilities, c.centroid.probabilities)).toBeLessThan(1e-7);
  });

  it("is certain where a class has no spread, and shares equally between equally near ones", () => {
    const x = features([0, 0, 2, 2, 9, 9], 2);
    const classify = fitNearestCentroid(x, Int32Array.of(0, 1, 2), 4);
    expect([...classify(features([0, 0.5, 1, 1, 8, 8], 2))]).toEqual([
      1, 0, 0, 0, 0.5, 0.5, 0, 0, 0, 0, 1, 0,
    ]);
  });

  it("has one class alone as certain, and features without spread as unknown", () => {
    const query = features([1, 5], 1);
    expect([...fitNearestCentroid(features([1, 2], 1), Int32Array.of(1, 1), 2)(query)]).toEqual([0, 1, 0, 1]);
    expect([...fitNearestCentroid(features([3, 3, 3], 1), Int32Array.of(0, 1, 1), 2)(query)]).toEqual([
      0.5, 0.5, 0.5, 0.5,
    ]);
  });
});
