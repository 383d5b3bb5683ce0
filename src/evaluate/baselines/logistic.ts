/**
 * Multinomial logistic regression with an L2 or L1 penalty: the optimum of scikit-learn's `LogisticRegression(C)`
 * (L1: `l1_ratio=1, solver="saga"`), C · Σ loss + ½‖w‖² or + ‖w‖₁, the intercept free. With two classes it is the
 * binary objective with one vector of coefficients, as in scikit-learn, which is penalised twice as hard.
 * The fit runs on centred and scaled features, each penalty rescaled, which leaves the optimum where it is but brings
 * it into reach: principal components, whose spreads differ by powers of ten, need a tenth of the steps or fewer.
 * Contract: float64, one thread, fixed order of all sums, so the same bits everywhere.
 */
import { type Progress, silent } from "../../progress.js";
import { type Classifier, checkFeatures, checkTraining, type Features, type Fit } from "./classifier.js";
import { minimise } from "./lbfgs.js";
import { fitScaling, standardise } from "./standardise.js";

export interface LogisticOptions {
  penalty: "l1" | "l2";
  /** Weight of the loss against the penalty (scikit-learn's C); left out: 1. */
  c?: number;
}

export interface LogisticModel {
  readonly classes: number;
  /** Classes with a training sample, rising. */
  readonly present: Int32Array;
  /**
   * scikit-learn's `coef_`, outputs × features, row-major: an output for each class present; a single one, that of the
   * second class, where two are; none where there is one.
   */
  readonly coefficients: Float64Array;
  /** One an output. */
  readonly intercepts: Float64Array;
  readonly iterations: number;
  readonly converged: boolean;
}

/**
 * Largest slope left, by a coefficient of a scaled feature. On the six real sets of the tests the probabilities of points
 * half-way between two samples, where they are least certain, then differ from those of a slope of 1e-9 by less than
 * 1e-4 (L2; measured 2e-5) or 1e-3 (L1, which takes more steps; measured 3e-4).
 */
const TOLERANCE = { l2: 1e-7, l1: 1e-5 };
const MAX_ITERATIONS = 10_000;
/** Rows whose logits are held at a time: they stay in the first-level cache. A multiple of 4. */
const BLOCK = 64;

/** @throws RangeError as every `Fit` */
export function fitLogistic(
  x: Features,
  codes: Int32Array,
  classes: number,
  { penalty, c = 1 }: LogisticOptions,
): LogisticModel {
  const sizes = checkTraining(x, codes, classes);
  if (!(c > 0 && Number.isFinite(c))) throw new RangeError(`C is ${c}, not a number above 0`);
  const present = Int32Array.from(sizes.keys()).filter((code) => sizes[code] > 0);
  const outputs = present.length === 1 ? 0 : present.length === 2 ? 1 : present.length;
  const { rows, cols } = x;
  const { mean, scale: spread } = fitScaling(x);
  // The curvature by a coefficient is about rows / classes · spread² of the loss and 1 / C of an L2 penalty: divided by
  // this scale all are alike. An L1 penalty has none.
  const flat = penalty === "l2" ? present.length / (c * rows) : 0;
  const scale = spread.map((s) => Math.sqrt(s * s + flat));
  const scaled = standardise({ rows, cols, data: Float64Array.from(x.data) }, { mean, scale });
  const rank = new Int32Array(classes);
  present.forEach((code, i) => {
    rank[code] = i;
  });
  const targets = codes.map((code) => rank[code]);

  // Coefficients feature by feature (outputs side by side), the intercepts last. A coefficient of a feature that was
  // divided by its scale is the original one times the scale.
  const weights = new Float64Array((cols + 1) * outputs);
  for (let j = 0; j < cols; j++) {
    const weight = penalty === "l1" ? 1 / (c * scale[j]) : 1 / (c * scale[j] ** 2);
    weights.fill(weight, j * outputs, (j + 1) * outputs);
  }
  const loss = summedLoss(scaled.data as Float64Array, cols, targets, outputs);
  const l2 = (at: Float64Array, gradient: Float64Array) => {
    let value = loss(at, gradient);
    for (let i = 0; i < at.length; i++) {
      value += 0.5 * weights[i] * at[i] * at[i];
      gradient[i] += weights[i] * at[i];
    }
    return value;
  };
  const goal = { tolerance: TOLERANCE[penalty], maxIterations: MAX_ITERATIONS };
  const start = new Float64Array(weights.length);
  const { at, iterations, converged } =
    penalty === "l2"
      ? minimise(l2, start, goal)
      : minimise(loss, start, { ...goal, l1: weights, shorten: (w) => shorten(w, cols, outputs) });

  const coefficients = new Float64Array(outputs * cols);
  const intercepts = at.slice(cols * outputs);
  for (let k = 0; k < outputs; k++)
    for (let j = 0; j < cols; j++) {
      const coefficient = at[j * outputs + k] / scale[j];
      coefficients[k * cols + j] = coefficient;
      intercepts[k] -= coefficient * mean[j];
    }
  return { classes, present, coefficients, intercepts, iterations, converged };
}

/** @returns samples × classes, row-major */
export function logisticProbabilities(model: LogisticModel, x: Features): Float64Array {
  const { classes, present, coefficients, intercepts } = model;
  const outputs = intercepts.length;
  if (outputs > 0) checkFeatures(x, coefficients.length / outputs);
  const out = new Float64Array(x.rows * classes);
  const scores = new Float64Array(present.length); // of two classes the first one's stays 0
  for (let i = 0; i < x.rows; i++) {
    for (let k = 0; k < outputs; k++) {
      let sum = intercepts[k];
      for (let j = 0; j < x.cols; j++) sum += coefficients[k * x.cols + j] * x.data[i * x.cols + j];
      scores[present.length - outputs + k] = sum;
    }
    const largest = Math.max(...scores);
    let total = 0;
    for (let k = 0; k < scores.length; k++) total += Math.exp(scores[k] - largest);
    for (let k = 0; k < scores.length; k++)
      out[i * classes + present[k]] = Math.exp(scores[k] - largest) / total;
  }
  return out;
}

/** The fit as a baseline. */
export function logistic(options: LogisticOptions): Fit {
  return (x: Features, codes: Int32Array, classes: number, progress: Progress = silent): Classifier => {
    const model = fitLogistic(x, codes, classes, options);
    if (!model.converged)
      progress.warn(
        `logistic regression (${options.penalty.toUpperCase()}) has not converged after ${model.iterations} steps: its probabilities are not quite those of the optimum`,
      );
    return (query) => logisticProbabilities(model, query);
  };
}

/**
 * Softmax does not change when a feature's coefficients all shift alike; their L1 norm is least where the median is 0.
 * Without this the minimiser finds that point only by many small steps from kink to kink.
 */
function shorten(w: Float64Array, cols: number, outputs: number): void {
  if (outputs < 2) return; // one output has no such freedom
  for (let j = 0; j < cols; j++) {
    const row = w.subarray(j * outputs, (j + 1) * outputs);
    const sorted = row.slice().sort();
    const [low, high] = [sorted[(outputs - 1) >> 1], sorted[outputs >> 1]];
    const shift = low > 0 ? low : high < 0 ? high : 0; // any point from low to high is a median
    for (let k = 0; k < outputs; k++) row[k] -= shift;
  }
}

/**
 * The summed log loss of all samples and its gradient.
 * @param z samples × cols
 * @param targets class of each sample; with one output 0 or 1
 */
function summedLoss(z: Float64Array, cols: number, targets: Int32Array, outputs: number) {
  const residuals = new Float64Array(BLOCK * outputs);
  return (at: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    let loss = 0;
    for (let from = 0; from < targets.length; from += BLOCK) {
      const to = Math.min(targets.length, from + BLOCK);
      // a last group of four rows that is not full is filled up with residuals of 0
      residuals.fill(0);
      logits(z, cols, from, to, at, outputs, residuals);
      loss +=
        outputs === 1
          ? binaryResiduals(residuals, targets, from, to)
          : softmaxResiduals(residuals, targets, from, to, outputs);
      addGradient(z, cols, from, to, residuals, outputs, gradient);
    }
    return loss;
  };
}

/** out = z · w + intercepts for the rows from…to−1; four features at once, so that `out` is touched a quarter as often. */
function logits(
  z: Float64Array,
  cols: number,
  from: number,
  to: number,
  w: Float64Array,
  outputs: number,
  out: Float64Array,
): void {
  for (let i = from; i < to; i++) {
    const row = i * cols;
    const o = (i - from) * outputs;
    for (let k = 0; k < outputs; k++) out[o + k] = w[cols * outputs + k];
    let j = 0;
    for (; j + 3 < cols; j += 4) {
      const [z0, z1, z2, z3] = [z[row + j], z[row + j + 1], z[row + j + 2], z[row + j + 3]];
      const w0 = j * outputs;
      const w1 = w0 + outputs;
      const w2 = w1 + outputs;
      const w3 = w2 + outputs;
      for (let k = 0; k < outputs; k++)
        out[o + k] += z0 * w[w0 + k] + z1 * w[w1 + k] + z2 * w[w2 + k] + z3 * w[w3 + k];
    }
    for (; j < cols; j++) for (let k = 0; k < outputs; k++) out[o + k] += z[row + j] * w[j * outputs + k];
  }
}

/** Logits to probability minus target, in place; returns the loss. */
function softmaxResiduals(
  logit: Float64Array,
  targets: Int32Array,
  from: number,
  to: number,
  outputs: number,
): number {
  let loss = 0;
  for (let i = from; i < to; i++) {
    const o = (i - from) * outputs;
    let largest = -Infinity;
    for (let k = 0; k < outputs; k++) if (logit[o + k] > largest) largest = logit[o + k];
    const own = logit[o + targets[i]] - largest;
    let total = 0;
    for (let k = 0; k < outputs; k++) {
      const e = Math.exp(logit[o + k] - largest);
      logit[o + k] = e;
      total += e;
    }
    for (let k = 0; k < outputs; k++) logit[o + k] /= total;
    logit[o + targets[i]] -= 1;
    loss += Math.log(total) - own;
  }
  return loss;
}

/** As `softmaxResiduals`, of class 1 against class 0, whose logit is 0. */
function binaryResiduals(logit: Float64Array, targets: Int32Array, from: number, to: number): number {
  let loss = 0;
  for (let i = from; i < to; i++) {
    const sign = targets[i] === 1 ? 1 : -1;
    const margin = sign * logit[i - from];
    const e = Math.exp(-Math.abs(margin)); // never overflows
    loss += Math.max(0, -margin) + Math.log1p(e);
    logit[i - from] = (-sign * (margin > 0 ? e : 1)) / (1 + e);
  }
  return loss;
}

/** gradient += zᵀ · residuals of the rows from…to−1; four rows at once. */
function addGradient(
  z: Float64Array,
  cols: number,
  from: number,
  to: number,
  residuals: Float64Array,
  outputs: number,
  gradient: Float64Array,
): void {
  for (let i = from; i < to; i += 4) {
    const r0 = (i - from) * outputs;
    const r1 = r0 + outputs;
    const r2 = r1 + outputs;
    const r3 = r2 + outputs;
    // rows past the end stand for any row: their residuals are 0
    const row = (ahead: number) => Math.min(i + ahead, to - 1) * cols;
    const [a0, a1, a2, a3] = [row(0), row(1), row(2), row(3)];
    for (let j = 0; j < cols; j++) {
      const [z0, z1, z2, z3] = [z[a0 + j], z[a1 + j], z[a2 + j], z[a3 + j]];
      const g = j * outputs;
      for (let k = 0; k < outputs; k++)
        gradient[g + k] +=
          z0 * residuals[r0 + k] + z1 * residuals[r1 + k] + z2 * residuals[r2 + k] + z3 * residuals[r3 + k];
    }
    for (let k = 0; k < outputs; k++)
      gradient[cols * outputs + k] +=
        residuals[r0 + k] + residuals[r1 + k] + residuals[r2 + k] + residuals[r3 + k];
  }
}
