/**
 * Stratified k-fold, shuffled: the folds of scikit-learn's
 * `StratifiedKFold(folds, shuffle=True, random_state=seed).split`, index for index.
 * Each class is dealt to the folds in turn (so fold sizes differ by one at most), then the fold numbers of each class
 * are shuffled. Classes come in the order of their first row, so renaming classes never changes the folds.
 * Reference: scikit-learn, sklearn/model_selection/_split.py, StratifiedKFold._make_test_folds.
 */
import { RandomState } from "../random.js";

/** Row numbers, rising; `train` and `test` part the rows. */
export interface Fold {
  train: Int32Array;
  test: Int32Array;
}

/**
 * A class with fewer rows than folds is absent from some test sets; scikit-learn only warns of it, and so it is allowed
 * here (the label checks of a run refuse it before).
 *
 * @param codes class of each row, 0 or more; codes need not be contiguous
 * @param folds 2 or more, and no more than the rows of the largest class
 * @param seed 32-bit unsigned integer
 * @throws RangeError where no such folds exist
 */
export function stratifiedKFold(codes: Int32Array, folds: number, seed: number): Fold[] {
  const rows = codes.length;
  if (!Number.isInteger(folds) || folds < 2)
    throw new RangeError(`stratifiedKFold: ${folds} folds; at least 2`);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    throw new RangeError(`stratifiedKFold: seed ${seed} is no integer in 0…4294967295`);

  const classes = rowsByFirstAppearance(codes);
  let largest = 0;
  for (const members of classes) largest = Math.max(largest, members.length);
  if (folds > largest)
    throw new RangeError(`stratifiedKFold: ${folds} folds, but no class has more than ${largest} rows`);

  const random = new RandomState(seed);
  const foldOf = new Int32Array(rows);
  const testSize = new Int32Array(folds);
  let dealt = 0; // rows of the classes before: dealing goes on where the last class ended
  for (const members of classes) {
    const share = Int32Array.from(members, (_, i) => (dealt + i) % folds).sort();
    for (const fold of share) testSize[fold]++;
    random.shuffle(share);
    for (let i = 0; i < members.length; i++) foldOf[members[i]] = share[i];
    dealt += members.length;
  }

  return Array.from({ length: folds }, (_, fold) => {
    const test = new Int32Array(testSize[fold]);
    const train = new Int32Array(rows - testSize[fold]);
    for (let row = 0, i = 0, j = 0; row < rows; row++) {
      if (foldOf[row] === fold) test[i++] = row;
      else train[j++] = row;
    }
    return { train, test };
  });
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
