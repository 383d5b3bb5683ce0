/**
 * Brier score: mean over the samples of the squared distance between the probabilities and the truth (1 for the true
 * class, 0 for the others), summed over all classes: 0 … 2, for any number of classes. It is scikit-learn's
 * `brier_score_loss(…, scale_by_half=False)`; with two classes that is twice the score of the positive class alone,
 * which scikit-learn gives by default there.
 * Reference: Brier 1950, "Verification of forecasts expressed in terms of probability".
 */
import { checkProbabilities } from "./top-label.js";

/**
 * @param actual codes in 0…classes−1
 * @param probabilities samples × classes, row-major
 * @throws RangeError where there is no sample, shapes or codes do not fit, or a value is not in 0…1
 */
export function brier(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): number {
  checkProbabilities(actual, probabilities, classes);
  let sum = 0;
  for (let i = 0; i < actual.length; i++) {
    for (let c = 0; c < classes; c++)
      sum += (probabilities[i * classes + c] - (actual[i] === c ? 1 : 0)) ** 2;
  }
  return sum / actual.length;
}
