/**
 * Stratified k-fold, shuffled: the folds of scikit-learn's
 * `StratifiedKFold(folds, shuffle=True, random_state=seed).split`, index for index.
 * Each class is dealt to the folds in turn (so fold sizes differ by one at most), then the fold numbers of each class
 * are shuffled. Classes come in the order of their first row, so renaming classes never changes the folds.
 * Reference: scikit-learn, sklearn/model_selection/_split.py, StratifiedKFold._make_test_folds.
 */
import { type Fold, foldsFrom, randomFrom, requireFoldCount, type Seed } from "./fold.js";

/**
 * A class with fewer rows than folds is absent from some test sets; scikit-learn only warns of it, and so it is allowed
 * here (the label checks of a run refuse it before).
 *
 * @param codes class of each row, 0 or more; codes need not be contiguous
 * @param folds 2 or more, and no more than the rows of the largest class
 * @throws RangeError where no such folds exist
 */
export function stratifiedKFold(codes: Int32Array, folds: number, seed: Seed): Fold[] {
  requireFoldCount(folds, "stratifiedKFold");
  const random = randomFrom(seed, "stratifiedKFold");
  const classes = rowsByFirstAppearance(codes);
  let largest = 0;
  for (const members of classes) largest = Math.max(largest, members.length);
  if (folds > largest)
    throw new RangeError(`stratifiedKFold: ${folds} folds, but no class has more than ${largest} rows`);

  const foldOf = new Int32Array(codes.length);
  let dealt = 0; // rows of the classes before: dealing goes on where the last class ended
  for (const members of classes) {
    const share = Int32Array.from(members, (_, i) => (dealt + i) % folds).sort();
    random.shuffle(share);
    for (let i = 0; i < members.length; i++) foldOf[members[i]] = share[i];
    dealt += members.length;
  }
  return foldsFrom(foldOf, folds);
}

/** Rows of each class, classes in the order of their first row. */
function rowsByFirstAppearance(codes: Int32Array): number[][] {
  const members = new Map<number, number[]>(); // a Map keeps the order of insertion
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row];
    if (code < 0) throw new RangeError(`stratifiedKFold: row ${row} has no class (code ${code})`);
    const list = members.get(code);
    if (list === undefined) members.set(code, [row]);
    else list.push(row);
  }
  return [...members.values()];
}
