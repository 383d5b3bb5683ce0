/**
 * Spearman's rank correlation, ties by their mean rank, as `scipy.stats.spearmanr`.
 * Where one side is constant scipy has NaN; here it is 0: such a ranking tells nothing of the other.
 * Reference: Spearman 1904, "The proof and measurement of association between two things".
 */
import { averageRanks } from "./ranks.js";

/**
 * @param a any numbers but NaN
 * @param b as many
 * @returns −1…1; 0 where a side is constant, or there are no two values
 * @throws RangeError where the lengths differ or a value is NaN
 */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`spearman: ${a.length} values against ${b.length}`);
  return rankCorrelation(averageRanks(a), averageRanks(b));
}

/** The same of mean ranks (`averageRanks`), for many pairs of one set of rankings. */
export function rankCorrelation(a: Float64Array, b: Float64Array): number {
  const middle = a.length + 1; // of doubled ranks: whole numbers, and all sums exact up to 200,000 values
  let product = 0;
  let ofA = 0;
  let ofB = 0;
  for (let i = 0; i < a.length; i++) {
    const x = 2 * a[i] - middle;
    const y = 2 * b[i] - middle;
    product += x * y;
    ofA += x * x;
    ofB += y * y;
  }
  return ofA === 0 || ofB === 0 ? 0 : product / Math.sqrt(ofA * ofB);
}
