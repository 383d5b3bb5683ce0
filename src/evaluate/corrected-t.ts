/**
 * The corrected resampled t test of Nadeau and Bengio: Student's t test of paired scores over (repeated) k-fold
 * cross-validation, its variance widened by nTest/nTrain since the folds share most of their training samples. Without
 * the correction the test finds differences where there are none, the more the more often the folds are repeated.
 * Reference: Nadeau & Bengio 2003, "Inference for the generalization error"; Bouckaert & Frank 2004, "Evaluating the
 * replicability of significance tests for comparing learning algorithms" (for repeated k-fold); scikit-learn's example
 * "Statistical comparison of models using grid search" has the same formula.
 */
import { studentTCdf, studentTQuantile } from "./student-t.js";

/** What is not defined is null, and `note` says why. */
export interface CorrectedT {
  t: number | null;
  /** Scores − 1. */
  df: number;
  /** Two-sided p value. */
  p: number | null;
  meanDifference: number | null;
  /** 95 % interval of the mean difference. */
  interval95: [number, number] | null;
  /** What a reader should know beside p, in one sentence. */
  note?: string;
}

/** Scores are shares: what differs by less than this differs by rounding. */
const rounding = 1e-12;

/**
 * @param differences of two models' scores (shares, such as accuracies), one for each fold of each repeat
 * @param nTrain training samples of a fold (their mean, where folds differ)
 * @param nTest test samples of a fold, likewise
 * @throws RangeError where a difference is not finite or a number of samples not positive
 */
export function correctedResampledT(
  differences: readonly number[],
  nTrain: number,
  nTest: number,
): CorrectedT {
  const bad = differences.findIndex((d) => !Number.isFinite(d));
  if (bad >= 0) throw new RangeError(`correctedResampledT: difference ${bad} is ${differences[bad]}`);
  for (const n of [nTrain, nTest])
    if (!(n > 0 && n < Number.POSITIVE_INFINITY))
      throw new RangeError(`correctedResampledT: ${nTrain} training and ${nTest} test samples`);

  const n = differences.length;
  const df = Math.max(0, n - 1);
  const none: CorrectedT = { t: null, df, p: null, meanDifference: null, interval95: null };
  if (n === 0) return { ...none, note: "There are no folds." };
  const mean = differences.reduce((sum, d) => sum + d, 0) / n;
  if (n === 1)
    return { ...none, meanDifference: mean, note: "One fold has no spread to hold the difference against." };
  const spread = Math.max(...differences) - Math.min(...differences);
  if (spread < rounding) {
    if (Math.abs(mean) < rounding)
      return { t: 0, df, p: 1, meanDifference: 0, interval95: [0, 0], note: "All folds score alike." };
    return {
      ...none,
      meanDifference: mean,
      note: `Every fold differs by ${Number(mean.toPrecision(3))}: there is no spread to hold the difference against.`,
    };
  }
  const variance = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / df;
  const error = Math.sqrt((1 / n + nTest / nTrain) * variance);
  const t = mean / error;
  const reach = studentTQuantile(0.975, df) * error;
  return {
    t,
    df,
    p: 2 * studentTCdf(-Math.abs(t), df),
    meanDifference: mean,
    interval95: [mean - reach, mean + reach],
  };
}
