/**
 * Abstention: samples below a threshold of confidence stay "unassigned". The threshold has a meaning: with the stated
 * confidence, at most the stated share of the new samples that are assigned get a wrong class.
 *
 * It is found on held-out samples with Clopper and Pearson's upper limit of the error rate. The limit holds for one
 * threshold that is looked at; the best of many would break it too often (on 2,000 samples with a confidence that says
 * nothing, in a quarter of all calibrations instead of 1 of 20). So thresholds are tested in a fixed order, at four
 * starts: those that assign all, three, two and one quarter of the samples, each with a quarter of the error
 * probability. From the first start that holds it goes down, sample by sample, up to the first threshold that does not.
 * The held-out samples must be independent, and like the new ones: of several cells of one patient this is not so.
 * Reference: Geifman & El-Yaniv 2017, "Selective classification for deep neural networks" (the guarantee); Angelopoulos
 * et al. 2021, "Learn then test" (fixed-sequence testing with several starts).
 */
import { binomialCdf, clopperPearsonUpper } from "./clopper-pearson.js";
import { percent } from "./percent.js";
import { riskCoverage } from "./risk-coverage.js";
import { topLabels } from "./top-label.js";

export interface Abstention {
  /** Samples of at least this confidence are assigned; 0 assigns all, null none. */
  threshold: number | null;
  /** What was asked for: greatest share of wrong ones among the assigned, and the confidence in it. */
  risk: number;
  confidence: number;
  /** Held-out samples, how many of them are assigned, and how many of these wrongly. */
  samples: number;
  assigned: number;
  errors: number;
  /** assigned / samples */
  coverage: number;
  /** Upper limit of the share of wrong ones among the assigned; null where none is. */
  upperLimit: number | null;
  /** All of it in words. */
  meaning: string;
}

const starts = 4;

/**
 * @param actual codes in 0…classes−1 of held-out samples
 * @param probabilities samples × classes, row-major
 * @param risk greatest share of wrong ones among the assigned, in 0…1
 * @param confidence that it holds for new samples, in 0…1
 * @throws RangeError where there is no sample, shapes or codes do not fit, or a share is not in 0…1
 */
export function thresholdForRisk(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
  risk: number,
  confidence = 0.95,
): Abstention {
  for (const [name, share] of [
    ["risk", risk],
    ["confidence", confidence],
  ] as const)
    if (!(share > 0 && share < 1)) throw new RangeError(`the ${name} ${share} is not in 0…1`);
  const { points } = riskCoverage(actual, probabilities, classes);
  const samples = actual.length;
  const level = (1 - confidence) / starts;
  const holds = (p: number) => binomialCdf(points[p].errors, points[p].assigned, risk) <= level;

  let at = -1;
  for (let quarter = starts; quarter > 0 && at < 0; quarter--) {
    const start = points.findIndex(({ assigned }) => assigned * starts >= quarter * samples);
    if (holds(start)) at = start;
  }
  if (at >= 0) while (at + 1 < points.length && holds(at + 1)) at++;

  const asked = { risk, confidence, samples };
  if (at < 0) {
    const needed = Math.ceil(Math.log(level) / Math.log1p(-risk));
    return {
      threshold: null,
      ...asked,
      assigned: 0,
      errors: 0,
      coverage: 0,
      upperLimit: null,
      meaning: `No threshold keeps the error among assigned samples at ${percent(risk)} or less with ${percent(confidence)} confidence on these ${samples} held-out samples, so every sample stays unassigned; that takes at least ${needed} assigned samples without an error.`,
    };
  }
  const { assigned, errors, coverage, ...point } = points[at];
  const threshold = assigned === samples ? 0 : point.threshold;
  const who =
    threshold === 0
      ? "Every sample is assigned, whatever its confidence"
      : `A sample is assigned where its confidence is ${threshold.toPrecision(3)} or more`;
  return {
    threshold,
    ...asked,
    assigned,
    errors,
    coverage,
    upperLimit: clopperPearsonUpper(errors, assigned, 1 - level),
    meaning: `${who} (${assigned} of ${samples} held-out samples, ${errors} of them wrongly): with ${percent(confidence)} confidence at most ${percent(risk)} of the assigned new samples of the same kind are wrong.`,
  };
}

/** The code of a sample that stays unassigned. */
export const unassigned = -1;

/**
 * @param probabilities samples × classes, row-major
 * @param threshold as of `thresholdForRisk`
 * @returns the most probable class of each sample, or `unassigned`
 */
export function assign(
  probabilities: Float32Array | Float64Array,
  classes: number,
  threshold: number | null,
): Int32Array {
  const { predicted, confidence } = topLabels(probabilities, classes);
  return predicted.map((code, i) => (threshold !== null && confidence[i] >= threshold ? code : unassigned));
}
