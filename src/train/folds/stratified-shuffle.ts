/**
 * One random split that keeps the shares of the classes: scikit-learn's
 * `StratifiedShuffleSplit(1, test_size=share, random_state=seed)`, index for index. Each class gives its share of the
 * test part, rounded down; what is missing then comes from the classes with the largest remainders, by lot among equals.
 * scikit-learn refuses a part with fewer rows than there are classes; here some classes are then absent from it.
 * Reference: scikit-learn, sklearn/model_selection/_split.py, StratifiedShuffleSplit; utils/extmath.py, _approximate_mode.
 */
import type { RandomState } from "../../random.js";
import { type Fold, foldsFrom, randomFrom, rankCodes, type Seed } from "./fold.js";

/**
 * @param codes class of each row, 0 or more; codes need not be contiguous
 * @param share of the rows that the test part gets (rounded up), above 0 and at most 0.5, so that every class keeps a
 *   training row
 * @throws RangeError where the share is not so, there are no rows, or a class has a single one
 */
export function stratifiedShuffleSplit(codes: Int32Array, share: number, seed: Seed): Fold {
  if (!(share > 0 && share <= 0.5))
    throw new RangeError(`stratifiedShuffleSplit: share ${share}; above 0 and at most 0.5`);
  const random = randomFrom(seed, "stratifiedShuffleSplit");
  const { ranks, counts, values } = rankCodes(codes, "class", "stratifiedShuffleSplit");
  if (codes.length === 0) throw new RangeError("stratifiedShuffleSplit: no rows");
  const single = counts.indexOf(1);
  if (single >= 0)
    throw new RangeError(`stratifiedShuffleSplit: class ${values[single]} has one row; at least 2`);

  const testSize = Math.ceil(share * codes.length);
  const trained = allot(counts, codes.length - testSize, random);
  const left = counts.map((n, c) => n - trained[c]);
  const tested = allot(left, testSize, random);
  const members = Array.from(counts, () => [] as number[]);
  ranks.forEach((rank, row) => {
    members[rank].push(row);
  });
  const foldOf = new Int32Array(codes.length).fill(-1);
  members.forEach((rows, c) => {
    const order = random.permutation(rows.length);
    for (let i = trained[c]; i < trained[c] + tested[c]; i++) foldOf[rows[order[i]]] = 0;
  });
  return foldsFrom(foldOf, 1)[0];
}

/** How many of `draws` rows come from each class. */
function allot(counts: Int32Array, draws: number, random: RandomState): Int32Array {
  const total = counts.reduce((a, b) => a + b, 0);
  const exact = Float64Array.from(counts, (n) => (n / total) * draws); // in this order: rounding decides the ties
  const allotted = Int32Array.from(exact, Math.floor);
  let missing = draws - allotted.reduce((a, b) => a + b, 0);
  const remainder = exact.map((v, c) => v - allotted[c]);
  for (const value of Float64Array.from(new Set(remainder)).sort().reverse()) {
    if (missing <= 0) break;
    const equals = Array.from(remainder.keys()).filter((c) => remainder[c] === value);
    const drawn = random.permutation(equals.length).subarray(0, Math.min(missing, equals.length));
    for (const i of drawn) allotted[equals[i]]++;
    missing -= drawn.length;
  }
  return allotted;
}
