import { describe, expect, it } from "vitest";
import { aucOvoMacro, aucOvoWeighted } from "../../src/evaluate/auc-ovo.js";
import { aucOvrMacro } from "../../src/evaluate/auc-ovr.js";
import { MANY_CLASSES } from "../../src/evaluate/many-classes.js";
import { metricIntervals } from "../../src/evaluate/metric-intervals.js";
import { foldMetrics } from "../../src/evaluate/metrics.js";
import { rankSums, sparseRankSums, sumsOf } from "../../src/evaluate/rank-sums.js";
import { rankWins } from "../../src/evaluate/rank-wins.js";
import { RandomState } from "../../src/random.js";
import { metricCases } from "./oracle.js";
import { repeated } from "./repeated.js";

/** Samples of many classes, `coarse` probabilities so that many are equal. */
function simulated(n: number, classes: number, coarse: number) {
  const random = new RandomState(7);
  const actual = Int32Array.from({ length: n }, (_, i) => i % classes);
  const probabilities = Float64Array.from(
    { length: n * classes },
    (_, at) =>
      Math.round(coarse * random.random() ** (actual[Math.floor(at / classes)] === at % classes ? 0.5 : 4)) /
      coarse,
  );
  return { actual, probabilities };
}

describe("sparseRankSums", () => {
  it.each(metricCases)("equals the sums of all comparisons: $name", ({ actual, probabilities, classes }) => {
    const random = new RandomState(3);
    const sums = sparseRankSums(actual, probabilities, classes);
    for (let r = 0; r < 5; r++) {
      const times = actual.map((_, i) => (r === 0 || i === 0 ? 1 : random.interval(2)));
      const sizes = new Float64Array(classes);
      actual.forEach((code, i) => {
        sizes[code] += times[i];
      });
      const expected = sumsOf(
        rankWins(repeated(actual, times), repeated(probabilities, times, classes), classes),
      );
      const found = sums(times);
      expect(found.wins).toEqual(expected.wins);
      expect(found.sizes).toEqual(sizes);
      found.pairs.forEach((value, i) => {
        if (Number.isNaN(expected.pairs[i])) expect(value).toBeNaN();
        else expect(value).toBeCloseTo(expected.pairs[i], 12);
      });
    }
  });

  it.each([4, 1000])("does so for more classes than MANY_CLASSES, values in %i steps", (coarse) => {
    const classes = MANY_CLASSES + 10;
    const { actual, probabilities } = simulated(3 * classes, classes, coarse);
    const times = actual.map((_, i) => (i * 7) % 3);
    const expected = sumsOf(
      rankWins(repeated(actual, times), repeated(probabilities, times, classes), classes),
    );
    const found = rankSums(actual, probabilities, classes)(times);
    expect(found.wins).toEqual(expected.wins);
    expect(found.pairs[0]).toBeCloseTo(expected.pairs[0], 12);
    expect(found.pairs[1]).toBeCloseTo(expected.pairs[1], 12);
    const metrics = foldMetrics(actual, probabilities, classes);
    expect(metrics.aucOvrMacro).toBeCloseTo(aucOvrMacro(actual, probabilities, classes) ?? 0, 12);
    expect(metrics.aucOvoMacro).toBeCloseTo(aucOvoMacro(actual, probabilities, classes) ?? 0, 12);
    expect(metrics.aucOvoWeighted).toBeCloseTo(aucOvoWeighted(actual, probabilities, classes) ?? 0, 12);
    const { metrics: intervals } = metricIntervals(actual, probabilities, classes, {
      random: new RandomState(1),
      resamples: 2,
    });
    expect(intervals.aucOvoMacro.estimate).toBeCloseTo(metrics.aucOvoMacro ?? 0, 12);
  });

  it("finds a perfect ranking to be exactly 1, and one that says nothing exactly a half", () => {
    const actual = Int32Array.of(0, 1, 2, 0, 1, 2);
    const perfect = Float64Array.from({ length: 18 }, (_, at) =>
      actual[Math.floor(at / 3)] === at % 3 ? 1 : 0,
    );
    expect(sparseRankSums(actual, perfect, 3)(Int32Array.of(1, 2, 1, 0, 1, 3)).pairs).toEqual([1, 1]);
    expect(sparseRankSums(actual, perfect.fill(0.3), 3)(Int32Array.of(1, 2, 1, 0, 1, 3)).pairs).toEqual([
      0.5, 0.5,
    ]);
  });

  it("refuses what rankWins refuses", () => {
    expect(() => sparseRankSums(Int32Array.of(0, 1), Float64Array.of(1, 0, Number.NaN, 1), 2)).toThrow(
      RangeError,
    );
    expect(() => sparseRankSums(Int32Array.of(0, 1), new Float64Array(3), 2)).toThrow(RangeError);
    expect(() => sparseRankSums(Int32Array.of(0, 2), new Float64Array(4), 2)).toThrow(RangeError);
  });
});
