/**
 * Risk–coverage curve: where only samples of at least some confidence are assigned a class, which share is assigned
 * (coverage), and which share of those is wrong (risk)? Samples of equal confidence come in together, as no threshold
 * tells them apart: the curve has one point a distinct confidence.
 * Reference: El-Yaniv & Wiener 2010, "On the foundations of noise-free selective classification"; Geifman & El-Yaniv
 * 2017, "Selective classification for deep neural networks"; Geifman et al. 2019 for the area under the curve.
 */
import { checkProbabilities, topLabels } from "./top-label.js";

export interface RiskPoint {
  /** Samples of this confidence and above are assigned. */
  threshold: number;
  /** How many are, and how many of them wrongly. */
  assigned: number;
  errors: number;
  /** assigned / all */
  coverage: number;
  /** errors / assigned */
  risk: number;
}

export interface RiskCoverage {
  /** From the greatest confidence to the least; the last point assigns all samples. */
  points: RiskPoint[];
  /**
   * Area under the curve (AURC), less is better: mean over the samples of the risk at the threshold that just lets
   * them in. A confidence that says nothing gives the error rate.
   */
  aurc: number;
  /** What it would be if all wrong samples were less sure than all right ones. */
  aurcBest: number;
}

/**
 * @param actual codes in 0…classes−1
 * @param probabilities samples × classes, row-major
 * @throws RangeError where there is no sample, shapes or codes do not fit, or a value is not in 0…1
 */
export function riskCoverage(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): RiskCoverage {
  checkProbabilities(actual, probabilities, classes);
  const { predicted, confidence } = topLabels(probabilities, classes);
  const n = actual.length;
  const order = Array.from(confidence, (_, i) => i).sort((i, j) => confidence[j] - confidence[i]);
  const points: RiskPoint[] = [];
  let errors = 0;
  let area = 0;
  for (let from = 0; from < n; ) {
    const threshold = confidence[order[from]];
    let to = from;
    for (; to < n && confidence[order[to]] === threshold; to++)
      if (predicted[order[to]] !== actual[order[to]]) errors++;
    points.push({ threshold, assigned: to, errors, coverage: to / n, risk: errors / to });
    area += (to - from) * (errors / to);
    from = to;
  }
  let best = 0;
  for (let wrong = 1; wrong <= errors; wrong++) best += wrong / (n - errors + wrong);
  return { points, aurc: area / n, aurcBest: best / n };
}

/**
 * The point that assigns at least this share of the samples, and no more than needed.
 *
 * @throws RangeError where the share is not in 0…1
 */
export function pointAtCoverage({ points }: RiskCoverage, coverage: number): RiskPoint {
  const found = points.find((point) => point.coverage >= coverage);
  if (found === undefined || !(coverage >= 0)) throw new RangeError(`${coverage} is no coverage in 0…1`);
  return found;
}

/**
 * The point that assigns most samples with a risk of at most `risk` among these very samples; null where there is none.
 * For other samples it is too hopeful, as the best of many thresholds: `thresholdForRisk` bounds their risk.
 */
export function pointAtRisk({ points }: RiskCoverage, risk: number): RiskPoint | null {
  return points.findLast((point) => point.risk <= risk) ?? null;
}
