/**
 * A validation part, set aside from the training part of a fold: to stop early by, to calibrate on. The test part is
 * not looked at, and every class keeps at least one training row.
 *
 * Without groups: `stratifiedShuffleSplit` of the training rows. A class with a single training row stays in training
 * and the share is taken of the others.
 * With groups: whole groups, for the same reason as in the test part. Of the folds of `stratifiedGroupKFold` with
 * 1 / share folds (rounded; no more than there are groups), those that leave every class in training are eligible; the
 * one whose size is nearest to the share is taken, the first among equals. Where none is eligible (a class lies in one
 * group of the training part), the validation part is empty; `checkSplits` makes an error of that.
 */
import { type Fold, type Parts, randomFrom, rankCodes, type Seed, take } from "./fold.js";
import { stratifiedGroupKFold } from "./stratified-group.js";
import { stratifiedShuffleSplit } from "./stratified-shuffle.js";

export interface ValidationOptions {
  /** Share of the training rows, 0…0.5. 0: no validation part. */
  share: number;
  /** A part of fewer rows than this is of no use, so they stay in training (default: 1). */
  leastValidation?: number;
  seed: Seed;
  /** Group of each row of the file, 0 or more. */
  groups?: Int32Array;
}

/**
 * @param codes class of each row of the file, 0 or more
 * @throws RangeError where the share is not in 0…0.5
 */
export function carveValidation(fold: Fold, codes: Int32Array, options: ValidationOptions): Parts {
  const { share, leastValidation = 1, groups } = options;
  if (!(share >= 0 && share <= 0.5)) throw new RangeError(`carveValidation: share ${share} is not in 0…0.5`);
  const { train, test } = fold;
  const drawn =
    share === 0 || train.length === 0
      ? new Int32Array(0)
      : groups === undefined
        ? byClass(train, codes, share, options.seed)
        : byGroup(train, codes, groups, share, options.seed);
  const validation = drawn.length < leastValidation ? new Int32Array(0) : drawn;
  const held = new Set(validation);
  return { train: train.filter((row) => !held.has(row)), validation, test };
}

function byClass(train: Int32Array, codes: Int32Array, share: number, seed: Seed): Int32Array {
  const { ranks, counts } = rankCodes(take(codes, train), "class", "carveValidation");
  const rows = train.filter((_, i) => counts[ranks[i]] > 1);
  if (rows.length === 0) return rows;
  return take(rows, stratifiedShuffleSplit(take(codes, rows), share, seed).test);
}

function byGroup(
  train: Int32Array,
  codes: Int32Array,
  groups: Int32Array,
  share: number,
  seed: Seed,
): Int32Array {
  const classOf = take(codes, train);
  const groupOf = take(groups, train);
  const classes = rankCodes(classOf, "class", "carveValidation").counts;
  const most = Math.min(
    rankCodes(groupOf, "group", "carveValidation").counts.length,
    classes.reduce((a, b) => Math.max(a, b), 0),
  );
  const folds = Math.min(Math.round(1 / share), most);
  let best: Int32Array = new Int32Array(0);
  if (folds < 2) return best;
  let least = Infinity;
  for (const part of stratifiedGroupKFold(classOf, groupOf, folds, randomFrom(seed, "carveValidation"))) {
    if (part.test.length === 0 || new Set(take(classOf, part.train)).size < classes.length) continue;
    const distance = Math.abs(part.test.length - share * train.length);
    if (distance < least) {
      least = distance;
      best = take(train, part.test);
    }
  }
  return best;
}
