import { describe, expect, it } from "vitest";
import { calibration } from "../../src/evaluate/calibration.js";
import { temperRows } from "../../src/evaluate/softmax.js";
import { topLabels } from "../../src/evaluate/top-label.js";
import { badProbabilities, scoreCases } from "./calibration-oracle.js";

describe("calibration", () => {
  it.each(scoreCases)("equals scikit-learn and numpy before: $name", (oracle) => {
    const { actual, probabilities, classes } = oracle;
    const { samples, before, after } = calibration(actual, probabilities, classes);
    expect(samples).toBe(actual.length);
    expect(before.nll).toBeCloseTo(oracle.nll, 13);
    expect(before.brier).toBeCloseTo(oracle.brier, 13);
    expect(before.ece).toBeCloseTo(oracle.uniform.ece, 13);
    expect(before.eceAdaptive).toBeCloseTo(oracle.quantile.ece, 13);
    expect(before.aurc).toBeCloseTo(oracle.aurc, 13);
    expect(before.bins.map((bin) => bin.count)).toEqual(oracle.uniform.count);
    const { predicted, confidence } = topLabels(probabilities, classes);
    const sure = confidence.reduce((sum, c, i) => sum + c - (predicted[i] === actual[i] ? 1 : 0), 0);
    expect(before.overconfidence).toBeCloseTo(sure / actual.length, 13);
    expect(before.riskAtCoverage.at(-1)?.coverage).toBe(1);
    expect(after).toBeNull();
  });

  it("measures the tempered probabilities after, by one temperature or by one a sample", () => {
    const { actual, probabilities, classes } = scoreCases.at(-3) as (typeof scoreCases)[0];
    const temperatures = Float64Array.from(actual, (_, i) => 1 + (i % 3));
    for (const t of [2, temperatures])
      expect(calibration(actual, probabilities, classes, t).after).toEqual(
        calibration(actual, temperRows(probabilities, classes, t), classes).before,
      );
  });

  it("is plain JSON", () => {
    const { actual, probabilities, classes } = scoreCases[3];
    const result = calibration(actual, probabilities, classes, 1.5);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  it.each(badProbabilities)("refuses %s", (_, actual, probabilities) => {
    expect(() => calibration(actual, probabilities, 2)).toThrow(RangeError);
  });
  it("refuses temperatures that are not one a sample, or not positive", () => {
    const [actual, p] = [Int32Array.of(0, 1), Float64Array.of(1, 0, 0, 1)];
    expect(() => calibration(actual, p, 2, [1])).toThrow(RangeError);
    expect(() => calibration(actual, p, 2, [1, 0])).toThrow(RangeError);
  });
});
