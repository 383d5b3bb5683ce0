/**
 * What a net says of each sample and how sure it is: the most probable class and its probability, the confidence that
 * calibration, risk–coverage and abstention speak of.
 */
import { checkCodes } from "./counts.js";
import { argmaxRows } from "./metrics.js";

export interface TopLabels {
  /** The most probable class of each sample; the lowest of equals. */
  predicted: Int32Array;
  /** Its probability. */
  confidence: Float64Array;
}

/** @param probabilities samples × classes, row-major */
export function topLabels(probabilities: Float32Array | Float64Array, classes: number): TopLabels {
  const predicted = argmaxRows(probabilities, classes);
  return { predicted, confidence: Float64Array.from(predicted, (c, i) => probabilities[i * classes + c]) };
}

/** Softmax in float32 may round a sum to a little over 1. */
const rounding = 1e-6;

/**
 * @param actual codes in 0…classes−1
 * @param probabilities samples × classes, row-major
 * @throws RangeError where there is no sample, shapes or codes do not fit, or a value is not in 0…1
 */
export function checkProbabilities(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): void {
  checkCodes(actual, classes);
  if (probabilities.length !== actual.length * classes)
    throw new RangeError(
      `${probabilities.length} probabilities, not ${actual.length} samples × ${classes} classes`,
    );
  const bad = probabilities.findIndex((p) => !(p >= 0 && p <= 1 + rounding));
  if (bad >= 0)
    throw new RangeError(
      `the probability of sample ${Math.floor(bad / classes)}, class ${bad % classes} is ${probabilities[bad]}`,
    );
}
