/**
 * McNemar's test of two models on the same samples, two-sided and exact: of the samples that only one of the two
 * predicts right, does either have more than chance gives? As statsmodels' `mcnemar(table, exact=True)` at every size.
 *
 * Samples of one group (cells of a patient) are not independent. With `groups` each group counts with its difference in
 * right predictions, and the test is over all ways to exchange the two models within whole groups: the same test where
 * every sample is a group of its own, and `scipy.stats.permutation_test(permutation_type="samples")` otherwise.
 * Reference: McNemar 1947; Dietterich 1998, "Approximate statistical tests for comparing supervised classification
 * learning algorithms"; Eliasziw & Donner 1991 for why groups matter.
 */
import { unitsOf } from "./bootstrap.js";
import { signFlipTail } from "./sign-flips.js";

export interface McNemar {
  /** Samples that only the first model predicts right. */
  onlyA: number;
  /** Samples that only the second one predicts right. */
  onlyB: number;
  /** Two-sided p value. */
  p: number;
  /** The smallest p that the samples (or groups) on which the two differ can give. */
  pAttainable: number;
  /** Samples on which the two differ; with groups, groups in which one has more right than the other. */
  n: number;
  method: "exact";
  /** What a reader should know beside p, in one sentence. */
  note?: string;
}

/**
 * @param actual codes of the true classes
 * @param a codes that the first model predicts
 * @param b codes that the second one predicts
 * @param groups a code for each sample; samples of one code are taken as one observation
 * @throws RangeError where there are no samples or the lengths differ
 */
export function mcnemar(actual: Int32Array, a: Int32Array, b: Int32Array, groups?: Int32Array): McNemar {
  if (actual.length === 0) throw new RangeError("mcnemar: no samples");
  if (a.length !== actual.length || b.length !== actual.length)
    throw new RangeError(
      `mcnemar: ${actual.length} true classes, but ${a.length} and ${b.length} predicted ones`,
    );
  const { unitOf, units } = unitsOf(actual.length, groups);
  const differences = new Int32Array(units);
  let onlyA = 0;
  let onlyB = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Number(a[i] === actual[i]) - Number(b[i] === actual[i]);
    differences[unitOf[i]] += difference;
    if (difference > 0) onlyA++;
    else if (difference < 0) onlyB++;
  }
  const n = differences.reduce((count, d) => count + Number(d !== 0), 0);
  const plus = differences.reduce((sum, d) => sum + Math.max(0, d), 0);
  const minus = differences.reduce((sum, d) => sum + Math.max(0, -d), 0);
  // the distribution is symmetric
  const p = Math.min(1, 2 * signFlipTail(differences.map(Math.abs), Math.min(plus, minus)));
  const result: McNemar = { onlyA, onlyB, p, pAttainable: Math.min(1, 2 ** (1 - n)), n, method: "exact" };
  const unit = groups ? (n === 1 ? "group" : "groups") : n === 1 ? "sample" : "samples";
  if (n === 0)
    result.note =
      onlyA + onlyB === 0
        ? "The two are right on the same samples."
        : "In every group the two have as many right.";
  else if (result.pAttainable > 0.05)
    result.note = `The two differ on ${n} ${unit} only, which cannot give a p below ${result.pAttainable}.`;
  return result;
}
