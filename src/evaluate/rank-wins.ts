/**
 * The comparisons that every AUC counts (Mann & Whitney): for each ordered pair of classes (a, b), how often a sample
 * of a has a greater probability of a than a sample of b has; a tie counts half. Kept doubled, so that all counts are
 * whole numbers and exact. One sort a class, then one search a sample: classes × samples × log(samples).
 */

import { checkCodes } from "./counts.js";
import { lowerBound, upperBound } from "./sorted.js";

export interface RankWins {
  /** classes × classes, row-major: [a, b] = twice the wins of a over b by the probability of a. */
  doubled: Float64Array;
  /** Samples of each class. */
  sizes: Float64Array;
}

/**
 * @param actual codes in 0…classes−1
 * @param probabilities samples × classes, row-major; any finite scores will do
 * @throws RangeError where shapes or codes do not fit, or a probability is NaN
 */
export function rankWins(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): RankWins {
  checkScores(actual, probabilities, classes);
  const samples = actual.length;
  const sizes = new Float64Array(classes);
  for (const code of actual) sizes[code]++;
  const doubled = new Float64Array(classes * classes);
  for (let a = 0; a < classes; a++) {
    const own = new Float64Array(sizes[a]);
    for (let i = 0, at = 0; i < samples; i++) if (actual[i] === a) own[at++] = probabilities[i * classes + a];
    own.sort();
    for (let i = 0; i < samples; i++) {
      if (actual[i] === a) continue;
      const score = probabilities[i * classes + a];
      // greater ones win twice, equal ones once: (n − upper) · 2 + (upper − lower)
      doubled[a * classes + actual[i]] += 2 * own.length - upperBound(own, score) - lowerBound(own, score);
    }
  }
  return { doubled, sizes };
}

/** @throws RangeError where shapes or codes do not fit, or a probability is NaN */
export function checkScores(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): void {
  checkCodes(actual, classes);
  const samples = actual.length;
  if (probabilities.length !== samples * classes)
    throw new RangeError(
      `${probabilities.length} probabilities, not ${samples} samples × ${classes} classes`,
    );
  const nan = probabilities.findIndex(Number.isNaN);
  if (nan >= 0)
    throw new RangeError(
      `the probability of sample ${Math.floor(nan / classes)}, class ${nan % classes} is NaN`,
    );
}
