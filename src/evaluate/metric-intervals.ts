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
import { type ClassMetrics, classMetrics } from "./per-class.js";
import type { RankWins } from "./rank-wins.js";
import { weightedCounts } from "./weighted-counts.js";
import { weightedRankWins } from "./weighted-rank-wins.js";

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
  const intervals = bootstrap(
    actual.length,
    (times) => {
      const { metrics, perClass } = resampled(times);
      return [...metrics, ...perClass.flat()];
    },
    options,
  );

  const { unitOf } = unitsOf(actual.length, options.groups);
  const predicted = argmaxRows(probabilities, classes);
  /** `interval` of a share of the samples that `counts` picks, or of what rises with it as `scale` has it. */
  const bounded = (interval: Interval, counts: (i: number) => boolean, scale = (share: number) => share) =>
    interval.low === null && (interval.estimate === 0 || interval.estimate === 1)
      ? exactBound(interval, new Set(unitOf.filter((_, i) => counts(i))).size, options.groups, scale)
      : interval;
  const metrics = named(METRIC_NAMES, intervals);
  metrics.accuracy = bounded(metrics.accuracy, () => true);
  const perClass = Array.from({ length: classes }, (_, c) => {
    const own = named(classMetricNames, intervals.slice(METRIC_NAMES.length + c * classMetricNames.length));
    const occurs = (i: number) => actual[i] === c;
    const guessed = (i: number) => predicted[i] === c;
    return {
      ...own,
      precision: bounded(own.precision, guessed),
      recall: bounded(own.recall, occurs),
      // 2J / (1 + J) of the share J of right ones among those that are of the class or predicted as it
      f1: bounded(
        own.f1,
        (i) => occurs(i) || guessed(i),
        (share) => (2 * share) / (1 + share),
      ),
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
    const other = resampledB(times).metrics;
    return resampledA(times).metrics.map((value, i) => value - other[i]);
  };
  return named(METRIC_NAMES, bootstrap(actual.length, differences, options));
}

/** All metrics of the samples taken so many times each, NaN where not defined; of a class in the order of `classMetricNames`. */
function resampling(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): (times: Int32Array) => { metrics: number[]; perClass: number[][] } {
  const winsOf = weightedRankWins(actual, probabilities, classes);
  const predicted = argmaxRows(probabilities, classes);
  const all = classCounts(actual, predicted, classes).actual;
  return (times) => {
    const counts = weightedCounts(actual, predicted, classes, times);
    const wins = winsOf(times);
    const own = classMetrics(counts, wins);
    const missed = own.map(({ support }, c) => support === 0 && all[c] > 0);
    const rows = own.map((values, c) =>
      classMetricNames.map((name) =>
        missed[c] && name !== "support" ? Number.NaN : (values[name] ?? Number.NaN),
      ),
    );
    return { metrics: overall(counts, wins, own, missed, all.includes(0)), perClass: rows };
  };
}

/** In the order of METRIC_NAMES. */
function overall(
  counts: ClassCounts,
  wins: RankWins,
  own: readonly ClassMetrics[],
  missed: readonly boolean[],
  lacking: boolean,
): number[] {
  const seen = own.filter((_, c) => !missed[c]);
  const mean = (values: readonly number[]) =>
    values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
  const [ovr, ovo, ovoWeighted] =
    lacking || own.length < 2
      ? [Number.NaN, Number.NaN, Number.NaN]
      : own.length === 2
        ? new Array<number>(3).fill(own[1].auc ?? Number.NaN)
        : [mean(own.flatMap(({ auc }) => auc ?? [])), ...meansOfPairs(wins)];
  return [
    counts.right.reduce((sum, right) => sum + right, 0) / counts.total,
    mean(own.flatMap(({ recall }) => recall ?? [])),
    mean(seen.map(({ precision }) => precision ?? 0)),
    mean(seen.map(({ recall }) => recall ?? 0)),
    mean(seen.map(({ f1 }) => f1 ?? 0)),
    missed.includes(true) && counts.actual.includes(counts.total) ? Number.NaN : matthews(counts),
    ovr,
    ovo,
    ovoWeighted,
  ];
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

/** As `aucOvoMacro` and `aucOvoWeighted`, over the pairs of classes that are there. */
function meansOfPairs({ doubled, sizes }: RankWins): [number, number] {
  const classes = sizes.length;
  let sum = 0;
  let pairs = 0;
  let weighted = 0;
  let weights = 0;
  for (let a = 0; a < classes; a++) {
    for (let b = a + 1; b < classes; b++) {
      if (sizes[a] === 0 || sizes[b] === 0) continue;
      const auc = (doubled[a * classes + b] + doubled[b * classes + a]) / (4 * sizes[a] * sizes[b]);
      sum += auc;
      pairs++;
      weighted += (sizes[a] + sizes[b]) * auc;
      weights += sizes[a] + sizes[b];
    }
  }
  return [sum / pairs, weighted / weights];
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
