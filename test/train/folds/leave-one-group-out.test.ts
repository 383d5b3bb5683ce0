import { describe, expect, it } from "vitest";
import { rankCodes } from "../../../src/train/folds/fold.js";
import { leaveOneGroupOut } from "../../../src/train/folds/leave-one-group-out.js";
import fixture from "../../fixtures/splitters.json" with { type: "json" };
import { digits, expectFolds } from "./oracle.js";

describe("leaveOneGroupOut", () => {
  // The oracle script asserts that scikit-learn's fold of a row is the rank of its group.
  it.each(fixture.byGroup)("equals scikit-learn index for index: case %#", ({ groups }) => {
    const codes = digits(groups, 2);
    const sorted = [...new Set(codes)].sort((a, b) => a - b);
    const foldOf = Array.from(codes, (code) => sorted.indexOf(code));
    expectFolds(leaveOneGroupOut(codes), foldOf, sorted.length);
  });

  it.each([
    ["one group", [3, 3, 3]],
    ["no rows", []],
    ["a row without a group", [0, 1, -1]],
  ])("refuses %s", (_name, groups) => {
    expect(() => leaveOneGroupOut(Int32Array.from(groups))).toThrow(RangeError);
  });
});

describe("rankCodes", () => {
  it("ranks codes with gaps, out of order", () => {
    expect(rankCodes(Int32Array.of(7, 0, 7, 1000, 0, 7), "group", "test")).toEqual({
      ranks: Int32Array.of(1, 0, 1, 2, 0, 1),
      counts: Int32Array.of(2, 3, 1),
      values: Int32Array.of(0, 7, 1000),
    });
  });
});
