/**
 * Group k-fold: whole groups are held out. The folds of scikit-learn's `GroupKFold`, index for index.
 * Without a seed they are balanced by size: the groups, largest first, each go to the fold that has the fewest rows so
 * far (ties: the later group first, the earlier fold first). With a seed (`shuffle=True`) the groups are shuffled and
 * cut into folds of equally many groups, whatever their sizes.
 * Reference: scikit-learn 1.9, sklearn/model_selection/_split.py, GroupKFold._iter_test_indices.
 */
import { type Fold, foldsFrom, randomFrom, rankCodes, requireFoldCount, type Seed } from "./fold.js";

/**
 * @param groups group of each row, 0 or more; codes need not be contiguous
 * @param folds 2 or more, and no more than there are groups
 * @throws RangeError where no such folds exist
 */
export function groupKFold(groups: Int32Array, folds: number, seed?: Seed): Fold[] {
  requireFoldCount(folds, "groupKFold");
  const { ranks, counts } = rankCodes(groups, "group", "groupKFold");
  if (folds > counts.length) throw new RangeError(`groupKFold: ${folds} folds, but ${counts.length} groups`);
  const foldOfGroup = seed === undefined ? balanced(counts, folds) : shuffled(counts.length, folds, seed);
  return foldsFrom(
    ranks.map((group) => foldOfGroup[group]),
    folds,
  );
}

function balanced(counts: Int32Array, folds: number): Int32Array {
  const order = Array.from(counts.keys()).sort((a, b) => counts[b] - counts[a] || b - a);
  const foldOfGroup = new Int32Array(counts.length);
  const rows = new Array<number>(folds).fill(0);
  for (const group of order) {
    const lightest = rows.indexOf(Math.min(...rows));
    rows[lightest] += counts[group];
    foldOfGroup[group] = lightest;
  }
  return foldOfGroup;
}

/** Where the groups do not divide evenly, the first folds get one more (numpy's `array_split`). */
function shuffled(groups: number, folds: number, seed: Seed): Int32Array {
  const order = randomFrom(seed, "groupKFold").permutation(groups);
  const size = Math.floor(groups / folds);
  const larger = groups % folds;
  const foldOfGroup = new Int32Array(groups);
  for (let fold = 0, at = 0; fold < folds; fold++)
    for (const end = at + size + (fold < larger ? 1 : 0); at < end; at++) foldOfGroup[order[at]] = fold;
  return foldOfGroup;
}
