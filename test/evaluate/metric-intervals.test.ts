import { describe, expect, it } from "vitest";
import type { Interval } from "../../src/evaluate/bootstrap.js";
import { metricDifferences, metricIntervals } from "../../src/evaluate/metric-intervals.js";
import { foldMetrics, METRIC_NAMES } from "../../src/evaluate/metrics.js";
import { perClass } from "../../src/evaluate/per-class.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/statistics.json" with { type: "json" };
import { type MetricCase, metricCases } from "./oracle.js";
import { repeated } from "./repeated.js";

const classNames = ["support", "precision", "recall", "f1", "auc"] as const;

function expectInterval(interval: Interval, expected: (number | null)[], where: string): void {
  const [estimate, low, high, resamples] = expected;
  if (estimate === null) expect(interval.estimate, where).toBeNull();
  else expect(interval.estimate, where).toBeCloseTo(estimate, 11);
  expect(interval.resamples, where).toBe(resamples);
  if (low === null || high === null) {
    expect(interval.note, where).toBeDefined();
    return;
  }
  expect(interval.low, where).toBeCloseTo(low, 10);
  expect(interval.high, where).toBeCloseTo(high, 10);
}

/** Samples whose probabilities lean to the true class. */
function simulated(n: number, classes: number, skill: number, random: RandomState) {
  const actual = Int32Array.from({ length: n }, () => random.interval(classes - 1));
  const probabilities = Float64Array.from({ length: n * classes }, (_, at) =>
    Math.exp(random.standardNormal() + (actual[Math.floor(at / classes)] === at % classes ? skill : 0)),
  );
  return { actual, probabilities };
}

describe("metricIntervals", () => {
  it.each(
    fixture.metricIntervals.map((expected) => ({
      ...expected,
      name: metricCases[expected.case].name,
      data: metricCases[expected.case],
    })),
  )("equals scikit-learn's metrics on scipy's resamples: $name, grouped: $grouped", (expected) => {
    const { actual, probabilities, classes } = expected.data;
    const groups = expected.grouped ? actual.map((_, i) => (i * 7) % 11) : undefined;
    const options = { random: new RandomState(5), resamples: 200, groups };
    const result = metricIntervals(actual, probabilities, classes, options);
    METRIC_NAMES.forEach((name, m) => {
      expectInterval(result.metrics[name], expected.metrics[m], name);
    });
    expect(result.perClass).toHaveLength(classes);
    result.perClass.forEach((values, c) => {
      classNames.forEach((name, m) => {
        expectInterval(values[name], expected.perClass[c][m], `class ${c}, ${name}`);
      });
    });
  });

  it.each(metricCases)("estimates what foldMetrics and perClass give: $name", (data: MetricCase) => {
    const { actual, probabilities, classes } = data;
    const options = { random: new RandomState(1), resamples: 2 };
    const { metrics, perClass: rows } = metricIntervals(actual, probabilities, classes, options);
    const expected = foldMetrics(actual, probabilities, classes);
    for (const name of METRIC_NAMES) {
      if (expected[name] === null) expect(metrics[name].estimate).toBeNull();
      else expect(metrics[name].estimate, name).toBeCloseTo(expected[name], 13);
    }
    perClass(actual, probabilities, classes).forEach((values, c) => {
      for (const name of classNames) expect(rows[c][name].estimate).toBe(values[name]);
    });
  });

  it("leaves a class out where a resample misses it", () => {
    // one sample of class 2: a third of the resamples misses it, and has to count classes 0 and 1 alone
    const actual = Int32Array.of(0, 0, 0, 1, 1, 1, 2);
    const probabilities = Float64Array.from(
      [0, 0, 0, 1, 1, 1, 2].flatMap((c) => [0, 1, 2].map((k) => Number(k === c))),
    );
    const options = { random: new RandomState(3), resamples: 400 };
    const { metrics, perClass: rows } = metricIntervals(actual, probabilities, 3, options);
    // all are right in every resample: a class that counted as 0 would give a spread
    for (const name of METRIC_NAMES.slice(1))
      expect(metrics[name], name).toMatchObject({ estimate: 1, low: null, high: null });
    expect(metrics.recallMacro.resamples).toBe(400);
    const missed = 400 - rows[2].recall.resamples;
    expect(missed / 400).toBeGreaterThan(0.25);
    expect(missed / 400).toBeLessThan(0.43);
    expect([rows[2].precision, rows[2].f1, rows[2].auc].map((v) => v.resamples)).toEqual(
      new Array(3).fill(400 - missed),
    );
    expect(rows[2].support).toMatchObject({ estimate: 1, low: 0, resamples: 400 });
  });

  it("has the exact binomial bound where all samples are right or wrong", () => {
    // class 0: 20 samples, all right; class 1: 10 samples, all predicted as 2; class 2: none
    const actual = Int32Array.from({ length: 30 }, (_, i) => Number(i >= 20));
    const codes = [...actual].map((code) => 2 * code);
    const probabilities = Float64Array.from(codes.flatMap((c) => [0, 1, 2].map((k) => Number(k === c))));
    const options = { random: new RandomState(3), resamples: 50 };
    const { perClass: rows } = metricIntervals(actual, probabilities, 3, options);
    const rare = (1 - 0.95) / 2;
    const all20 = rare ** (1 / 20); // scipy: binomtest(20, 20).proportion_ci().low = 0.8315665
    expect(all20).toBeCloseTo(0.8315665, 6);
    for (const name of ["recall", "precision"] as const)
      expect(rows[0][name]).toMatchObject({
        estimate: 1,
        low: all20,
        high: 1,
        note: "All are right: the bound is the exact binomial one of 20.",
      });
    expect(rows[0].f1).toMatchObject({ estimate: 1, low: (2 * all20) / (1 + all20), high: 1 });
    expect(rows[1].recall).toMatchObject({
      estimate: 0,
      low: 0,
      high: 1 - rare ** (1 / 10),
      note: "All are wrong: the bound is the exact binomial one of 10.",
    });
    expect(rows[1].precision).toMatchObject({ estimate: null, low: null, high: null });
    expect(rows[2].recall).toMatchObject({ estimate: null, low: null, high: null });
    expect(rows[2].precision).toMatchObject({ estimate: 0, low: 0, high: 1 - rare ** (1 / 10) });

    const groups = actual.map((_, i) => i % 5);
    const grouped = metricIntervals(actual, probabilities, 3, { ...options, groups });
    expect(grouped.perClass[0].recall).toMatchObject({ low: rare ** (1 / 5), high: 1 });
    expect(grouped.perClass[0].recall.note).toBe(
      "All are right: the bound is the exact binomial one of 5 groups.",
    );

    const right = metricIntervals(actual.fill(0), probabilities.fill(1), 3, { ...options, level: 0.9 });
    expect(right.metrics.accuracy).toMatchObject({
      estimate: 1,
      low: ((1 - 0.9) / 2) ** (1 / 30),
      high: 1,
      level: 0.9,
    });
    expect(right.metrics.mcc).toMatchObject({ estimate: 0, low: null, high: null });
  });

  it("gives the same for the same seed and leaves its input as it was", () => {
    const { actual, probabilities } = simulated(50, 3, 1, new RandomState(9));
    const before = [actual.slice(), probabilities.slice()];
    const once = () =>
      metricIntervals(actual, probabilities, 3, { random: new RandomState(4), resamples: 50 });
    expect(once()).toEqual(once());
    expect([actual, probabilities]).toEqual(before);
  });

  it("covers the true AUC and balanced accuracy in about 95 of 100 simulations", () => {
    const random = new RandomState(77);
    const { actual, probabilities } = simulated(20_000, 3, 1.5, random);
    const truth = foldMetrics(actual, probabilities, 3);
    const covered = { aucOvrMacro: 0, balancedAccuracy: 0 };
    for (let simulation = 0; simulation < 200; simulation++) {
      const sample = simulated(60, 3, 1.5, random);
      const { metrics } = metricIntervals(sample.actual, sample.probabilities, 3, { random, resamples: 200 });
      for (const name of ["aucOvrMacro", "balancedAccuracy"] as const) {
        const { low, high } = metrics[name];
        covered[name] += Number(low! <= truth[name]! && truth[name]! <= high!);
      }
    }
    // three standard errors around 0.95 are 0.90 to 1
    expect(covered.aucOvrMacro).toBeGreaterThanOrEqual(180);
    expect(covered.balancedAccuracy).toBeGreaterThanOrEqual(180);
    expect(covered.aucOvrMacro + covered.balancedAccuracy).toBeLessThanOrEqual(396);
  });

  it("refuses NaN, codes and shapes that do not fit", () => {
    const options = { random: new RandomState(1) };
    const two = Int32Array.of(0, 1);
    expect(() => metricIntervals(two, Float64Array.of(1, 0, Number.NaN, 1), 2, options)).toThrow(/sample 1/);
    expect(() => metricIntervals(two, new Float64Array(3), 2, options)).toThrow(RangeError);
    expect(() => metricIntervals(Int32Array.of(0, 2), new Float64Array(4), 2, options)).toThrow(RangeError);
    expect(() => metricIntervals(new Int32Array(0), new Float64Array(0), 2, options)).toThrow(RangeError);
  });
});

describe("metricDifferences", () => {
  it("is the difference on the same resamples", () => {
    const random = new RandomState(12);
    const { actual, probabilities: a } = simulated(40, 3, 1, random);
    const b = a.map((p) => p * Math.exp(random.standardNormal()));
    const options = () => ({ random: new RandomState(8), resamples: 100 });
    const result = metricDifferences(actual, a, b, 3, options());

    // by the definition: foldMetrics of the repeated samples (no class of 13 samples is ever missed)
    const draw = new RandomState(8);
    const drawn = Array.from({ length: 100 }, () => {
      const times = new Int32Array(40);
      for (let i = 0; i < 40; i++) times[draw.interval(39)]++;
      const of = (p: Float64Array) => foldMetrics(repeated(actual, times), repeated(p, times, 3), 3);
      return { a: of(a), b: of(b) };
    });
    for (const name of METRIC_NAMES) {
      const { estimate, low, high, resamples } = result[name];
      expect(estimate).toBeCloseTo(foldMetrics(actual, a, 3)[name]! - foldMetrics(actual, b, 3)[name]!, 13);
      expect(resamples).toBe(100);
      const differences = drawn.map((fold) => fold.a[name]! - fold.b[name]!).sort((x, y) => x - y);
      const within = differences.filter((d) => d > low! + 1e-12 && d < high! - 1e-12).length;
      expect(within, name).toBeGreaterThanOrEqual(88);
      expect(within, name).toBeLessThanOrEqual(99);
      expect(low!).toBeGreaterThanOrEqual(differences[0] - 1e-12);
      expect(high!).toBeLessThanOrEqual(differences[99] + 1e-12);
    }
    const turned = metricDifferences(actual, b, a, 3, options());
    expect(turned.accuracy.estimate).toBe(-result.accuracy.estimate!);
    expect(turned.accuracy.low).toBeCloseTo(-result.accuracy.high!, 12);
  });

  it("is narrower than the two intervals apart, as the models err on the same samples", () => {
    const random = new RandomState(12);
    const { actual, probabilities: a } = simulated(80, 3, 1, random);
    const b = a.map((p) => p * Math.exp(0.1 * random.standardNormal()));
    const options = () => ({ random: new RandomState(8), resamples: 300 });
    const paired = metricDifferences(actual, a, b, 3, options()).aucOvrMacro;
    const alone = metricIntervals(actual, a, 3, options()).metrics.aucOvrMacro;
    expect(paired.high! - paired.low!).toBeLessThan(0.5 * (alone.high! - alone.low!));
  });

  it("has no interval for a model against itself", () => {
    const { actual, probabilities } = simulated(30, 3, 1, new RandomState(2));
    const options = { random: new RandomState(1), resamples: 20 };
    const result = metricDifferences(actual, probabilities, probabilities, 3, options);
    for (const name of METRIC_NAMES)
      expect(result[name]).toMatchObject({ estimate: 0, low: null, high: null });
  });

  it("is not defined where a metric of either model is not", () => {
    const { actual, probabilities } = simulated(30, 3, 1, new RandomState(2));
    const lacking = actual.map((code) => code % 2);
    const options = { random: new RandomState(1), resamples: 20 };
    const result = metricDifferences(lacking, probabilities, probabilities, 3, options);
    expect(result.aucOvrMacro.estimate).toBeNull();
    expect(result.accuracy.estimate).toBe(0);
  });
});
