/**
 * The same k-fold several times, drawn anew each time. One random state goes through all repeats, and each takes it up
 * where the one before left it: scikit-learn's `RepeatedStratifiedKFold` where the splitter is `stratifiedKFold`, and
 * the same rule for any other. The first repeat is thus what the splitter gives for the seed alone.
 * Reference: scikit-learn, sklearn/model_selection/_split.py, _RepeatedSplits.split.
 */
import type { RandomState } from "../../random.js";
import { type Fold, randomFrom, type Seed } from "./fold.js";

/**
 * @param repeats 1 or more
 * @param split e.g. `(random) => stratifiedKFold(codes, 5, random)`; must draw from `random`
 * @returns the folds of each repeat
 * @throws RangeError where `repeats` is no such number, and as `split`
 */
export function repeatFolds(repeats: number, seed: Seed, split: (random: RandomState) => Fold[]): Fold[][] {
  if (!Number.isInteger(repeats) || repeats < 1)
    throw new RangeError(`repeatFolds: ${repeats} repeats; at least 1`);
  const random = randomFrom(seed, "repeatFolds");
  return Array.from({ length: repeats }, () => split(random));
}
