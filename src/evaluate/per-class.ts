/**
 * What a model does on each class: precision, recall, F1 and support, as scikit-learn's
 * `precision_recall_fscore_support(…, labels=range(classes), zero_division=nan)`, and the AUC of the class against all
 * others, as `roc_auc_score(actual == c, probabilities[:, c])`. What is not defined is null.
 */
import { type ClassCounts, classCounts } from "./counts.js";
import { argmaxRows } from "./metrics.js";
import { type RankSums, rankSums } from "./rank-sums.js";

export interface ClassMetrics {
  /** Samples of the class. */
  support: number;
  /** Null where the class is never predicted. */
  precision: number | null;
  /** Null where the class does not occur. */
  recall: number | null;
  /** Null where the class neither occurs nor is predicted. */
  f1: number | null;
  /** Against all other classes; null where there are no others, or the class does not occur. */
  auc: number | null;
}

/**
 * @param actual codes in 0…classes−1
 * @param probabilities samples × classes, row-major; the most probable class is the predicted one
 * @throws RangeError where shapes or codes do not fit, or a probability is NaN
 */
export function perClass(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): ClassMetrics[] {
  const sums = rankSums(actual, probabilities, classes)(new Int32Array(actual.length).fill(1));
  return classMetrics(classCounts(actual, argmaxRows(probabilities, classes), classes), sums);
}

/** The same from the counts and comparisons of the samples. */
function classMetrics(counts: ClassCounts, { wins, sizes }: RankSums): ClassMetrics[] {
  const ratio = (part: number, whole: number) => (whole > 0 ? part / whole : null);
  return Array.from(sizes, (support, c) => ({
    support,
    precision: ratio(counts.right[c], counts.predicted[c]),
    recall: ratio(counts.right[c], support),
    f1: ratio(2 * counts.right[c], support + counts.predicted[c]),
    auc: ratio(wins[c], 2 * support * (counts.total - support)),
  }));
}
