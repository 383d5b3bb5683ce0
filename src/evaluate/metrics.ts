/** All metrics of one fold (or of any set of predictions), from its probabilities. */
import { CellhueError } from "../errors.js";
import { accuracy } from "./accuracy.js";
import { ovoMean } from "./auc-ovo.js";
import { ovrMean } from "./auc-ovr.js";
import { balancedAccuracy } from "./balanced-accuracy.js";
import { checkCodes } from "./counts.js";
import { f1Macro } from "./f1.js";
import { MANY_CLASSES } from "./many-classes.js";
import { mcc } from "./mcc.js";
import { precisionMacro } from "./precision.js";
import { sparseRankSums, sumsOf } from "./rank-sums.js";
import { rankWins } from "./rank-wins.js";
import { recallMacro } from "./recall.js";

export interface FoldMetrics {
  accuracy: number;
  balancedAccuracy: number;
  precisionMacro: number;
  recallMacro: number;
  f1Macro: number;
  mcc: number;
  /** null where a class does not occur in the fold. */
  aucOvrMacro: number | null;
  aucOvoMacro: number | null;
  aucOvoWeighted: number | null;
}

export type MetricName = keyof FoldMetrics;

export const METRIC_NAMES: readonly MetricName[] = [
  "accuracy",
  "balancedAccuracy",
  "precisionMacro",
  "recallMacro",
  "f1Macro",
  "mcc",
  "aucOvrMacro",
  "aucOvoMacro",
  "aucOvoWeighted",
];

/**
 * @param actual codes in 0…classes−1
 * @param probabilities samples × classes, row-major
 * @throws CellhueError where a probability is not finite (a training that diverged); RangeError where shapes or codes
 *   do not fit
 */
export function foldMetrics(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): FoldMetrics {
  checkCodes(actual, classes);
  if (probabilities.length !== actual.length * classes)
    throw new RangeError(
      `${probabilities.length} probabilities, not ${actual.length} samples × ${classes} classes`,
    );
  const bad = probabilities.findIndex((p) => !Number.isFinite(p));
  if (bad >= 0)
    throw new CellhueError("the network predicts probabilities that are not finite", {
      where: `sample ${Math.floor(bad / classes)} of the fold, class ${bad % classes}`,
      found: String(probabilities[bad]),
      expected: "a number from 0 to 1",
      remedy: "a lower learning rate (--lr): the training has most likely diverged",
    });
  const predicted = argmaxRows(probabilities, classes);
  return {
    accuracy: accuracy(actual, predicted),
    balancedAccuracy: balancedAccuracy(actual, predicted, classes),
    precisionMacro: precisionMacro(actual, predicted, classes),
    recallMacro: recallMacro(actual, predicted, classes),
    f1Macro: f1Macro(actual, predicted, classes),
    mcc: mcc(actual, predicted, classes),
    ...aucs(actual, probabilities, classes),
  };
}

/** The three AUCs from the same comparisons; of many classes without those of every pair. */
function aucs(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): Pick<FoldMetrics, "aucOvrMacro" | "aucOvoMacro" | "aucOvoWeighted"> {
  if (classes > MANY_CLASSES) {
    const sums = sparseRankSums(actual, probabilities, classes)(new Int32Array(actual.length).fill(1));
    const [mean, weighted] = sums.sizes.includes(0) ? [null, null] : sums.pairs;
    return { aucOvrMacro: ovrMean(sums), aucOvoMacro: mean, aucOvoWeighted: weighted };
  }
  const wins = rankWins(actual, probabilities, classes);
  return {
    aucOvrMacro: ovrMean(sumsOf(wins)),
    aucOvoMacro: ovoMean(wins, () => 1),
    aucOvoWeighted: ovoMean(wins, (samples) => samples),
  };
}

/** The most probable class of each sample; the lowest one of equals, as `numpy.argmax`. */
export function argmaxRows(probabilities: Float32Array | Float64Array, classes: number): Int32Array {
  const best = new Int32Array(probabilities.length / classes);
  for (let i = 0; i < best.length; i++) {
    for (let c = 1; c < classes; c++) {
      if (probabilities[i * classes + c] > probabilities[i * classes + best[i]]) best[i] = c;
    }
  }
  return best;
}
