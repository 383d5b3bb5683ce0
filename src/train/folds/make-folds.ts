/**
 * The splits of a run from its settings: which splitter, how often, what they are called, and a validation part of
 * each. Splits come in the order in which they are trained, repeat by repeat.
 */
import { RandomState } from "../../random.js";
import { type Fold, type Parts, requireSameLength, requireSeed } from "./fold.js";
import { groupKFold } from "./group.js";
import { leaveOneGroupOut } from "./leave-one-group-out.js";
import { repeatFolds } from "./repeated.js";
import type { FixedSplit } from "./split-column.js";
import { stratifiedKFold } from "./stratified.js";
import { stratifiedGroupKFold } from "./stratified-group.js";
import { carveValidation } from "./validation.js";

/** Ways to hold samples out; "split" takes the parts from a column of the file. */
export const cvs = ["stratified", "group", "stratified-group", "leave-one-group-out", "split"] as const;
export type Cv = (typeof cvs)[number];

/** A column of groups as codes. */
export interface Grouping {
  /** Sorted by code point. */
  names: readonly string[];
  /** Per row, into `names`. */
  codes: Int32Array;
}

export interface FoldOptions {
  cv: Cv;
  /** 2 or more; leave-one-group-out and a fixed split have their own number. */
  folds: number;
  /** 1 or more; those two allow 1 only. */
  repeats: number;
  /** 32-bit unsigned integer. */
  seed: number;
  /** Needed by the group folds. "stratified" ignores it; elsewhere the validation part takes whole groups too. */
  groups?: Grouping;
  /** What `splitColumn` gives; needed by "split". */
  split?: readonly FixedSplit[];
  /** Share of the training rows, 0…0.5, for a validation part; a fixed split that brings its own keeps that. */
  validation: number;
  /** A validation part of fewer rows is left in training (default: 1). */
  leastValidation?: number;
}

export interface Split extends Parts {
  repeat: number;
  /** Within the repeat. */
  fold: number;
  /** The group left out, the fold's name in the column, or "fold 1" (with "repeat 1, " before it where there are several). */
  name: string;
}

/** Keeps the draws of validation parts apart from those of training, whose second key is a net's number, 1 or more. */
const validationStream = 0;

/**
 * @param codes class of each row, 0 or more
 * @throws RangeError where the options make no folds (`checkCv`, `checkGroups` and `checkSplits` say so in words)
 */
export function makeFolds(codes: Int32Array, options: FoldOptions): Split[] {
  const { cv, repeats, seed, split } = options;
  requireSeed(seed, "makeFolds");
  const groups = cv === "stratified" ? undefined : options.groups;
  return drawFolds(codes, options).flatMap((folds, repeat) =>
    folds.map((drawn, fold) => {
      const fixed = cv === "split" ? split?.[fold] : undefined;
      const named = cv === "leave-one-group-out" ? groups?.names[groups.codes[drawn.test[0]]] : fixed?.name;
      const name = named ?? `${repeats > 1 ? `repeat ${repeat + 1}, ` : ""}fold ${fold + 1}`;
      const { train, validation, test } = fixed?.validation.length
        ? fixed
        : carveValidation(drawn, codes, {
            share: options.validation,
            leastValidation: options.leastValidation,
            seed: new RandomState([seed, validationStream, repeat, fold]),
            groups: groups?.codes,
          });
      return { repeat, fold, name, train, validation, test };
    }),
  );
}

/**
 * The folds of every repeat, without validation parts. "group" is scikit-learn's GroupKFold, balanced by size and
 * without a seed, unless there are repeats: those shuffle the groups.
 * @throws RangeError as `makeFolds`
 */
export function drawFolds(codes: Int32Array, options: Omit<FoldOptions, "validation">): Fold[][] {
  const { cv, folds, repeats, seed } = options;
  const groups = () => {
    if (options.groups === undefined) throw new RangeError(`drawFolds: ${cv} folds without groups`);
    requireSameLength(codes, options.groups.codes, "drawFolds");
    return options.groups.codes;
  };
  const once = () => {
    if (repeats !== 1)
      throw new RangeError(`drawFolds: ${repeats} repeats of ${cv}, which has one way to split`);
  };
  switch (cv) {
    case "stratified":
      return repeatFolds(repeats, seed, (random) => stratifiedKFold(codes, folds, random));
    case "stratified-group":
      return repeatFolds(repeats, seed, (random) => stratifiedGroupKFold(codes, groups(), folds, random));
    case "group":
      return repeats === 1
        ? [groupKFold(groups(), folds)]
        : repeatFolds(repeats, seed, (random) => groupKFold(groups(), folds, random));
    case "leave-one-group-out":
      once();
      return [leaveOneGroupOut(groups())];
    case "split":
      once();
      if (options.split === undefined) throw new RangeError("drawFolds: a fixed split without its column");
      return [[...options.split]];
  }
}
