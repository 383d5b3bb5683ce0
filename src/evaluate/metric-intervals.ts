/**
 * Bootstrap intervals of all metrics on pooled out-of-fold predictions, overall and for each class; and of the
 * differences of two models on the same resamples. The estimates are those of `foldMetrics` and `perClass`.
 *
 * A small class can be missing from a resample, which then says nothing of it: the class is left out of the averages
 * over classes (for the AUC of pairs, all pairs with it), and its own values are not defined there; with but one class
 * left, AUC and correlation are not either. The intervals come from the resamples that define a value; `resamples` counts
 * them. A class that the samples themselves lack stays what it is in `foldMetrics`: 0 in the averages, and no AUC.
 *
 * Where all samples are right (or all wrong), every resample is so too, and resampling knows no uncertainty. Accuracy,
 * recall, precision and F1 then get the exact binomial bound (Clopper & Pearson 1934), from the number of samples, or
 * of groups, that could have been wrong; the other metrics have no interval there, and say so.
 */
import { type BootstrapOptions, bootstrap, type Interval, unitsOf } from "./bootstrap.js";
import { type ClassCounts, classCounts } from "./counts.js";
import { argmaxRows, METRIC_NAMES, type MetricName } from "./metrics.js";
import type { ClassMetrics } from "./per-class.js";
import { rankSums, samplesByClass } from "./rank-sums.js";
import { weightedCounts } from "./weighted-counts.js";

export type ClassIntervals = Record<keyof ClassMetrics, Interval>;

export interface MetricIntervals {
  metrics: Record<MetricName, Interval>;
  /** One for each class, in the order of their codes. */
  perClass: ClassIntervals[];
}

const classMetricNames = ["support", "precision", "recall", "f1", "auc"] as const;

/**
 * @param actual codes in 0…classes−1
 * @param probabilities samples × classes, row-major
 * @throws RangeError where shapes, codes or options do not fit, or a probability is NaN
 */
export function metricIntervals(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
  options: BootstrapOptions,
): MetricIntervals {
  const resampled = resampling(actual, probabilities, classes);
  const intervals = bootstrap(actual.length, resampled, options);

  const { unitOf } = unitsOf(actual.length, options.groups);
  const predicted = argmaxRows(probabilities, classes);
  /** `interval` of a share of these samples, or of what rises with it as `scale` has it. */
  const bounded = (interval: Interval, of: Iterable<number>, scale = (share: number) => share) =>
    interval.low === null && (interval.estimate === 0 || interval.estimate === 1)
      ? exactBound(interval, new Set(Array.from(of, (i) => unitOf[i])).size, options.groups, scale)
      : interval;
  const metrics = named(METRIC_NAMES, intervals);
  metrics.accuracy = bounded(metrics.accuracy, actual.keys());
  const occurring = samplesByClass(actual, classes);
  const guessed = samplesByClass(predicted, classes);
  const perClass = Array.from({ length: classes }, (_, c) => {
    const at = METRIC_NAMES.length + c * classMetricNames.length;
    const own = named(classMetricNames, intervals.slice(at, at + classMetricNames.length));
    return {
      ...own,
      precision: bounded(own.precision, guessed[c]),
      recall: bounded(own.recall, occurring[c]),
      // 2J / (1 + J) of the share J of right ones among those that are of the class or predicted as it
      f1: bounded(own.f1, [...occurring[c], ...guessed[c]], (share) => (2 * share) / (1 + share)),
    };
  });
  return { metrics, perClass };
}

/**
 * The metrics of `a` less those of `b`, on the same samples and the same resamples.
 *
 * @param a samples × classes, row-major
 * @param b as `a`
 * @throws RangeError as `metricIntervals`
 */
export function metricDifferences(
  actual: Int32Array,
  a: Float32Array | Float64Array,
  b: Float32Array | Float64Array,
  classes: number,
  options: BootstrapOptions,
): Record<MetricName, Interval> {
  const resampledA = resampling(actual, a, classes);
  const resampledB = resampling(actual, b, classes);
  const differences = (times: Int32Array) => {
    const other = resampledB(times);
    return resampledA(times)
      .subarray(0, METRIC_NAMES.length)
      .map((value, i) => value - other[i]);
  };
  return named(METRIC_NAMES, bootstrap(actual.length, differences, options));
}

/**
 * All metrics of the samples taken so many times each, NaN where not defined: those of METRIC_NAMES, then class by class those
 * of `classMetricNames`. In plain arrays: with thousands of classes this is done millions of times.
 */
function resampling(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): (times: Int32Array) => Float64Array {
  const sumsOf = rankSums(actual, probabilities, classes);
  const predicted = argmaxRows(probabilities, classes);
  const all = classCounts(actual, predicted, classes).actual;
  const lacking = all.includes(0);
  return (times) => {
    const counts = weightedCounts(actual, predicted, classes, times);
    const { wins, sizes, pairs } = sumsOf(times);
    const values = new Float64Array(METRIC_NAMES.length + classes * classMetricNames.length);
    const recalls = new Mean(); // of the classes that are there
    const aucs = new Mean();
    const macro = { precision: new Mean(), recall: new Mean(), f1: new Mean() }; // an undefined one is 0
    let hits = 0;
    for (let c = 0; c < classes; c++) {
      const [support, right] = [sizes[c], counts.right[c]];
      const missed = support === 0 && all[c] > 0;
      const precision = right / counts.predicted[c]; // 0 / 0 is NaN: not defined
      const recall = right / support;
      const f1 = (2 * right) / (support + counts.predicted[c]);
      const others = 2 * support * (counts.total - support);
      const auc = others > 0 ? wins[c] / others : Number.NaN;
      hits += right;
      if (!Number.isNaN(recall)) recalls.add(recall);
      if (!Number.isNaN(auc)) aucs.add(auc);
      if (!missed) {
        macro.precision.add(Number.isNaN(precision) ? 0 : precision);
        macro.recall.add(Number.isNaN(recall) ? 0 : recall);
        macro.f1.add(Number.isNaN(f1) ? 0 : f1);
      }
      const own = missed ? [support] : [support, precision, recall, f1, auc];
      const at = METRIC_NAMES.length + c * classMetricNames.length;
      if (missed) values.fill(Number.NaN, at, at + classMetricNames.length);
      values.set(own, at);
    }
    const missing = sizes.some((size, c) => size === 0 && all[c] > 0);
    const [ovr, ovo, ovoWeighted] =
      lacking || classes < 2
        ? [Number.NaN, Number.NaN, Number.NaN]
        : classes === 2
          ? new Array<number>(3).fill(values[METRIC_NAMES.length + 2 * classMetricNames.length - 1])
          : [aucs.value, ...pairs];
    values.set([
      hits / counts.total,
      recalls.value,
      macro.precision.value,
      macro.recall.value,
      macro.f1.value,
      missing && counts.actual.includes(counts.total) ? Number.NaN : matthews(counts),
      ovr,
      ovo,
      ovoWeighted,
    ]);
    return values;
  };
}

/** NaN where nothing was added. */
class Mean {
  private sum = 0;
  private count = 0;

  add(value: number): void {
    this.sum += value;
    this.count++;
  }

  get value(): number {
    return this.count === 0 ? Number.NaN : this.sum / this.count;
  }
}

/** As `mcc`. */
function matthews({ total, actual, predicted, right }: ClassCounts): number {
  let hits = 0;
  let both = 0;
  let actual2 = 0;
  let predicted2 = 0;
  for (let c = 0; c < right.length; c++) {
    hits += right[c];
    both += actual[c] * predicted[c];
    actual2 += actual[c] ** 2;
    predicted2 += predicted[c] ** 2;
  }
  const variance = (total * total - predicted2) * (total * total - actual2);
  return variance === 0 ? 0 : (hits * total - both) / Math.sqrt(variance);
}

function named<Name extends string>(
  names: readonly Name[],
  intervals: readonly Interval[],
): Record<Name, Interval> {
  return Object.fromEntries(names.map((name, i) => [name, intervals[i]])) as Record<Name, Interval>;
}

/** The exact bound of a share of 0 or 1 of so many independent observations, where resampling has none. */
export function exactBound(
  interval: Interval,
  trials: number,
  groups: Int32Array | undefined,
  scale = (share: number) => share,
): Interval {
  const right = interval.estimate === 1;
  const all = ((1 - interval.level) / 2) ** (1 / trials); // the share at which so many of so many are this rare
  return {
    ...interval,
    low: right ? scale(all) : 0,
    high: right ? 1 : scale(1 - all),
    note: `All are ${right ? "right" : "wrong"}: the bound is the exact binomial one of ${trials}${
      groups === undefined ? "" : trials === 1 ? " group" : " groups"
    }.`,
  };
}
