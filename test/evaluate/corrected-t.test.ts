import { describe, expect, it } from "vitest";
import { correctedResampledT } from "../../src/evaluate/corrected-t.js";
import fixture from "../fixtures/statistics.json" with { type: "json" };

describe("correctedResampledT", () => {
  it.each(fixture.correctedT)(
    "equals the formula with scipy and scikit-learn's example: $differences.length folds, t = $t",
    ({ differences, nTrain, nTest, t, df, p, low, high }) => {
      const result = correctedResampledT(differences, nTrain, nTest);
      expect(result.df).toBe(df);
      expect(Math.abs(result.t! - t)).toBeLessThanOrEqual(1e-11 * Math.abs(t));
      expect(Math.abs(result.p! - p)).toBeLessThanOrEqual(1e-10 * p);
      expect(result.interval95![0]).toBeCloseTo(low, 12);
      expect(result.interval95![1]).toBeCloseTo(high, 12);
      const turned = correctedResampledT(
        differences.map((d) => -d),
        nTrain,
        nTest,
      );
      expect(turned.t! + result.t!).toBe(0);
      expect(turned.p).toBe(result.p);
    },
  );

  it("leaves 0 out of the interval exactly where p < 0.05", () => {
    for (const shift of [0, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1]) {
      const { p, interval95 } = correctedResampledT(
        [-0.03, 0.03, 0, 0.04, -0.04].map((d) => d + shift),
        4,
        1,
      );
      expect(interval95![0] > 0).toBe(p! < 0.05);
    }
  });

  it("says that all folds score alike, also where only rounding differs", () => {
    const alike = {
      t: 0,
      df: 2,
      p: 1,
      meanDifference: 0,
      interval95: [0, 0],
      note: "All folds score alike.",
    };
    expect(correctedResampledT([0, 0, 0], 4, 1)).toEqual(alike);
    expect(correctedResampledT([0.1 + 0.2 - 0.3, 0, 0.1 + 0.2 - 0.3], 4, 1)).toEqual(alike);
  });

  it("has no p where every fold differs by the same, also but for rounding", () => {
    const differences = [0.9 - 0.8, 0.8 - 0.7, 0.7 - 0.6];
    expect(new Set(differences).size).toBeGreaterThan(1);
    const result = correctedResampledT(differences, 4, 1);
    expect(result).toMatchObject({ t: null, df: 2, p: null, interval95: null });
    expect(result.meanDifference).toBeCloseTo(0.1, 14);
    expect(result.note).toBe("Every fold differs by 0.1: there is no spread to hold the difference against.");
  });

  it("has no p for one fold or none, and says so", () => {
    expect(correctedResampledT([0.1], 4, 1)).toEqual({
      t: null,
      df: 0,
      p: null,
      meanDifference: 0.1,
      interval95: null,
      note: "One fold has no spread to hold the difference against.",
    });
    expect(correctedResampledT([], 4, 1)).toEqual({
      t: null,
      df: 0,
      p: null,
      meanDifference: null,
      interval95: null,
      note: "There are no folds.",
    });
  });

  it("refuses differences that are not finite and folds without samples", () => {
    expect(() => correctedResampledT([0.1, Number.NaN], 4, 1)).toThrow(/difference 1/);
    expect(() => correctedResampledT([0.1, 0.2], 0, 1)).toThrow(RangeError);
    expect(() => correctedResampledT([0.1, 0.2], 4, 0)).toThrow(RangeError);
    expect(() => correctedResampledT([0.1, 0.2], Number.NaN, 1)).toThrow(RangeError);
  });
});
