import { describe, expect, it } from "vitest";
import {
  fitLogistic,
  type LogisticModel,
  logistic,
  logisticProbabilities,
} from "../../../src/evaluate/baselines/logistic.js";
import { RandomState } from "../../../src/random.js";
import { type BaselineCase, baselineCases, features, largestDifference } from "./oracle.js";

const cases = baselineCases.flatMap(({ l2, l1, ...rest }) =>
  l2 === null || l1 === null ? [] : [{ ...rest, l2, l1 }],
);

/** Slope of the summed loss by each coefficient and intercept, straight from the definition. */
function slopes(
  { x, codes }: Pick<BaselineCase, "x" | "codes">,
  model: LogisticModel,
): { coefficients: Float64Array; intercepts: Float64Array } {
  const outputs = model.intercepts.length;
  const p = logisticProbabilities(model, x);
  const coefficients = new Float64Array(outputs * x.cols);
  const intercepts = new Float64Array(outputs);
  for (let i = 0; i < x.rows; i++)
    for (let k = 0; k < outputs; k++) {
      const c = model.present[outputs === 1 ? 1 : k];
      const residual = p[i * model.classes + c] - (codes[i] === c ? 1 : 0);
      intercepts[k] += residual;
      for (let j = 0; j < x.cols; j++) coefficients[k * x.cols + j] += residual * x.data[i * x.cols + j];
    }
  return { coefficients, intercepts };
}

describe("logistic regression (L2)", () => {
  it.each(cases)("equals LogisticRegression: $name", ({ x, codes, classes, query, l2 }) => {
    const model = fitLogistic(x, codes, classes, { penalty: "l2" });
    expect(model.converged).toBe(true);
    expect(largestDifference(model.coefficients, l2.coefficients)).toBeLessThan(1e-6);
    const size = Math.max(1, ...l2.intercepts.map(Math.abs));
    expect(largestDifference(model.intercepts, l2.intercepts) / size).toBeLessThan(2e-5);
    expect(largestDifference(logisticProbabilities(model, query), l2.probabilities)).toBeLessThan(2e-5);
  });

  it("weighs the loss by C", () => {
    const [{ x, codes, classes }] = cases;
    for (const c of [0.01, 100]) {
      const model = fitLogistic(x, codes, classes, { penalty: "l2", c });
      const slope = slopes({ x, codes }, model);
      slope.coefficients.forEach((g, i) => {
        expect(c * g + model.coefficients[i]).toBeCloseTo(0, 3);
      });
    }
  });
});

describe("logistic regression (L1)", () => {
  it.each(cases)(
    "has the probabilities of LogisticRegression's optimum: $name",
    ({ x, codes, classes, query, l1 }) => {
      const model = fitLogistic(x, codes, classes, { penalty: "l1" });
      expect(model.converged).toBe(true);
      expect(largestDifference(logisticProbabilities(model, query), l1)).toBeLessThan(1e-4);
    },
  );

  it.each(cases)("meets the conditions of the optimum: $name", ({ x, codes, classes }) => {
    const model = fitLogistic(x, codes, classes, { penalty: "l1" });
    const slope = slopes({ x, codes }, model);
    slope.intercepts.forEach((g) => {
      expect(g).toBeCloseTo(0, 4);
    });
    slope.coefficients.forEach((g, i) => {
      const w = model.coefficients[i];
      const spread = Math.max(1, Math.abs(x.data[i % x.cols])); // of one value: of its order
      if (w === 0) expect(Math.abs(g)).toBeLessThan(1 + 1e-4 * spread);
      else expect((g + Math.sign(w)) / spread).toBeCloseTo(0, 4);
    });
  });

  it("has exact zeros where C is small, and none of the coefficients left where it is tiny", () => {
    const { x, codes, classes } = cases.find(({ name }) => name === "five classes")!;
    const zeros = [1, 0.1, 1e-3].map(
      (c) => fitLogistic(x, codes, classes, { penalty: "l1", c }).coefficients.filter((w) => w === 0).length,
    );
    expect(zeros[0]).toBeLessThan(zeros[1]);
    expect(zeros[2]).toBe(classes * x.cols);
  });
});

describe.each(["l2", "l1"] as const)("logistic regression at the edges (%s)", (penalty) => {
  const train = logistic({ penalty });

  it("gives probability 1 to a class that is alone", () => {
    const classify = train(features([1, 2, 3, 4], 2), Int32Array.of(1, 1), 3);
    expect([...classify(features([9, 9], 2))]).toEqual([0, 1, 0]);
  });

  it("gives the class shares where there are no features", () => {
    const none = (rows: number) => ({ rows, cols: 0, data: new Float64Array(0) });
    const p = train(none(4), Int32Array.of(0, 1, 2, 2), 3)(none(1));
    expect(largestDifference(p, [0.25, 0.25, 0.5])).toBeLessThan(1e-5);
  });

  it("does not care about a feature's origin or the classes' order", () => {
    const { x, codes, classes, query } = cases.find(({ name }) => name === "five classes")!;
    const p = train(x, codes, classes)(query);
    const far = (f: typeof x) => ({ ...f, data: f.data.map((v) => v + 1000) });
    expect(largestDifference(train(far(x), codes, classes)(far(query)), p)).toBeLessThan(1e-4);
    const flipped = train(
      x,
      codes.map((c) => classes - 1 - c),
      classes,
    )(query);
    const back = p.map((_, i) => flipped[i - (i % classes) + (classes - 1 - (i % classes))]);
    expect(largestDifference(back, p)).toBeLessThan(1e-4);
  });

  it("stays finite on classes that are a million spreads apart", () => {
    const random = new RandomState(2);
    const codes = Int32Array.from({ length: 40 }, (_, i) => i % 4);
    const x = features(Array.from(codes, (c) => [1e6 * c, random.standardNormal()]).flat(), 2);
    const p = train(x, codes, 4)(x);
    codes.forEach((c, i) => {
      expect(p[4 * i + c]).toBeGreaterThan(0.99);
    });
  });

  it("needs few steps, though spreads differ by powers of ten and the classes overlap", () => {
    // without scaling 2,000 steps (L2), without shortened coefficients 400 (L1)
    const random = new RandomState(3);
    const [rows, cols, many] = [600, 10, 20];
    const centres = Float64Array.from({ length: many * cols }, () => 0.35 * random.standardNormal());
    const codes = Int32Array.from({ length: rows }, (_, i) => i % many);
    for (const power of [2, -2]) {
      const data = Float64Array.from({ length: rows * cols }, (_, p) => {
        const [i, j] = [Math.floor(p / cols), p % cols];
        return (centres[codes[i] * cols + j] + random.standardNormal()) * 10 ** (power - j / 3);
      });
      const model = fitLogistic({ rows, cols, data }, codes, many, { penalty });
      expect(model.converged).toBe(true);
      expect(model.iterations).toBeLessThan(120);
    }
  });

  it("gives the same bits every time, and float32 features what their values give", () => {
    const { x, codes, classes, query } = cases[2];
    const p = train(x, codes, classes)(query);
    expect(train(x, codes, classes)(query)).toEqual(p);
    const short = (f: typeof x) => ({ ...f, data: Float32Array.from(f.data) });
    expect(train(short(x), codes, classes)(short(query))).toEqual(p); // sixty-fourths are exact in float32
  });

  it("refuses NaN and a C that is no number above 0", () => {
    expect(() => train(features([1, Number.NaN], 1), Int32Array.of(0, 1), 2)).toThrow(/NaN/);
    for (const c of [0, -1, Number.NaN, Infinity])
      expect(() => fitLogistic(features([1, 2], 1), Int32Array.of(0, 1), 2, { penalty, c })).toThrow(
        RangeError,
      );
  });
});
