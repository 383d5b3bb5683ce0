import { describe, expect, it } from "vitest";
import { conformalCoverage, conformalThreshold, labelSet } from "../../src/evaluate/conformal.js";
import { softmaxRows } from "../../src/evaluate/softmax.js";
import { wilsonInterval } from "../../src/evaluate/wilson.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/conformal.json" with { type: "json" };
import { badProbabilities } from "./calibration-oracle.js";

function rows(parts: readonly number[], classes: number): Float64Array {
  return Float64Array.from(parts, (part, i) => {
    const from = i - (i % classes);
    return part / parts.slice(from, from + classes).reduce((sum, p) => sum + p, 0);
  });
}

const uniformsOf = (seed: number, n: number): Float64Array => {
  const random = new RandomState(seed);
  return Float64Array.from({ length: n }, () => random.random());
};

const cases = fixture.cases.flatMap((raw) =>
  (["lac", "aps"] as const).flatMap((score) => {
    const peer = raw[score];
    return peer === undefined ? [] : [{ ...raw, score, n: raw.codes.length, peer }];
  }),
);

describe("conformalThreshold and labelSet", () => {
  it.each(cases)("equal MAPIE: $score, $n samples of $classes classes, alpha $alpha", (oracle) => {
    const { classes, alpha, score, seed, peer } = oracle;
    const codes = Int32Array.from(oracle.codes);
    const uniforms = score === "aps" ? uniformsOf(seed, codes.length) : undefined;
    const rule = conformalThreshold(rows(oracle.parts, classes), codes, classes, alpha, score, uniforms);
    expect(rule.threshold).toBeCloseTo(peer.threshold, 14);
    const probabilities = rows(oracle.newParts, classes);
    const again = uniformsOf(seed, oracle.newCodes.length);
    const sets = oracle.newCodes.map((_, i) =>
      labelSet(probabilities.subarray(i * classes, (i + 1) * classes), rule, again[i]),
    );
    expect(sets).toEqual(peer.sets);
  });

  it("aps without random numbers is the sum down to the label, equals ordered by code", () => {
    const probabilities = Float64Array.of(0.25, 0.5, 0.25);
    const scores = [0, 1, 2].map(
      (code) => conformalThreshold(probabilities, Int32Array.of(code), 3, 0.5, "aps").threshold,
    );
    expect(scores).toEqual([0.75, 0.5, 1]);
    const rule = conformalThreshold(probabilities, Int32Array.of(0), 3, 0.5, "aps");
    expect(labelSet(probabilities, rule)).toEqual([0, 1]);
  });

  it("gives an empty set where no label is as probable as the true ones were", () => {
    const sure = Float64Array.of(0.9, 0.1, 0.2, 0.8, 0.95, 0.05);
    const rule = conformalThreshold(sure, Int32Array.of(0, 1, 0), 2, 0.25);
    expect(rule.threshold).toBeCloseTo(0.2, 14);
    expect(labelSet(Float64Array.of(0.5, 0.5), rule)).toEqual([]);
    expect(labelSet(Float64Array.of(0.2, 0.8), rule)).toEqual([1]);
  });

  it("holds all labels where calibration samples are too few, and says so", () => {
    const n = 18;
    const probabilities = new Float64Array(3 * n).fill(1 / 3);
    const rule = conformalThreshold(probabilities, new Int32Array(n), 3, 0.05);
    expect(rule).toMatchObject({ threshold: null, samples: 18 });
    expect(rule.meaning).toBe(
      "18 calibration samples are too few for label sets of 95 % coverage (at least 19 are needed): every set holds all labels.",
    );
    expect(labelSet(Float64Array.of(1, 0, 0), rule)).toEqual([0, 1, 2]);
    const enough = conformalThreshold(new Float64Array(3 * 19).fill(1 / 3), new Int32Array(19), 3, 0.05);
    expect(enough.threshold).toBeCloseTo(2 / 3, 14);
    expect(enough.meaning).toMatch(/at least 95 % of new samples .* 19 calibration samples/);
  });

  it.each(badProbabilities)("refuses %s", (_, codes, probabilities) => {
    expect(() => conformalThreshold(probabilities, codes, 2, 0.5)).toThrow(RangeError);
  });
  it("refuses an alpha that is not in 0…1, and random numbers that are not or are too few", () => {
    const [p, codes] = [Float64Array.of(1, 0), Int32Array.of(0)];
    for (const alpha of [0, 1, 90, Number.NaN])
      expect(() => conformalThreshold(p, codes, 2, alpha)).toThrow(RangeError);
    for (const uniforms of [[], [0.1, 0.2], [1.1], [-0.1], [Number.NaN]])
      expect(() => conformalThreshold(p, codes, 2, 0.5, "aps", uniforms)).toThrow(RangeError);
  });
});

describe("conformalCoverage", () => {
  it("counts sets that hold the true label, by hand, with a class that does not occur", () => {
    const rule = { score: "lac", alpha: 0.1, threshold: 0.6, samples: 50, meaning: "" } as const;
    const probabilities = Float64Array.of(0.5, 0.5, 0, 0.3, 0.3, 0.4, 0.35, 0.35, 0.3, 0.1, 0.9, 0);
    expect(conformalCoverage(Int32Array.of(0, 1, 1, 1), probabilities, 3, rule)).toEqual({
      samples: 4,
      coverage: 0.5,
      interval: wilsonInterval(2, 4),
      meanSize: 1,
      sizes: [1, 2, 1, 0],
      classes: [
        { samples: 1, coverage: 1 },
        { samples: 3, coverage: 1 / 3 },
        { samples: 0, coverage: null },
      ],
    });
  });

  it("refuses shapes that do not fit", () => {
    const rule = { score: "aps", alpha: 0.1, threshold: 0.6, samples: 50, meaning: "" } as const;
    expect(() => conformalCoverage(Int32Array.of(0, 1), Float64Array.of(1, 0, 1), 2, rule)).toThrow(
      RangeError,
    );
    expect(() => conformalCoverage(Int32Array.of(0), Float64Array.of(1, 0), 2, rule, [])).toThrow(RangeError);
  });

  // 400 calibrations of 60 samples by a net that is far too sure, each judged by 50 new samples.
  it.each(["lac", "aps", "aps without random numbers"])("is as promised on new samples: %s", (name) => {
    const score = name === "lac" ? "lac" : "aps";
    const [calibrations, n, fresh, classes, alpha] = [400, 60, 50, 4, 0.1];
    let covered = 0;
    for (let k = 0; k < calibrations; k++) {
      const random = new RandomState([29, k]);
      const total = n + fresh;
      const actual = Int32Array.from({ length: total }, () => random.interval(classes - 1));
      const logits = Float64Array.from(
        { length: total * classes },
        (_, i) => 3 * (random.standardNormal() + (i % classes === actual[Math.floor(i / classes)] ? 1.2 : 0)),
      );
      const uniforms =
        name === "aps" ? Float64Array.from({ length: total }, () => random.random()) : undefined;
      const probabilities = softmaxRows(logits, classes);
      const [head, tail] = [probabilities.subarray(0, n * classes), probabilities.subarray(n * classes)];
      const rule = conformalThreshold(
        head,
        actual.subarray(0, n),
        classes,
        alpha,
        score,
        uniforms?.subarray(0, n),
      );
      const found = conformalCoverage(actual.subarray(n), tail, classes, rule, uniforms?.subarray(n));
      covered += found.coverage;
    }
    // Scores have no ties here, so the mean coverage is exactly 55/61 = 0.9016; its standard error is 0.0028 (of a
    // calibration: beta(55, 6) and 50 draws).
    const coverage = covered / calibrations;
    expect(coverage).toBeGreaterThan(55 / 61 - 3 * 0.0028);
    expect(coverage).toBeLessThan(55 / 61 + 3 * 0.0028);
    expect(55 / 61).toBeGreaterThan(1 - alpha);
  });
});
