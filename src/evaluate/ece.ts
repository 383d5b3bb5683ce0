/**
 * Expected calibration error of the predicted class: samples are put into bins by their confidence; the error is the
 * mean over the samples of |accuracy − mean confidence| of their bin. The bins also draw the reliability diagram.
 * With few samples a bin's accuracy strays by chance, so even a perfectly calibrated net has an error above 0; each
 * bin's interval says by how much.
 * Reference: Guo et al. 2017, "On calibration of modern neural networks" (15 bins (low, high] of equal width);
 * Nixon et al. 2019, "Measuring calibration in deep learning" (bins of equal mass). The bins are those of scikit-learn's
 * `calibration_curve` (strategy "uniform", "quantile") of the predicted class being right.
 */
import { checkProbabilities, topLabels } from "./top-label.js";
import { wilsonInterval } from "./wilson.js";

export interface ReliabilityBin {
  /** Confidences in it are above `low` (the first bin: or equal) and up to `high`. */
  low: number;
  high: number;
  /** Samples in it; the others are null where there is none. */
  count: number;
  /** Mean confidence. */
  confidence: number | null;
  /** Share that is right, and its interval (Wilson, 95 %). */
  accuracy: number | null;
  interval: [low: number, high: number] | null;
}

export interface CalibrationError {
  /** Expected calibration error, 0 … 1. */
  ece: number;
  bins: ReliabilityBin[];
}

const guo = 15;

/**
 * Bins of equal width over 0…1.
 *
 * @param actual codes in 0…classes−1
 * @param probabilities samples × classes, row-major
 * @throws RangeError where there is no sample, shapes or codes do not fit, a value is not in 0…1, or there is no bin
 */
export function ece(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
  bins = guo,
): CalibrationError {
  // i · (1 / bins) rather than i / bins: numpy.linspace's own rounding
  return binned(actual, probabilities, classes, bins, () =>
    Float64Array.from({ length: bins + 1 }, (_, i) => (i === bins ? 1 : i * (1 / bins))),
  );
}

/** As `ece`, in bins of about equally many samples. Equal confidences stay together, so bins may differ or be empty. */
export function adaptiveEce(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
  bins = guo,
): CalibrationError {
  return binned(actual, probabilities, classes, bins, (confidence) => {
    const sorted = confidence.slice().sort();
    return Float64Array.from({ length: bins + 1 }, (_, i) =>
      quantile(sorted, i === bins ? 1 : (100 * (i * (1 / bins))) / 100),
    );
  });
}

function binned(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
  bins: number,
  edgesOf: (confidence: Float64Array) => Float64Array,
): CalibrationError {
  checkProbabilities(actual, probabilities, classes);
  if (!(Number.isInteger(bins) && bins > 0)) throw new RangeError(`${bins} is no number of bins`);
  const { predicted, confidence } = topLabels(probabilities, classes);
  const edges = edgesOf(confidence);
  const count = new Float64Array(bins);
  const right = new Float64Array(bins);
  const sum = new Float64Array(bins);
  for (let i = 0; i < actual.length; i++) {
    let b = 0;
    while (b < bins - 1 && confidence[i] > edges[b + 1]) b++;
    count[b]++;
    sum[b] += confidence[i];
    if (predicted[i] === actual[i]) right[b]++;
  }
  let error = 0;
  const out = Array.from(count, (n, b): ReliabilityBin => {
    const [low, high] = [edges[b], edges[b + 1]];
    if (n === 0) return { low, high, count: 0, confidence: null, accuracy: null, interval: null };
    error += Math.abs(right[b] - sum[b]);
    return {
      low,
      high,
      count: n,
      confidence: sum[b] / n,
      accuracy: right[b] / n,
      interval: wilsonInterval(right[b], n),
    };
  });
  return { ece: error / actual.length, bins: out };
}

/** numpy.quantile (linear), to its last digit: an edge that is a sample's confidence must equal it. */
function quantile(sorted: Float64Array, share: number): number {
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const [a, b] = [sorted[below], sorted[Math.min(below + 1, sorted.length - 1)]];
  const t = place - below;
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}
