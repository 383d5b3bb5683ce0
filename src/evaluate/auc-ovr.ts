/**
 * Area under the ROC curve, each class against all others, averaged over the classes: scikit-learn's
 * `roc_auc_score(…, multi_class="ovr", average="macro", labels=range(classes))`; with two classes the binary AUC of
 * class 1.
 */
import { rankWins } from "./rank-wins.js";

/** @returns the mean AUC; null (scikit-learn: NaN) where a class does not occur or there is but one */
export function aucOvrMacro(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): number | null {
  const { doubled, sizes } = rankWins(actual, probabilities, classes);
  if (classes < 2 || sizes.includes(0)) return null;
  if (classes === 2) return doubled[2] / (2 * sizes[0] * sizes[1]);
  let sum = 0;
  for (let a = 0; a < classes; a++) {
    let wins = 0;
    for (let b = 0; b < classes; b++) wins += doubled[a * classes + b];
    sum += wins / (2 * sizes[a] * (actual.length - sizes[a]));
  }
  return sum / classes;
}
