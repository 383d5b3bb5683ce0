import { describe, expect, it } from "vitest";
import { CellhueError } from "../../../src/errors.js";
import { splitColumn } from "../../../src/train/folds/split-column.js";
import fixture from "../../fixtures/splitters.json" with { type: "json" };
import { expectFolds } from "./oracle.js";

describe("a column of fold names", () => {
  it.each(fixture.fixed)("equals PredefinedSplit index for index: $values", ({ values, folds }) => {
    const count = Math.max(...folds) + 1;
    const splits = splitColumn(values, "fold");
    expectFolds(splits, folds, count);
    splits.forEach(({ name, validation }, fold) => {
      expect(name).toBe(values[folds.indexOf(fold)]);
      expect(validation).toHaveLength(0);
    });
  });

  it("sorts names that are no numbers by code point", () => {
    const names = splitColumn(["b", "10", "é", "B", "2"], "site").map(({ name }) => name);
    expect(names).toEqual(["10", "2", "B", "b", "é"]);
  });
});

describe("a column of train and test", () => {
  it.each([
    ["any case", ["Train", "TEST", "train", "test", "Train"]],
    ["training and testing", ["training", "testing", "Training", "Testing", "training"]],
  ])("is one fold: %s", (_name, values) => {
    expect(splitColumn(values, "split")).toEqual([
      {
        name: "test",
        train: Int32Array.of(0, 2, 4),
        validation: new Int32Array(0),
        test: Int32Array.of(1, 3),
      },
    ]);
  });

  it.each(["validation", "Val", "valid"])("%s is a validation part", (word) => {
    const [split] = splitColumn(["test", word, "train", word], "split");
    expect([[...split.train], [...split.validation], [...split.test]]).toEqual([[2], [1, 3], [0]]);
  });
});

describe("a column that makes no split", () => {
  it.each([
    ["a missing value", ["a", null, "b", null], /2 of 4 samples have no value in 'split'/],
    ["no samples", [], /makes no split/],
    ["one fold", ["a", "a"], /makes no split/],
    ["−1 alone", ["-1", "-1"], /makes no split/],
    ["training alone", ["train", "train"], /has no test samples/],
    ["no training", ["test", "val"], /has no training samples/],
    ["another name beside them", ["train", "test", "unsure"], /mixes parts of a split with other names/],
  ])("%s", (_name, values, message) => {
    expect(() => splitColumn(values, "split")).toThrow(CellhueError);
    expect(() => splitColumn(values, "split")).toThrow(message);
  });

  it("names the row of the file", () => {
    try {
      splitColumn(["a", null], "split", Int32Array.of(3, 8));
      expect.unreachable();
    } catch (error) {
      expect((error as CellhueError).parts.found).toBe("first in row 8");
    }
  });
});
