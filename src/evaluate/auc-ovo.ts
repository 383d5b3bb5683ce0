/**
 * Area under the ROC curve, class against class, averaged over the pairs: scikit-learn's
 * `roc_auc_score(…, multi_class="ovo", average="macro" | "weighted")`; with two classes the binary AUC of class 1.
 * Where a class does not occur, scikit-learn given `labels` averages the pairs that are left; here it is null, as for
 * one-vs-rest, so that an average over folds is one over the same pairs.
 * Reference: Hand & Till 2001, "A simple generalisation of the area under the ROC curve for multiple class problems".
 */
import { type RankWins, rankWins } from "./rank-wins.js";

/** @returns the mean AUC of the pairs of classes; null where a class does not occur or there is but one */
export function aucOvoMacro(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): number | null {
  return ovoMean(rankWins(actual, probabilities, classes), () => 1);
}

/** As `aucOvoMacro`, each pair weighted by its samples. */
export function aucOvoWeighted(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): number | null {
  return ovoMean(rankWins(actual, probabilities, classes), (samples) => samples);
}

/** The mean from the comparisons. @param weigh weight of a pair by its samples */
export function ovoMean({ doubled, sizes }: RankWins, weigh: (samples: number) => number): number | null {
  const classes = sizes.length;
  if (classes < 2 || sizes.includes(0)) return null;
  if (classes === 2) return doubled[2] / (2 * sizes[0] * sizes[1]);
  let sum = 0;
  let weights = 0;
  for (let a = 0; a < classes; a++) {
    for (let b = a + 1; b < classes; b++) {
      const wins = doubled[a * classes + b] + doubled[b * classes + a]; // a by P(a), b by P(b)
      const weight = weigh(sizes[a] + sizes[b]);
      sum += (weight * wins) / (4 * sizes[a] * sizes[b]);
      weights += weight;
    }
  }
  return sum / weights;
}
