/**
 * Matthews correlation coefficient for any number of classes, as scikit-learn's `matthews_corrcoef`: −1…1, and 0 where
 * all true or all predicted classes are the same.
 * Reference: Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation coefficient".
 */
import { classCounts } from "./counts.js";

export function mcc(actual: Int32Array, predicted: Int32Array, classes: number): number {
  const counts = classCounts(actual, predicted, classes);
  const { total } = counts;
  let right = 0;
  let both = 0;
  let actual2 = 0;
  let predicted2 = 0;
  for (let c = 0; c < classes; c++) {
    right += counts.right[c];
    both += counts.actual[c] * counts.predicted[c];
    actual2 += counts.actual[c] ** 2;
    predicted2 += counts.predicted[c] ** 2;
  }
  const variance = (total * total - predicted2) * (total * total - actual2);
  return variance === 0 ? 0 : (right * total - both) / Math.sqrt(variance);
}
