import { describe, expect, it } from "vitest";
import { pointAtCoverage, pointAtRisk, riskCoverage } from "../../src/evaluate/risk-coverage.js";
import { badProbabilities, scoreCases } from "./calibration-oracle.js";

describe("riskCoverage", () => {
  it.each(scoreCases)("equals the definition in numpy: $name", (oracle) => {
    const { actual, probabilities, classes, curve } = oracle;
    const { points, aurc, aurcBest } = riskCoverage(actual, probabilities, classes);
    expect(points.map((p) => [p.threshold, p.assigned, p.errors])).toEqual(curve);
    for (const { assigned, errors, coverage, risk } of points) {
      expect(coverage).toBe(assigned / actual.length);
      expect(risk).toBe(errors / assigned);
    }
    expect(aurc).toBeCloseTo(oracle.aurc, 13);
    expect(aurcBest).toBeCloseTo(oracle.aurcBest, 13);
  });

  it("lets equal confidences in together: in any order, a constant confidence gives the error rate", () => {
    const probabilities = Float64Array.of(0.6, 0.4, 0.6, 0.4, 0.6, 0.4, 0.6, 0.4);
    for (const codes of [
      [0, 0, 0, 1],
      [1, 0, 0, 0],
    ]) {
      const { points, aurc } = riskCoverage(Int32Array.from(codes), probabilities, 2);
      expect(points).toEqual([{ threshold: 0.6, assigned: 4, errors: 1, coverage: 1, risk: 0.25 }]);
      expect(aurc).toBe(0.25);
    }
  });

  it.each(badProbabilities)("refuses %s", (_, actual, probabilities) => {
    expect(() => riskCoverage(actual, probabilities, 2)).toThrow(RangeError);
  });
});

// confidences 0.9 right, 0.8 wrong, 0.7 right, 0.7 right, 0.6 wrong
const curve = riskCoverage(
  Int32Array.of(0, 1, 0, 0, 1),
  Float64Array.of(0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.7, 0.3, 0.6, 0.4),
  2,
);

describe("pointAtCoverage", () => {
  it("assigns at least that share, whole ties", () => {
    expect([0, 0.2, 0.21, 0.4, 0.5, 0.8, 1].map((c) => pointAtCoverage(curve, c).assigned)).toEqual([
      1, 1, 2, 2, 4, 4, 5,
    ]);
  });
  it("refuses what is no share", () => {
    for (const coverage of [-0.1, 1.1, Number.NaN])
      expect(() => pointAtCoverage(curve, coverage)).toThrow(RangeError);
  });
});

describe("pointAtRisk", () => {
  it("assigns most samples, though a smaller share may have a greater risk", () => {
    expect([0, 0.2, 0.25, 0.39, 0.4].map((risk) => pointAtRisk(curve, risk)?.assigned)).toEqual([
      1, 1, 4, 4, 5,
    ]);
  });
  it("is null where every threshold has a greater risk", () => {
    const wrong = riskCoverage(Int32Array.of(1), Float64Array.of(1, 0), 2);
    expect(pointAtRisk(wrong, 0.99)).toBeNull();
  });
});
