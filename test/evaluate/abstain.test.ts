import { describe, expect, it } from "vitest";
import { assign, thresholdForRisk, unassigned } from "../../src/evaluate/abstain.js";
import { binomialCdf, clopperPearsonUpper } from "../../src/evaluate/clopper-pearson.js";
import { riskCoverage } from "../../src/evaluate/risk-coverage.js";
import { RandomState } from "../../src/random.js";
import { badProbabilities } from "./calibration-oracle.js";

/** Samples of two classes, all predicted 0, with the given confidences; wrong where said. */
function samples(confidences: readonly number[], wrong: (i: number) => boolean) {
  return {
    actual: Int32Array.from(confidences, (_, i) => (wrong(i) ? 1 : 0)),
    probabilities: Float64Array.from(confidences.flatMap((c) => [c, 1 - c])),
  };
}
const falling = (n: number): number[] => Array.from({ length: n }, (_, i) => 1 - i / (2 * n));

describe("thresholdForRisk", () => {
  it("assigns all where that is safe", () => {
    const { actual, probabilities } = samples(falling(200), (i) => i === 199);
    const rule = thresholdForRisk(actual, probabilities, 2, 0.05);
    expect(rule).toMatchObject({ threshold: 0, samples: 200, assigned: 200, errors: 1, coverage: 1 });
    expect(rule.upperLimit).toBe(clopperPearsonUpper(1, 200, 1 - 0.05 / 4));
    expect(rule.meaning).toBe(
      "Every sample is assigned, whatever its confidence (200 of 200 held-out samples, 1 of them wrongly): with 95 % confidence at most 5 % of the assigned new samples of the same kind are wrong.",
    );
  });

  it("goes down from a start to the first threshold that does not hold", () => {
    // right down to rank 260 of 400, then every other one is wrong
    const { actual, probabilities } = samples(falling(400), (i) => i >= 260 && i % 2 === 0);
    const rule = thresholdForRisk(actual, probabilities, 2, 0.05);
    const limit = (assigned: number): number => {
      const errors = actual.slice(0, assigned).reduce((sum, wrong) => sum + wrong, 0);
      return clopperPearsonUpper(errors, assigned, 1 - 0.05 / 4);
    };
    expect(rule.assigned).toBeGreaterThan(260);
    expect(rule.upperLimit).toBe(limit(rule.assigned));
    expect(limit(rule.assigned)).toBeLessThanOrEqual(0.05);
    expect(limit(rule.assigned + 1)).toBeGreaterThan(0.05);
    expect(rule.threshold).toBe(probabilities[2 * (rule.assigned - 1)]);
    expect(rule.meaning).toMatch(/^A sample is assigned where its confidence is 0\.\d+ or more \(/);
    const assigned = assign(probabilities, 2, rule.threshold);
    expect(assigned.filter((code) => code !== unassigned)).toHaveLength(rule.assigned);
  });

  it("assigns none where the samples cannot show it, and says how many could", () => {
    const { actual, probabilities } = samples(falling(60), () => false);
    const rule = thresholdForRisk(actual, probabilities, 2, 0.05);
    expect(rule).toMatchObject({ threshold: null, assigned: 0, errors: 0, coverage: 0, upperLimit: null });
    const needed = Number(/at least (\d+) assigned/.exec(rule.meaning)?.[1]);
    const of = (n: number) => samples(falling(n), () => false);
    const [enough, few] = [of(needed), of(needed - 1)];
    expect(thresholdForRisk(enough.actual, enough.probabilities, 2, 0.05).coverage).toBe(1);
    expect(thresholdForRisk(few.actual, few.probabilities, 2, 0.05).threshold).toBeNull();
    expect(thresholdForRisk(Int32Array.of(0), Float64Array.of(1, 0), 2, 0.5).threshold).toBeNull();
  });

  it("lets equal confidences in together or not at all", () => {
    const confidences = [...falling(150), ...new Array<number>(50).fill(0.5)];
    const [safe, unsafe] = [samples(confidences, (i) => i >= 190), samples(confidences, (i) => i >= 180)];
    expect(thresholdForRisk(safe.actual, safe.probabilities, 2, 0.1).assigned).toBe(200);
    expect(thresholdForRisk(unsafe.actual, unsafe.probabilities, 2, 0.1).assigned).toBe(150);
    const constant = samples(new Array<number>(100).fill(0.7), (i) => i < 3);
    expect(thresholdForRisk(constant.actual, constant.probabilities, 2, 0.2).threshold).toBe(0);
    expect(thresholdForRisk(constant.actual, constant.probabilities, 2, 0.05).threshold).toBeNull();
  });

  // The promise itself, where it is hardest: the confidence says nothing and the true error is just above what is
  // allowed, so that every threshold is wrong. The best of all thresholds breaks it in a fifth of the calibrations.
  it("keeps its promise on new samples: broken in no more than 1 − confidence of the calibrations", () => {
    const [calibrations, n, risk] = [400, 500, 0.1];
    let broken = 0;
    let naive = 0;
    for (let k = 0; k < calibrations; k++) {
      const random = new RandomState([17, k]);
      const confidences = Array.from({ length: n }, () => 0.5 + random.random() / 2);
      const { actual, probabilities } = samples(confidences, () => random.random() < 1.02 * risk);
      if (thresholdForRisk(actual, probabilities, 2, risk).threshold !== null) broken++;
      if (
        riskCoverage(actual, probabilities, 2).points.some(
          (p) => binomialCdf(p.errors, p.assigned, risk) <= 0.05,
        )
      )
        naive++;
    }
    expect(broken / calibrations).toBeLessThanOrEqual(0.05);
    expect(naive / calibrations).toBeGreaterThan(0.1); // the test can see a promise that is broken
  });

  it("is of use where the confidence tells right from wrong", () => {
    const random = new RandomState(5);
    const confidences = Array.from({ length: 1000 }, () => 0.5 + random.random() / 2);
    const { actual, probabilities } = samples(confidences, (i) => random.random() > confidences[i]);
    const rule = thresholdForRisk(actual, probabilities, 2, 0.2);
    // errors of the assigned from threshold t on are (1 − t) / 2 on average: t = 0.6 is the best there is
    expect(rule.threshold).toBeGreaterThan(0.6);
    expect(rule.threshold).toBeLessThan(0.72);
  });

  it.each(badProbabilities)("refuses %s", (_, actual, probabilities) => {
    expect(() => thresholdForRisk(actual, probabilities, 2, 0.1)).toThrow(RangeError);
  });
  it("refuses shares that are not in 0…1", () => {
    for (const share of [0, 1, 5, -0.1, Number.NaN]) {
      expect(() => thresholdForRisk(Int32Array.of(0), Float64Array.of(1, 0), 2, share)).toThrow("the risk");
      expect(() => thresholdForRisk(Int32Array.of(0), Float64Array.of(1, 0), 2, 0.1, share)).toThrow(
        "the confidence",
      );
    }
  });
});

describe("assign", () => {
  const probabilities = Float32Array.of(0.2, 0.8, 0.5, 0.5, 0.6, 0.4);
  it("leaves samples below the threshold unassigned", () => {
    expect([...assign(probabilities, 2, 0.6)]).toEqual([1, unassigned, 0]); // float32's 0.6 is a little more
    expect([...assign(probabilities, 2, 0)]).toEqual([1, 0, 0]);
  });
  it("assigns none without a threshold", () => {
    expect([...assign(probabilities, 2, null)]).toEqual([unassigned, unassigned, unassigned]);
  });
});
