import { describe, expect, it } from "vitest";
import { fitMajority } from "../../../src/evaluate/baselines/majority.js";
import { baselineCases, features, largestDifference } from "./oracle.js";

describe("majority", () => {
  it.each(baselineCases)("equals DummyClassifier: $name", ({ x, codes, classes, query, majority }) => {
    expect(largestDifference(fitMajority(x, codes, classes)(query), majority)).toBeLessThan(1e-7);
  });

  it("predicts nothing for no samples", () => {
    expect(fitMajority(features([1, 2], 1), Int32Array.of(0, 1), 2)(features([], 1))).toHaveLength(0);
  });
});
