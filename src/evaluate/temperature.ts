/**
 * Temperature scaling: the one number T by which a net's logits are divided so that its probabilities fit held-out
 * samples best (least negative log-likelihood). The predicted classes stay. The NLL is convex in β = 1/T: Newton's
 * method on its derivative, kept within a bracket by bisection.
 *
 * It is fitted on samples that the net was not trained on, and never on those that it is then judged by.
 * Some samples have no best T; what is returned then is said in `bound`, and in words in `note`:
 *  - "separated": all of them are right, so that any smaller T fits better, down to 0. T is then no smaller than what
 *    brings the mean confidence to (n + 1) / (n + 2), Laplace's estimate of the accuracy after n of n right ones;
 *    a net that is surer already stays as it is (T = 1).
 *  - "constant": all logits of a row are equal, T changes nothing (T = 1).
 *  - "lower", "upper": the best T is beyond 1e-4 … 1e4. The upper one is a net whose logits say less than nothing.
 * Reference: Guo et al. 2017, "On calibration of modern neural networks"; elsewhere it is what scikit-learn's
 * `CalibratedClassifierCV(method="temperature")` fits.
 */
import { checkCodes } from "./counts.js";

/** Fewer samples say nothing of a temperature. */
export const LEAST_SAMPLES = 10;

export interface TemperatureFit {
  temperature: number;
  /** Mean negative log-likelihood (natural logarithm) at T = 1 and at `temperature`. */
  nllBefore: number;
  nllAfter: number;
  /** Samples. */
  n: number;
  /** What kept T from its optimum; null where it is the optimum. */
  bound: "separated" | "constant" | "lower" | "upper" | null;
  note?: string;
}

const sharpest = 1e4; // β, T = 1e-4
const flattest = 1e-4;

/**
 * @param logits samples × classes, row-major; logarithms of probabilities will do (`logProbabilities`)
 * @param codes true classes in 0…classes−1
 * @throws RangeError where there is no sample, shapes or codes do not fit, or a logit is not finite
 */
export function fitTemperature(
  logits: Float32Array | Float64Array,
  codes: Int32Array,
  classes: number,
): TemperatureFit {
  checkCodes(codes, classes);
  if (logits.length !== codes.length * classes)
    throw new RangeError(`${logits.length} logits, not ${codes.length} samples × ${classes} classes`);
  const bad = logits.findIndex((z) => !Number.isFinite(z));
  if (bad >= 0)
    throw new RangeError(
      `the logit of sample ${Math.floor(bad / classes)}, class ${bad % classes} is ${logits[bad]}`,
    );
  const n = codes.length;
  const margins = belowRowMaximum(logits, classes);
  const at = (beta: number) => likelihood(margins, codes, classes, beta);
  const result = (beta: number, bound: TemperatureFit["bound"], note?: string): TemperatureFit => ({
    temperature: 1 / beta,
    nllBefore: at(1).nll,
    nllAfter: at(beta).nll,
    n,
    bound,
    ...(note === undefined ? {} : { note }),
  });

  if (margins.every((z) => z === 0))
    return result(1, "constant", "All logits of a sample are equal: no temperature changes anything.");
  if (codes.every((code, i) => margins[i * classes + code] === 0)) {
    const supported = (n + 1) / (n + 2);
    const beta =
      at(1).confidence >= supported
        ? 1
        : risingRoot((b) => ({ value: at(b).confidence - supported, slope: Number.NaN }), 1, sharpest);
    return result(
      beta,
      "separated",
      `All ${n} samples are right, which sets no lower limit to the temperature; it was kept where the mean confidence is no more than so many samples support (${n + 1} / ${n + 2}), and at 1 where the net was surer already.`,
    );
  }
  if (at(flattest).slope >= 0)
    return result(
      flattest,
      "upper",
      `The logits do not lean to the true classes: the temperature was stopped at ${1 / flattest}.`,
    );
  if (at(sharpest).slope <= 0)
    return result(
      sharpest,
      "lower",
      `The logits are very small: the temperature was stopped at ${1 / sharpest}.`,
    );
  const beta = risingRoot(
    (b) => {
      const { slope, curvature } = at(b);
      return { value: slope, slope: curvature };
    },
    flattest,
    sharpest,
  );
  return result(beta, null);
}

/** Each logit minus the greatest of its row: exp cannot overflow, and the greatest is exactly 0. */
function belowRowMaximum(logits: Float32Array | Float64Array, classes: number): Float64Array {
  const margins = Float64Array.from(logits);
  for (let from = 0; from < margins.length; from += classes) {
    const row = margins.subarray(from, from + classes);
    const most = row.reduce((a, b) => Math.max(a, b));
    for (let c = 0; c < classes; c++) row[c] -= most;
  }
  return margins;
}

/** Means over the samples at β: NLL, its two derivatives by β, and the greatest probability. */
function likelihood(
  margins: Float64Array,
  codes: Int32Array,
  classes: number,
  beta: number,
): { nll: number; slope: number; curvature: number; confidence: number } {
  let nll = 0;
  let slope = 0;
  let curvature = 0;
  let confidence = 0;
  for (let i = 0; i < codes.length; i++) {
    const from = i * classes;
    let sum = 0;
    let first = 0;
    let second = 0;
    for (let c = 0; c < classes; c++) {
      const z = margins[from + c];
      const e = Math.exp(beta * z);
      sum += e;
      first += e * z;
      second += e * z * z;
    }
    const mean = first / sum;
    const own = margins[from + codes[i]];
    nll += Math.log(sum) - beta * own;
    slope += mean - own;
    curvature += second / sum - mean * mean;
    confidence += 1 / sum;
  }
  const n = codes.length;
  return { nll: nll / n, slope: slope / n, curvature: curvature / n, confidence: confidence / n };
}

/**
 * Where a rising function crosses 0 between `low` and `high`, to 1e-12 of it: Newton's steps, and where one leaves the
 * bracket (or there is no slope) its geometric middle. The end of the bracket where it does not cross.
 */
function risingRoot(f: (x: number) => { value: number; slope: number }, low: number, high: number): number {
  let x = Math.sqrt(low * high);
  while (high - low > 1e-12 * high) {
    const { value, slope } = f(x);
    if (value === 0) return x;
    if (value < 0) low = x;
    else high = x;
    let next = x - value / slope;
    if (!(next > low && next < high)) next = Math.sqrt(low * high);
    if (Math.abs(next - x) <= 1e-13 * x) return next;
    x = next;
  }
  return x;
}
