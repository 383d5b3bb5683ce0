/**
 * Stratified group k-fold, shuffled: whole groups are held out, and the classes are spread over the folds as evenly as
 * the groups allow. The folds of scikit-learn's `StratifiedGroupKFold(folds, shuffle=True, random_state=seed)`, index
 * for index: groups come by falling spread of their class counts (the seed decides among equal ones only), and each
 * goes to the fold that leaves the classes' shares most even over the folds.
 *
 * The choice compares floating-point numbers that are often equal but for rounding, so every sum is taken in numpy's
 * order: pairwise along a row, one after the other down a column.
 * Reference: scikit-learn, sklearn/model_selection/_split.py, StratifiedGroupKFold; numpy's pairwise summation.
 */
import {
  type Fold,
  foldsFrom,
  randomFrom,
  rankCodes,
  requireFoldCount,
  requireSameLength,
  type Seed,
} from "./fold.js";

/** numpy.isclose's defaults. */
const RELATIVE = 1e-5;
const ABSOLUTE = 1e-8;

/**
 * @param codes class of each row, 0 or more
 * @param groups group of each row, 0 or more; neither need be contiguous
 * @param folds 2 or more; no more than there are groups, nor than the rows of the largest class
 * @returns a test part may be empty, where a fold got no group
 * @throws RangeError where no such folds exist
 */
export function stratifiedGroupKFold(
  codes: Int32Array,
  groups: Int32Array,
  folds: number,
  seed: Seed,
): Fold[] {
  requireSameLength(codes, groups, "stratifiedGroupKFold");
  requireFoldCount(folds, "stratifiedGroupKFold");
  const random = randomFrom(seed, "stratifiedGroupKFold");
  const classes = rankCodes(codes, "class", "stratifiedGroupKFold");
  const grouping = rankCodes(groups, "group", "stratifiedGroupKFold");
  const largest = classes.counts.reduce((a, b) => Math.max(a, b), 0);
  if (folds > largest)
    throw new RangeError(`stratifiedGroupKFold: ${folds} folds, but no class has more than ${largest} rows`);
  if (folds > grouping.counts.length)
    throw new RangeError(`stratifiedGroupKFold: ${folds} folds, but ${grouping.counts.length} groups`);

  const width = classes.counts.length;
  const counts = Array.from(grouping.counts, () => new Float64Array(width)); // rows per group and class
  for (let row = 0; row < codes.length; row++) counts[grouping.ranks[row]][classes.ranks[row]]++;
  const spread = counts.map(rowSd);
  const shuffled = random.permutation(counts.length);
  const order = Array.from(shuffled).sort((a, b) => spread[b] - spread[a]); // stable: equal ones stay shuffled

  const held = Array.from({ length: folds }, () => new Float64Array(width)); // rows per fold and class
  const foldOfGroup = new Int32Array(counts.length);
  for (const group of order) {
    const fold = bestFold(held, counts[group], classes.counts);
    counts[group].forEach((n, c) => {
      held[fold][c] += n;
    });
    foldOfGroup[group] = fold;
  }
  return foldsFrom(
    grouping.ranks.map((group) => foldOfGroup[group]),
    folds,
  );
}

/** The fold that leaves the shares most even; among about equal ones that with the fewest rows. */
function bestFold(held: readonly Float64Array[], counts: Float64Array, total: Int32Array): number {
  const share = held.map((rows) => rows.map((n, c) => n / total[c]));
  let best = 0;
  let least = Infinity;
  let fewest = Infinity;
  for (let fold = 0; fold < held.length; fold++) {
    const before = share[fold];
    share[fold] = held[fold].map((n, c) => (n + counts[c]) / total[c]);
    const deviations = Float64Array.from(total, (_, c) => columnSd(share, c));
    const uneven = pairwiseSum(deviations) / total.length;
    share[fold] = before;
    const rows = held[fold].reduce((a, b) => a + b, 0);
    const close = Math.abs(uneven - least) <= ABSOLUTE + RELATIVE * least;
    if (uneven < least || (close && rows < fewest)) {
      best = fold;
      least = uneven;
      fewest = rows;
    }
  }
  return best;
}

/** `numpy.std` of a row. */
function rowSd(row: Float64Array): number {
  const mean = pairwiseSum(row) / row.length;
  return Math.sqrt(pairwiseSum(row.map((v) => (v - mean) * (v - mean))) / row.length);
}

/** `numpy.std(rows, axis=0)` at one column. numpy sums a matrix of a single column as one row. */
function columnSd(rows: readonly Float64Array[], column: number): number {
  const values = Float64Array.from(rows, (row) => row[column]);
  if (rows[0].length === 1) return rowSd(values);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) * (v - mean), 0) / values.length);
}

/** numpy's sum of a row: eight running sums in blocks of up to 128, larger rows by halves. */
function pairwiseSum(values: Float64Array): number {
  const n = values.length;
  if (n > 128) {
    const half = Math.floor(n / 2) - (Math.floor(n / 2) % 8);
    return pairwiseSum(values.subarray(0, half)) + pairwiseSum(values.subarray(half));
  }
  let sum = 0;
  let rest = 0;
  if (n >= 8) {
    const r = values.slice(0, 8);
    for (rest = 8; rest + 8 <= n; rest += 8) for (let j = 0; j < 8; j++) r[j] += values[rest + j];
    sum = r[0] + r[1] + (r[2] + r[3]) + (r[4] + r[5] + (r[6] + r[7]));
  }
  for (; rest < n; rest++) sum += values[rest];
  return sum;
}
