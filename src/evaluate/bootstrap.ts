/**
 * Bootstrap intervals: samples (or whole groups of them) are drawn with replacement and the statistics computed anew.
 * A resample is handed over as how often each sample was drawn, so that statistics work from counts, and several of
 * them (two models, their difference) see the same resamples.
 *
 * The ends are BCa's (bias-corrected and accelerated), as those of `scipy.stats.bootstrap`, widened for few units by
 * Student's t as Hesterberg does for percentiles. Why not plain percentiles: simulated at 60 to 180 samples their 95 %
 * interval covers the truth in 0.90 (balanced accuracy), 0.92 (accuracy) and 0.89 (an AUC of 0.96) of the cases where
 * BCa's does in 0.93 to 0.96; on six groups 0.80, BCa's 0.82, the widened one 0.89. On paired differences the two are
 * alike.
 * Reference: Efron 1987, "Better bootstrap confidence intervals"; Hesterberg 2015, "What teachers should know about the
 * bootstrap" (the widening); Field & Welsh 2007 for drawing groups.
 */
import type { RandomState } from "../random.js";
import { normalCdf, normalQuantile } from "./normal.js";
import { studentTQuantile } from "./student-t.js";

export interface Interval {
  /** On the samples as they are; null where it is not defined. */
  estimate: number | null;
  /** Null where resampling cannot tell; `note` says why. */
  low: number | null;
  high: number | null;
  /** Confidence, 0.95 for a 95 % interval. */
  level: number;
  /** Resamples in which the statistic is defined: the interval comes from these. */
  resamples: number;
  /** What a reader should know beside the interval. */
  note?: string;
}

export interface BootstrapOptions {
  random: RandomState;
  /** A code for each sample: samples of one code (a patient) are drawn together. Without it each sample is its own. */
  groups?: Int32Array;
  /** 2000 unless given. */
  resamples?: number;
  /** 0.95 unless given. */
  level?: number;
}

/**
 * Some statistics of the samples, sample i taken `times[i]` times; NaN where one is not defined. Always as many, in the
 * same order. `times` is written over afterwards.
 */
export type Statistics = (times: Int32Array) => ArrayLike<number>;

/** The skewness that the acceleration measures is known well enough from so many parts of the samples. */
const maxBlocks = 400;
/** Values that differ by less are the same sum in another order. */
const rounding = 1e-12;
/** Below this many groups the interval stays too narrow (simulated coverage at 6 groups 0.89, at 12 groups 0.94). */
const fewGroups = 10;

/**
 * @param samples how many there are
 * @returns an interval for each of the statistics
 * @throws RangeError where there are no samples, `groups` has another length, or an option is out of range
 */
export function bootstrap(samples: number, statistics: Statistics, options: BootstrapOptions): Interval[] {
  const { random, groups, resamples = 2000, level = 0.95 } = options;
  if (!(samples > 0)) throw new RangeError("bootstrap: no samples");
  if (!(Number.isInteger(resamples) && resamples > 1))
    throw new RangeError(`bootstrap: ${resamples} resamples`);
  if (!(level > 0 && level < 1)) throw new RangeError(`bootstrap: level ${level} is not between 0 and 1`);
  const { unitOf, units } = unitsOf(samples, groups);

  const times = new Int32Array(samples);
  const estimates = Float64Array.from(statistics(times.fill(1)));
  const drawn = estimates.length === 0 ? [] : Array.from(estimates, () => new Float64Array(resamples));
  const draws = new Int32Array(units);
  for (let r = 0; r < resamples; r++) {
    draws.fill(0);
    for (let u = 0; u < units; u++) draws[random.interval(units - 1)]++;
    for (let i = 0; i < samples; i++) times[i] = draws[unitOf[i]];
    const values = statistics(times);
    for (let s = 0; s < estimates.length; s++) drawn[s][r] = values[s];
  }
  const blocks = Math.min(units, maxBlocks);
  const without = Array.from(estimates, () => new Float64Array(blocks));
  for (let b = 0; b < blocks && blocks > 1; b++) {
    for (let i = 0; i < samples; i++) times[i] = unitOf[i] % blocks === b ? 0 : 1;
    const values = statistics(times);
    for (let s = 0; s < estimates.length; s++) without[s][b] = values[s];
  }
  return Array.from(estimates, (estimate, s) => {
    const interval = ends(estimate, drawn[s], without[s], units, level);
    if (groups && units < fewGroups)
      interval.note = [
        interval.note,
        `Drawn from ${units} ${units === 1 ? "group" : "groups"}: an interval from so few is easily too narrow.`,
      ]
        .filter(Boolean)
        .join(" ");
    return interval;
  });
}

function ends(
  estimate: number,
  drawn: Float64Array,
  without: Float64Array,
  units: number,
  level: number,
): Interval {
  const values = drawn.filter((value) => !Number.isNaN(value)).sort();
  const interval: Interval = { estimate, low: null, high: null, level, resamples: values.length };
  if (Number.isNaN(estimate))
    return { ...interval, estimate: null, note: "It is not defined on these samples." };
  if (values.length === 0) return { ...interval, note: "It is not defined on any resample." };
  const scale = Math.max(1, Math.abs(estimate));
  if (values[values.length - 1] - values[0] <= rounding * scale)
    return {
      ...interval,
      note: `Every resample gives ${Number(values[0].toPrecision(3))}, so resampling cannot tell how sure it is.`,
    };

  let below = 0; // equal ones count half
  for (const value of values)
    below += Math.abs(value - estimate) <= rounding * scale ? 0.5 : value < estimate ? 1 : 0;
  // an estimate beyond all resamples counts as half a resample from their end
  const share = Math.min(Math.max(below, 0.5), values.length - 0.5) / values.length;
  const bias = normalQuantile(share);
  const acceleration = accelerationOf(without);
  const reach = studentTQuantile((1 + level) / 2, units - 1) * Math.sqrt(units / (units - 1));
  const at = (z: number) => {
    const shrink = 1 - acceleration * z;
    return shrink > 0 ? normalCdf(bias + z / shrink) : z > 0 ? 1 : 0; // at 0 the end is at ±∞
  };
  return { ...interval, low: quantile(values, at(bias - reach)), high: quantile(values, at(bias + reach)) };
}

/** A sixth of the skewness of the estimates without one block each; 0 where they are all the same. */
function accelerationOf(without: Float64Array): number {
  const values = without.filter((value) => !Number.isNaN(value));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let squares = 0;
  let cubes = 0;
  for (const value of values) {
    squares += (mean - value) ** 2;
    cubes += (mean - value) ** 3;
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

/** Of sorted values, with linear interpolation (`numpy.quantile`). */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

/**
 * What is drawn: the groups, numbered in the order of their codes, or the samples themselves.
 *
 * @throws RangeError where `groups` has another length than there are samples
 */
export function unitsOf(samples: number, groups?: Int32Array): { unitOf: Int32Array; units: number } {
  if (groups === undefined)
    return { unitOf: Int32Array.from({ length: samples }, (_, i) => i), units: samples };
  if (groups.length !== samples) throw new RangeError(`${groups.length} groups given for ${samples} samples`);
  const number = new Map([...new Set(groups)].sort((a, b) => a - b).map((code, unit) => [code, unit]));
  return { unitOf: groups.map((code) => number.get(code) ?? 0), units: number.size };
}
