/**
 * Role: size factors that are not positive, replaced by those that the number of detected genes lets expect: a curve
 * detected = A·f / (B·f + 1), fitted on the logarithms of the samples with positive factors, robustly in four rounds.
 * Contract: as scuttle's cleanSizeFactors, with R's nls (Gauss–Newton with halved steps, exact derivatives where R takes
 * differences) and its criterion of convergence; positive factors stay as they are.
 * Reference: scuttle 1.8.4; Bates & Watts 1988 for the criterion; Tukey's tricube weights as in loess.
 */
import { medianInPlace } from "./median.js";

/** Rounds of weights after the first fit. */
const ROUNDS = 3;
/** Median absolute residuals at which a sample has no weight. */
const REACH = 3;
/** As R's nls.control. */
const [ITERATIONS, TOLERANCE, LEAST_STEP] = [50, 1e-5, 1 / 1024];

/**
 * @param detected genes with a count in each sample, at least one
 * @returns null where fewer than three factors are positive
 */
export function cleanSizeFactors(factors: Float64Array, detected: ArrayLike<number>): Float64Array | null {
  const keep = Array.from(factors.keys()).filter((i) => factors[i] > 0);
  if (keep.length === factors.length) return factors.slice();
  if (keep.length < 3) return null;
  const x = Float64Array.from(keep, (i) => factors[i]);
  const y = Float64Array.from(keep, (i) => detected[i]);
  const curve = fitCurve(x, y);
  const [least, most] = [Math.min(...x), Math.max(...x)];
  return factors.map((factor, i) => {
    if (factor > 0) return factor;
    if (curve === null) return least;
    const expected = detected[i] / (Math.exp(curve[0]) - Math.exp(curve[1]) * detected[i]);
    return expected < 0 ? most : expected;
  });
}

type Curve = readonly [logA: number, logB: number];

/** @returns null where there is no fit, as where R's nls fails */
function fitCurve(x: Float64Array, y: Float64Array): Curve | null {
  const start = startingCurve(x, y);
  if (start === null) return null;
  const weights = new Float64Array(x.length).fill(1);
  let curve = start;
  for (let round = 0; round <= ROUNDS; round++) {
    const fit = gaussNewton(x, y, weights, curve);
    if (fit === null) return null;
    curve = fit;
    const residuals = residualsOf(x, y, curve).map(Math.abs);
    const reach = Math.max(1e-8, medianInPlace(residuals.slice()) * REACH);
    residuals.forEach((residual, i) => {
      weights[i] = (1 - Math.min(residual / reach, 1) ** 3) ** 3;
    });
  }
  return curve;
}

/** A from the slope of the small samples, B from the one with most genes below that line. */
function startingCurve(x: Float64Array, y: Float64Array): Curve | null {
  const middle = medianInPlace(x.slice());
  let [xy, xx] = [0, 0];
  x.forEach((v, i) => {
    if (!(middle > v)) return;
    xy += v * y[i];
    xx += v * v;
  });
  const a = xy / xx;
  let top = -1;
  x.forEach((v, i) => {
    if (y[i] < a * v && (top < 0 || y[i] > y[top])) top = i;
  });
  if (top < 0) return null;
  const start = [Math.log(a), Math.log(a / y[top] - 1 / x[top])] as const;
  return start.every(Number.isFinite) ? start : null;
}

const residualsOf = (x: Float64Array, y: Float64Array, [logA, logB]: Curve): Float64Array =>
  x.map((v, i) => Math.log(y[i]) - (logA + Math.log(v) - Math.log(v * Math.exp(logB) + 1)));

function deviance(x: Float64Array, y: Float64Array, weights: Float64Array, curve: Curve): number {
  return residualsOf(x, y, curve).reduce((sum, r, i) => sum + weights[i] * r * r, 0);
}

function gaussNewton(x: Float64Array, y: Float64Array, weights: Float64Array, start: Curve): Curve | null {
  let curve = start;
  let now = deviance(x, y, weights, curve);
  if (!Number.isFinite(now)) return null;
  let step = 1;
  for (let i = 0; i < ITERATIONS; i++) {
    // Derivatives of the curve: 1 by logA, −u by logB with u = B·x / (B·x + 1).
    const residuals = residualsOf(x, y, curve);
    let [w, wu, wuu, wr, wur] = [0, 0, 0, 0, 0];
    for (let j = 0; j < x.length; j++) {
      const b = x[j] * Math.exp(curve[1]);
      const u = b / (b + 1);
      w += weights[j];
      wu += weights[j] * u;
      wuu += weights[j] * u * u;
      wr += weights[j] * residuals[j];
      wur += weights[j] * u * residuals[j];
    }
    const determinant = w * wuu - wu * wu;
    if (!(determinant > 1e-14 * w * wuu)) return i === 0 ? null : curve;
    const da = (wuu * wr - wu * wur) / determinant;
    const db = (wu * wr - w * wur) / determinant;
    // Squared length of the residuals within the plane of the derivatives, and beside it.
    const within = da * wr - db * wur;
    if (Math.sqrt(within / Math.max(now - within, 0)) <= TOLERANCE) return curve;
    for (; ; step /= 2) {
      if (step < LEAST_STEP) return curve;
      const next: Curve = [curve[0] + step * da, curve[1] + step * db];
      const then = deviance(x, y, weights, next);
      if (!(then <= now)) continue;
      [curve, now] = [next, then];
      step = Math.min(2 * step, 1);
      break;
    }
  }
  return curve;
}
