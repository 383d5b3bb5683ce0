import { describe, expect, it } from "vitest";
import { type FoldMetrics, METRIC_NAMES } from "../../src/evaluate/metrics.js";
import { meanAndSd } from "../../src/evaluate/summary.js";

/** A fold whose metrics are value + 0, 1, 2 … in the order of METRIC_NAMES. */
function fold(value: number): FoldMetrics {
  return Object.fromEntries(METRIC_NAMES.map((name, i) => [name, value + i])) as unknown as FoldMetrics;
}

describe("meanAndSd", () => {
  it("gives numpy's mean and std(ddof=1) of every metric", () => {
    // numpy: [0.73, 0.77, 0.69, 0.73, 0.78] → mean 0.74, std(ddof=1) 0.03605551275463988
    const { mean, sd } = meanAndSd([0.73, 0.77, 0.69, 0.73, 0.78].map(fold));
    METRIC_NAMES.forEach((name, i) => {
      expect(mean[name]).toBeCloseTo(0.74 + i, 13);
      expect(sd[name]).toBeCloseTo(0.03605551275463988, 13);
    });
  });

  it("has no standard deviation for one fold", () => {
    const { mean, sd } = meanAndSd([fold(0.5)]);
    expect(mean).toEqual(fold(0.5));
    for (const name of METRIC_NAMES) expect(sd[name]).toBeNull();
  });

  it("skips the folds in which a metric is null", () => {
    const { mean, sd } = meanAndSd([
      { ...fold(0), aucOvrMacro: null, aucOvoMacro: null, aucOvoWeighted: null },
      { ...fold(0), aucOvrMacro: 0.5, aucOvoMacro: 0.5, aucOvoWeighted: null },
      { ...fold(0), aucOvrMacro: 0.7, aucOvoMacro: null, aucOvoWeighted: null },
    ]);
    expect(mean.aucOvrMacro).toBeCloseTo(0.6, 13);
    expect(sd.aucOvrMacro).toBeCloseTo(Math.SQRT2 / 10, 13);
    expect([mean.aucOvoMacro, sd.aucOvoMacro]).toEqual([0.5, null]);
    expect([mean.aucOvoWeighted, sd.aucOvoWeighted]).toEqual([null, null]);
    expect([mean.accuracy, sd.accuracy]).toEqual([0, 0]);
  });

  it("leaves its input as it was and refuses no folds", () => {
    const folds = [fold(0.1), fold(0.3)];
    meanAndSd(folds);
    expect(folds).toEqual([fold(0.1), fold(0.3)]);
    expect(() => meanAndSd([])).toThrow(RangeError);
  });
});
