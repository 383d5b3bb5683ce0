import { describe, expect, it } from "vitest";
import { groupKFold } from "../../../src/train/folds/group.js";
import { repeatFolds } from "../../../src/train/folds/repeated.js";
import { stratifiedKFold } from "../../../src/train/folds/stratified.js";
import { stratifiedGroupKFold } from "../../../src/train/folds/stratified-group.js";
import fixture from "../../fixtures/splitters.json" with { type: "json" };
import { digits, expectFolds } from "./oracle.js";

describe("repeatFolds", () => {
  it.each(fixture.repeated)("equals scikit-learn index for index: $times times $k folds, seed $seed", (o) => {
    const codes = digits(o.codes);
    const groups = digits(o.groups, 2);
    const rounds = {
      stratified: repeatFolds(o.times, o.seed, (random) => stratifiedKFold(codes, o.k, random)),
      stratifiedGroup: repeatFolds(o.times, o.seed, (random) =>
        stratifiedGroupKFold(codes, groups, o.k, random),
      ),
      group: repeatFolds(o.times, o.seed, (random) => groupKFold(groups, o.k, random)),
    };
    for (const kind of ["stratified", "stratifiedGroup", "group"] as const) {
      expect(rounds[kind]).toHaveLength(o.times);
      rounds[kind].forEach((folds, repeat) => {
        expectFolds(folds, digits(o[kind][repeat]), o.k);
      });
    }
    expect(rounds.stratified[0]).toEqual(stratifiedKFold(codes, o.k, o.seed));
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses %s repeats", (repeats) => {
    expect(() => repeatFolds(repeats, 42, () => [])).toThrow(RangeError);
  });
});
