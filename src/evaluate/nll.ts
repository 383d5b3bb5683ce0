/**
 * Negative log-likelihood (log loss, natural logarithm): mean of −log of the true class's probability. Probabilities
 * are kept within 2^−52 … 1 − 2^−52, as scikit-learn's `log_loss` does with float64, so a probability of 0 costs 36.04.
 */
import { checkProbabilities } from "./top-label.js";

const epsilon = 2 ** -52;

/**
 * @param actual codes in 0…classes−1
 * @param probabilities samples × classes, row-major
 * @throws RangeError where there is no sample, shapes or codes do not fit, or a value is not in 0…1
 */
export function nll(actual: Int32Array, probabilities: Float32Array | Float64Array, classes: number): number {
  checkProbabilities(actual, probabilities, classes);
  let sum = 0;
  for (let i = 0; i < actual.length; i++) {
    const p = probabilities[i * classes + actual[i]];
    sum -= Math.log(Math.min(1 - epsilon, Math.max(epsilon, p)));
  }
  return sum / actual.length;
}
