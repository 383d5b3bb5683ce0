import { describe, expect, it } from "vitest";
import { stratifiedShuffleSplit } from "../../../src/train/folds/stratified-shuffle.js";
import fixture from "../../fixtures/splitters.json" with { type: "json" };
import { digits } from "./oracle.js";

describe("stratifiedShuffleSplit", () => {
  it.each(fixture.shuffles)("equals scikit-learn index for index: case %# (share $share)", (oracle) => {
    const { train, test } = stratifiedShuffleSplit(digits(oracle.codes), oracle.share, oracle.seed);
    const member = digits(oracle.test);
    const rows = Array.from(member.keys());
    expect([...test]).toEqual(rows.filter((row) => member[row] === 1));
    expect([...train]).toEqual(rows.filter((row) => member[row] === 0));
  });

  it("goes on where the test part has fewer rows than there are classes, which scikit-learn refuses", () => {
    const { train, test } = stratifiedShuffleSplit(Int32Array.of(0, 0, 1, 1, 2, 2, 3, 3), 0.125, 42);
    expect([train.length, test.length]).toEqual([7, 1]);
  });

  it.each([
    ["no rows", [], 0.2],
    ["a class of one row", [0, 0, 1], 0.2],
    ["a share of 0", [0, 0], 0],
    ["a share above 0.5", [0, 0], 0.51],
    ["a share that is no number", [0, 0], Number.NaN],
    ["a row without a class", [0, 0, -1], 0.2],
  ])("refuses %s", (_name, codes, share) => {
    expect(() => stratifiedShuffleSplit(Int32Array.from(codes), share, 42)).toThrow(RangeError);
  });
});
