import { describe, expect, it } from "vitest";
import { stratifiedKFold } from "../../../src/train/folds/stratified.js";
import fixture from "../../fixtures/folds.json" with { type: "json" };
import { digits, expectFolds } from "./oracle.js";

describe("stratifiedKFold", () => {
  it.each(fixture.cases)("equals scikit-learn index for index: case %# (k = $k, seed $seed)", (oracle) => {
    const folds = stratifiedKFold(digits(oracle.codes), oracle.k, oracle.seed);
    expectFolds(folds, digits(oracle.folds), oracle.k);
  });

  it("does not depend on what the classes are called", () => {
    const codes = Int32Array.from([2, 0, 0, 1, 2, 2, 1, 0, 1, 2, 0, 1]);
    const renamed = codes.map((code) => [7, 3, 100000][code]);
    expect(stratifiedKFold(renamed, 3, 42)).toEqual(stratifiedKFold(codes, 3, 42));
  });

  it("allows a class smaller than the folds, as scikit-learn does with a warning", () => {
    const folds = stratifiedKFold(Int32Array.from([0, 0, 0, 0, 0, 1]), 5, 0);
    expect(folds.map((fold) => fold.test.length).sort()).toEqual([1, 1, 1, 1, 2]);
  });

  it.each([
    ["one fold", [0, 0, 1, 1], 1, 42],
    ["no whole number of folds", [0, 0, 0, 1, 1, 1], 2.5, 42],
    ["no rows", [], 2, 42],
    ["more folds than the largest class has rows", [0, 0, 1, 1], 3, 42],
    ["a row without a class", [0, 0, -1, 1], 2, 42],
    ["a negative seed", [0, 0, 1, 1], 2, -1],
    ["a seed of more than 32 bits", [0, 0, 1, 1], 2, 2 ** 32],
    ["a seed that is no number", [0, 0, 1, 1], 2, Number.NaN],
  ])("refuses %s", (_name, codes, folds, seed) => {
    expect(() => stratifiedKFold(Int32Array.from(codes), folds, seed)).toThrow(RangeError);
  });
});
