/**
 * Area under the ROC curve, each class against all others, averaged over the classes: scikit-learn's
 * `roc_auc_score(…, multi_class="ovr", average="macro", labels=range(classes))`; with two classes the binary AUC of
 * class 1.
 */
import { type RankSums, sumsOf } from "./rank-sums.js";
import { rankWins } from "./rank-wins.js";

/** @returns the mean AUC; null (scikit-learn: NaN) where a class does not occur or there is but one */
export function aucOvrMacro(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): number | null {
  return ovrMean(sumsOf(rankWins(actual, probabilities, classes)));
}

/** The same from the comparisons. */
export function ovrMean({ wins, sizes }: Pick<RankSums, "wins" | "sizes">): number | null {
  const classes = sizes.length;
  if (classes < 2 || sizes.includes(0)) return null;
  const samples = sizes.reduce((sum, size) => sum + size, 0);
  if (classes === 2) return wins[1] / (2 * sizes[0] * sizes[1]);
  let sum = 0;
  for (let a = 0; a < classes; a++) sum += wins[a] / (2 * sizes[a] * (samples - sizes[a]));
  return sum / classes;
}
