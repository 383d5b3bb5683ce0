import { describe, expect, it } from "vitest";
import { RandomState } from "../../../src/random.js";
import type { Fold } from "../../../src/train/folds/fold.js";
import { groupKFold } from "../../../src/train/folds/group.js";
import { leaveOneGroupOut } from "../../../src/train/folds/leave-one-group-out.js";
import { type Cv, cvs, type FoldOptions, makeFolds } from "../../../src/train/folds/make-folds.js";
import { nestedFolds } from "../../../src/train/folds/nested.js";
import { repeatFolds } from "../../../src/train/folds/repeated.js";
import { splitColumn } from "../../../src/train/folds/split-column.js";
import { stratifiedKFold } from "../../../src/train/folds/stratified.js";
import { stratifiedGroupKFold } from "../../../src/train/folds/stratified-group.js";
import { carveValidation } from "../../../src/train/folds/validation.js";

// 60 samples of 3 classes, 12 groups of 5; every group has two classes or three.
const codes = Int32Array.from({ length: 60 }, (_, i) => (i * 7 + Math.floor(i / 9)) % 3);
const groups = {
  names: Array.from({ length: 12 }, (_, g) => `patient ${g}`),
  codes: Int32Array.from({ length: 60 }, (_, i) => (5 * i) % 12),
};
const base: FoldOptions = { cv: "stratified", folds: 4, repeats: 1, seed: 42, groups, validation: 0 };
const bare = ({ train, test }: Fold) => ({ train, test });

describe("makeFolds", () => {
  const split = splitColumn(
    Array.from(codes, (_, i) => ["east", "west", "north"][i % 3]),
    "site",
  );
  const once: [Cv, Fold[]][] = [
    ["stratified", stratifiedKFold(codes, 4, 42)],
    ["group", groupKFold(groups.codes, 4)],
    ["stratified-group", stratifiedGroupKFold(codes, groups.codes, 4, 42)],
    ["leave-one-group-out", leaveOneGroupOut(groups.codes)],
    ["split", split.map(bare)],
  ];
  it.each(once)("%s: its splitter's folds, numbered, with an empty validation part", (cv, folds) => {
    const made = makeFolds(codes, { ...base, cv, split });
    expect(made.map(bare)).toEqual(folds);
    expect(made.map(({ repeat, fold }) => [repeat, fold])).toEqual(folds.map((_, i) => [0, i]));
    expect(made.every(({ validation }) => validation.length === 0)).toBe(true);
  });

  it.each([
    ["stratified", (random: RandomState) => stratifiedKFold(codes, 4, random)],
    ["group", (random: RandomState) => groupKFold(groups.codes, 4, random)],
    ["stratified-group", (random: RandomState) => stratifiedGroupKFold(codes, groups.codes, 4, random)],
  ] as const)("%s, three times", (cv, splitter) => {
    const made = makeFolds(codes, { ...base, cv, repeats: 3 });
    expect(made.map(bare)).toEqual(repeatFolds(3, 42, splitter).flat());
    expect(made.map(({ repeat, fold }) => 4 * repeat + fold)).toEqual([...made.keys()]);
    expect(made[6].name).toBe("repeat 2, fold 3");
  });

  it("names: the fold's number, the group left out, the fold's name in the column, test", () => {
    const names = (cv: Cv, fixed = split) =>
      makeFolds(codes, { ...base, cv, split: fixed }).map((s) => s.name);
    expect(names("stratified")).toEqual(["fold 1", "fold 2", "fold 3", "fold 4"]);
    expect(names("leave-one-group-out")).toEqual(groups.names);
    expect(names("split")).toEqual(["east", "north", "west"]);
    const values = Array.from(codes, (_, i) => (i < 50 ? "train" : "test"));
    expect(names("split", splitColumn(values, "split"))).toEqual(["test"]);
  });

  it.each(cvs)("%s: a validation part of each split, whole groups but for 'stratified'", (cv) => {
    const made = makeFolds(codes, { ...base, cv, split, validation: 0.2 });
    const plain = makeFolds(codes, { ...base, cv, split });
    made.forEach((parts, i) => {
      const seed = new RandomState([42, 0, parts.repeat, parts.fold]);
      const by = cv === "stratified" ? undefined : groups.codes;
      const carved = carveValidation(plain[i], codes, { share: 0.2, seed, groups: by });
      expect(parts).toMatchObject(carved);
      expect(parts.validation.length).toBeGreaterThan(0);
    });
  });

  it("a validation part of the column's own stays as it is", () => {
    const values = Array.from(codes, (_, i) => ["train", "test", "train", "val", "train"][i % 5]);
    const fixed = splitColumn(values, "split");
    const [made] = makeFolds(codes, { ...base, cv: "split", split: fixed, validation: 0.2 });
    expect(made).toMatchObject(fixed[0]);
  });

  it.each<[string, Partial<FoldOptions>]>([
    ["group folds without groups", { cv: "group", groups: undefined }],
    ["groups of another length", { cv: "group", groups: { names: ["a", "b"], codes: Int32Array.of(0, 1) } }],
    ["a split without its column", { cv: "split" }],
    ["repeats of a split", { cv: "split", split, repeats: 2 }],
    ["repeats of leave-one-group-out", { cv: "leave-one-group-out", repeats: 2 }],
    ["no repeats", { repeats: 0 }],
    ["one fold", { folds: 1 }],
    ["a share above 0.5", { validation: 0.6 }],
    ["a seed below 0, also where none is drawn from", { cv: "leave-one-group-out", seed: -1 }],
  ])("refuses %s", (_name, options) => {
    expect(() => makeFolds(codes, { ...base, ...options })).toThrow(RangeError);
  });
});

describe("nestedFolds", () => {
  const outer = makeFolds(codes, { ...base, cv: "stratified-group" });

  it.each(["stratified", "group", "stratified-group", "leave-one-group-out"] as const)(
    "%s: the folds of the training rows alone, as rows of the file",
    (cv) => {
      for (const { train } of outer) {
        const y = train.map((row) => codes[row]);
        const g = train.map((row) => groups.codes[row]);
        const expected = {
          stratified: () => stratifiedKFold(y, 3, 7),
          group: () => groupKFold(g, 3),
          "stratified-group": () => stratifiedGroupKFold(y, g, 3, 7),
          "leave-one-group-out": () => leaveOneGroupOut(g),
        }[cv]();
        const inner = nestedFolds({ train }, codes, { cv, folds: 3, seed: 7, groups });
        expect(inner.map((fold) => [[...fold.train], [...fold.test]])).toEqual(
          expected.map((fold) => [
            Array.from(fold.train, (i) => train[i]),
            Array.from(fold.test, (i) => train[i]),
          ]),
        );
      }
    },
  );

  it("refuses more folds than the training rows have groups", () => {
    const few = { train: Int32Array.of(0, 1, 12, 13) };
    expect(() => nestedFolds(few, codes, { cv: "group", folds: 3, seed: 7, groups })).toThrow(/2 groups/);
  });
});
