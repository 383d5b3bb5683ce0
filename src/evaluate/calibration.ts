/**
 * How far a net's probabilities can be believed, in one plain object for metrics.json: before and after temperature
 * scaling.
 */
import { brier } from "./brier.js";
import { adaptiveEce, ece, type ReliabilityBin } from "./ece.js";
import { nll } from "./nll.js";
import { pointAtCoverage, type RiskPoint, riskCoverage } from "./risk-coverage.js";
import { temperRows } from "./softmax.js";
import { topLabels } from "./top-label.js";

export interface CalibrationMeasures {
  /** Mean −log of the true class's probability. */
  nll: number;
  /** Summed over the classes, 0 … 2. */
  brier: number;
  /** Expected calibration error in 15 bins of equal width, and in 15 of equal mass. */
  ece: number;
  eceAdaptive: number;
  /** Mean confidence less accuracy: above 0 where the net is too sure. */
  overconfidence: number;
  /** Area under the risk–coverage curve. */
  aurc: number;
  /** The surest quarter, half, three quarters and all of the samples. */
  riskAtCoverage: RiskPoint[];
  /** The bins of `ece`. */
  bins: ReliabilityBin[];
}

export interface Calibration {
  samples: number;
  before: CalibrationMeasures;
  /** null where no temperatures are given. */
  after: CalibrationMeasures | null;
}

/**
 * @param actual codes in 0…classes−1
 * @param probabilities out-of-fold, samples × classes, row-major, at temperature 1
 * @param temperatures one for all samples, or one a sample: that of the fold whose net has predicted it
 * @throws RangeError where there is no sample, shapes or codes do not fit, a probability is not in 0…1, or a temperature
 *   is not positive
 */
export function calibration(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
  temperatures?: number | ArrayLike<number>,
): Calibration {
  return {
    samples: actual.length,
    before: measures(actual, probabilities, classes),
    after:
      temperatures === undefined
        ? null
        : measures(actual, temperRows(probabilities, classes, temperatures), classes),
  };
}

function measures(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): CalibrationMeasures {
  const { ece: error, bins } = ece(actual, probabilities, classes);
  const curve = riskCoverage(actual, probabilities, classes);
  const { confidence } = topLabels(probabilities, classes);
  const mean = confidence.reduce((sum, c) => sum + c, 0) / confidence.length;
  return {
    nll: nll(actual, probabilities, classes),
    brier: brier(actual, probabilities, classes),
    ece: error,
    eceAdaptive: adaptiveEce(actual, probabilities, classes).ece,
    overconfidence: mean - (1 - pointAtCoverage(curve, 1).risk),
    aurc: curve.aurc,
    riskAtCoverage: [0.25, 0.5, 0.75, 1].map((coverage) => pointAtCoverage(curve, coverage)),
    bins,
  };
}
