import { describe, expect, it } from "vitest";
import { groupKFold } from "../../../src/train/folds/group.js";
import fixture from "../../fixtures/splitters.json" with { type: "json" };
import { digits, expectFolds } from "./oracle.js";

describe("groupKFold", () => {
  it.each(fixture.byGroup)("equals GroupKFold index for index: case %# (k = $k)", (oracle) => {
    expectFolds(groupKFold(digits(oracle.groups, 2), oracle.k), digits(oracle.group), oracle.k);
  });

  it.each(fixture.byGroup)("equals GroupKFold(shuffle=True): case %# (k = $k, seed $seed)", (oracle) => {
    const folds = groupKFold(digits(oracle.groups, 2), oracle.k, oracle.seed);
    expectFolds(folds, digits(oracle.shuffled), oracle.k);
  });

  it.each([
    ["one fold", [0, 1, 2], 1],
    ["more folds than groups", [4, 4, 9, 9], 3],
    ["no rows", [], 2],
    ["a row without a group", [0, 1, -1], 2],
  ])("refuses %s", (_name, groups, folds) => {
    expect(() => groupKFold(Int32Array.from(groups), folds)).toThrow(RangeError);
  });

  it("refuses a seed of more than 32 bits", () => {
    expect(() => groupKFold(Int32Array.of(0, 1), 2, 2 ** 32)).toThrow(/seed/);
  });
});
