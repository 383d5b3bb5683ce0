import { describe, expect, it } from "vitest";
import { stratifiedGroupKFold } from "../../../src/train/folds/stratified-group.js";
import fixture from "../../fixtures/splitters.json" with { type: "json" };
import { digits, expectFolds } from "./oracle.js";

describe("stratifiedGroupKFold", () => {
  it.each(fixture.byGroup)("equals scikit-learn index for index: case %# (k = $k, seed $seed)", (oracle) => {
    const folds = stratifiedGroupKFold(digits(oracle.codes), digits(oracle.groups, 2), oracle.k, oracle.seed);
    expectFolds(folds, digits(oracle.stratifiedGroup), oracle.k);
  });

  it("does not depend on what the classes are called, where their order stays", () => {
    const { codes, groups, k, seed } = fixture.byGroup[20];
    const renamed = digits(codes).map((code) => 3 * code + 100);
    expect(stratifiedGroupKFold(renamed, digits(groups, 2), k, seed)).toEqual(
      stratifiedGroupKFold(digits(codes), digits(groups, 2), k, seed),
    );
  });

  it.each([
    ["one fold", [0, 0, 1, 1], [0, 1, 2, 3], 1, /at least 2/],
    ["more folds than groups", [0, 0, 0, 0], [5, 5, 1, 1], 3, /2 groups/],
    ["more folds than the largest class has rows", [0, 0, 1, 1], [0, 1, 2, 3], 3, /more than 2 rows/],
    ["no rows", [], [], 2, RangeError],
    ["a row without a class", [0, -1, 0], [0, 1, 2], 2, /no class/],
    ["a row without a group", [0, 0, 0], [0, 1, -1], 2, /no group/],
    ["vectors of different lengths", [0, 0, 0], [0, 1], 2, /3 class codes, 2 group codes/],
  ])("refuses %s", (_name, codes, groups, folds, what) => {
    expect(() => stratifiedGroupKFold(Int32Array.from(codes), Int32Array.from(groups), folds, 42)).toThrow(
      what,
    );
  });
});
