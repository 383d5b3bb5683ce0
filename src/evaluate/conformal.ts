/**
 * Split conformal prediction: sets of labels that hold the true one for at least 1 − α of the new samples, whatever the
 * net and however badly calibrated it is. A score says how strange a label is for a sample; labels up to a threshold are
 * in the set, and the threshold is a quantile of the true labels' scores of calibration samples.
 *
 * Two scores:
 *  - "lac": 1 − probability of the label. The smallest sets on average; a set may be empty (no label is probable).
 *  - "aps": the probabilities of all labels more probable than it, and of its own a share of 1 − u. Sets that grow
 *    with a sample's difficulty. u is a uniform random number in 0…1 a sample, passed in; u = 0 where it is left out,
 *    which covers more than needed. Equal probabilities are ordered by their codes.
 * The promise is one on average over samples and calibrations, not for every class. It needs calibration samples that
 * neither trained the net nor chose it, and that are exchangeable with the new ones. Where out-of-fold predictions of
 * several nets are pooled, the sets are those of no single net, and the proven coverage is only 1 − 2α (Barber et al. 2021).
 * Reference: Sadinle, Lei & Wasserman 2019 ("lac", also called THR); Romano, Sesia & Candès 2020 ("aps"). It is what
 * MAPIE's `SplitConformalClassifier` gives (APS: with include_last_label="randomized").
 */
import { conformalRank, scoresNeeded } from "./conformal-rank.js";
import { percent } from "./percent.js";
import { checkProbabilities } from "./top-label.js";
import { wilsonInterval } from "./wilson.js";

export type ConformalScore = "lac" | "aps";

export interface ConformalRule {
  score: ConformalScore;
  /** Greatest share of samples whose set may miss the true label. */
  alpha: number;
  /** Labels with a score up to it are in the set; null where all are, for want of calibration samples. */
  threshold: number | null;
  /** Calibration samples. */
  samples: number;
  /** All of it in words. */
  meaning: string;
}

/**
 * @param probabilities of the calibration samples, samples × classes, row-major
 * @param codes their true classes in 0…classes−1
 * @param alpha in 0…1, e.g. 0.1 for sets that hold the true label for 90 % of the samples
 * @param uniforms "aps" only: a number in 0…1 a sample
 * @throws RangeError where there is no sample, shapes or codes do not fit, or a value is not in 0…1
 */
export function conformalThreshold(
  probabilities: Float32Array | Float64Array,
  codes: Int32Array,
  classes: number,
  alpha: number,
  score: ConformalScore = "lac",
  uniforms?: ArrayLike<number>,
): ConformalRule {
  checkProbabilities(codes, probabilities, classes);
  checkUniforms(uniforms, codes.length);
  const samples = codes.length;
  const rank = conformalRank(samples, alpha);
  if (rank > samples)
    return {
      score,
      alpha,
      threshold: null,
      samples,
      meaning: `${samples} calibration samples are too few for label sets of ${percent(1 - alpha)} coverage (at least ${scoresNeeded(alpha)} are needed): every set holds all labels.`,
    };
  const scores = Float64Array.from(
    codes,
    (code, i) =>
      labelScores(probabilities.subarray(i * classes, (i + 1) * classes), score, uniforms?.[i])[code],
  ).sort();
  return {
    score,
    alpha,
    threshold: scores[rank - 1],
    samples,
    meaning: `The set holds the true label for at least ${percent(1 - alpha)} of new samples of the same kind as the ${samples} calibration samples; for a single class it may be fewer.`,
  };
}

/**
 * @param row the probabilities of one sample
 * @param u "aps" only: a number in 0…1
 * @returns codes of the labels in the set, rising; none where no label is as probable as calibration samples' true ones
 */
export function labelSet(row: Float32Array | Float64Array, rule: ConformalRule, u?: number): number[] {
  const { threshold, score } = rule;
  const codes = Array.from(row, (_, c) => c);
  if (threshold === null) return codes;
  const scores = labelScores(row, score, u);
  return codes.filter((c) => scores[c] <= threshold);
}

export interface ConformalCoverage {
  samples: number;
  /** Share of sets that hold the true label, and its interval (Wilson, 95 %). */
  coverage: number;
  interval: [low: number, high: number];
  /** Mean number of labels in a set. */
  meanSize: number;
  /** How many sets have 0, 1, … all labels. */
  sizes: number[];
  /** Per class: samples, and the coverage of its sets; null where it does not occur. */
  classes: { samples: number; coverage: number | null }[];
}

/**
 * How the rule's sets do on samples that it was not made from.
 *
 * @param actual codes in 0…classes−1
 * @param probabilities samples × classes, row-major
 * @param uniforms "aps" only: a number in 0…1 a sample
 * @throws RangeError as `conformalThreshold`
 */
export function conformalCoverage(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
  rule: ConformalRule,
  uniforms?: ArrayLike<number>,
): ConformalCoverage {
  checkProbabilities(actual, probabilities, classes);
  checkUniforms(uniforms, actual.length);
  const sizes = new Array<number>(classes + 1).fill(0);
  const seen = new Float64Array(classes);
  const held = new Float64Array(classes);
  actual.forEach((code, i) => {
    const set = labelSet(probabilities.subarray(i * classes, (i + 1) * classes), rule, uniforms?.[i]);
    sizes[set.length]++;
    seen[code]++;
    if (set.includes(code)) held[code]++;
  });
  const samples = actual.length;
  const covered = held.reduce((sum, count) => sum + count, 0);
  return {
    samples,
    coverage: covered / samples,
    interval: wilsonInterval(covered, samples),
    meanSize: sizes.reduce((sum, count, size) => sum + count * size, 0) / samples,
    sizes,
    classes: Array.from(seen, (n, c) => ({ samples: n, coverage: n === 0 ? null : held[c] / n })),
  };
}

/** The score of every label of one sample. */
function labelScores(row: Float32Array | Float64Array, score: ConformalScore, u = 0): Float64Array {
  if (score === "lac") return Float64Array.from(row, (p) => 1 - p);
  const scores = new Float64Array(row.length);
  const order = Array.from(row, (_, c) => c).sort((a, b) => row[b] - row[a] || a - b);
  let sum = 0;
  for (const c of order) {
    sum += row[c];
    scores[c] = sum - u * row[c];
  }
  return scores;
}

function checkUniforms(uniforms: ArrayLike<number> | undefined, samples: number): void {
  if (uniforms === undefined) return;
  if (uniforms.length !== samples)
    throw new RangeError(`${uniforms.length} uniform numbers for ${samples} samples`);
  for (let i = 0; i < samples; i++)
    if (!(uniforms[i] >= 0 && uniforms[i] <= 1)) throw new RangeError(`u is ${uniforms[i]}, not in 0…1`);
}
