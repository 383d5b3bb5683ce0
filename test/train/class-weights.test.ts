import { expect, it } from "vitest";
import { balancedWeights } from "../../src/train/class-weights.js";
import oracle from "../fixtures/training.json" with { type: "json" };

it.each(oracle.balanced)("equals scikit-learn's compute_class_weight: $codes", ({ codes, weights }) => {
  expect([...balancedWeights(codes, weights.length)]).toEqual(weights);
});

it("a class without samples has the mean weight of a sample and does not count as one", () => {
  expect([...balancedWeights([0, 3, 0, 0], 5)]).toEqual([4 / 6, 1, 1, 2, 1]);
  expect([...balancedWeights([], 2)]).toEqual([1, 1]);
});
