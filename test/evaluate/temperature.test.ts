import { describe, expect, it } from "vitest";
import { nll } from "../../src/evaluate/nll.js";
import { logProbabilities, softmaxRows } from "../../src/evaluate/softmax.js";
import { fitTemperature } from "../../src/evaluate/temperature.js";
import { RandomState } from "../../src/random.js";
import { temperatureCases } from "./calibration-oracle.js";

const mean = (values: Float64Array): number => values.reduce((sum, v) => sum + v, 0) / values.length;
const topOf = (p: Float64Array, classes: number): Float64Array =>
  Float64Array.from({ length: p.length / classes }, (_, i) =>
    Math.max(...p.subarray(i * classes, (i + 1) * classes)),
  );

describe("fitTemperature", () => {
  it.each(temperatureCases)("equals scipy: $name", (oracle) => {
    const { logits, codes, classes, temperature } = oracle;
    const fitted = fitTemperature(logits, codes, classes);
    expect(Math.abs(fitted.temperature / temperature - 1)).toBeLessThan(1e-9);
    expect(Math.abs(fitted.nllBefore / oracle.nllBefore - 1)).toBeLessThan(1e-12);
    expect(Math.abs(fitted.nllAfter / oracle.nllAfter - 1)).toBeLessThan(1e-12);
    expect(fitted).toMatchObject({ n: codes.length, bound: null });
    expect(fitted).not.toHaveProperty("note");
  });

  it.each(temperatureCases)("is the same from the logarithms of the probabilities: $name", (oracle) => {
    const { codes, classes } = oracle;
    const near = oracle.logits.map((z) => Math.max(-15, Math.min(15, z)));
    const probabilities = softmaxRows(near, classes);
    const fitted = fitTemperature(near, codes, classes);
    const again = fitTemperature(logProbabilities(probabilities), codes, classes);
    expect(Math.abs(again.temperature / fitted.temperature - 1)).toBeLessThan(1e-9);
    expect(fitted.nllBefore).toBeCloseTo(nll(codes, probabilities, classes), 12);
    const tempered = softmaxRows(near, classes, fitted.temperature);
    expect(fitted.nllAfter).toBeCloseTo(nll(codes, tempered, classes), 12);
  });

  it("finds the temperature that made the labels", () => {
    const random = new RandomState(3);
    const [n, classes] = [20_000, 3];
    const logits = Float64Array.from({ length: n * classes }, () => 3 * random.standardNormal());
    const truth = softmaxRows(logits, classes, 2.5);
    const codes = Int32Array.from({ length: n }, (_, i) => {
      let u = random.random();
      for (let c = 0; c < classes - 1; c++) {
        u -= truth[i * classes + c];
        if (u < 0) return c;
      }
      return classes - 1;
    });
    const { temperature } = fitTemperature(logits, codes, classes);
    expect(temperature).toBeGreaterThan(2.4);
    expect(temperature).toBeLessThan(2.6);
  });

  it("of samples that are all right goes no further than they support", () => {
    const n = 20;
    const codes = Int32Array.from({ length: n }, (_, i) => i % 3);
    const logits = Float64Array.from({ length: 3 * n }, (_, i) =>
      i % 3 === codes[Math.floor(i / 3)] ? 1 + i / 100 : (i % 5) / 10,
    );
    const fitted = fitTemperature(logits, codes, 3);
    expect(fitted.bound).toBe("separated");
    expect(fitted.note).toMatch(/All 20 samples are right.*21 \/ 22/);
    expect(fitted.temperature).toBeLessThan(1);
    expect(mean(topOf(softmaxRows(logits, 3, fitted.temperature), 3))).toBeCloseTo(21 / 22, 10);
    // a net that is surer than that stays as it is
    const sure = fitTemperature(
      logits.map((z) => 30 * z),
      codes,
      3,
    );
    expect(sure).toMatchObject({ temperature: 1, bound: "separated" });
    expect(sure.nllAfter).toBe(sure.nllBefore);
  });

  it("of one sample: right up to 2/3, wrong up to the upper end", () => {
    const right = fitTemperature(Float64Array.of(0.1, 0), Int32Array.of(0), 2);
    expect(right).toMatchObject({ bound: "separated", n: 1 });
    expect(softmaxRows(Float64Array.of(0.1, 0), 2, right.temperature)[0]).toBeCloseTo(2 / 3, 10);
    const wrong = fitTemperature(Float64Array.of(0.1, 0), Int32Array.of(1), 2);
    expect(wrong).toMatchObject({ temperature: 1e4, bound: "upper" });
    expect(wrong.nllAfter).toBeLessThan(wrong.nllBefore);
    expect(wrong.note).toContain("10000");
  });

  it("stops at 1e-4 where logits are tiny, or right but tied", () => {
    const tiny = Float64Array.of(1e-9, 0, 1e-9, 0, 0, 1e-9, 2e-10, 0);
    expect(fitTemperature(tiny, Int32Array.of(0, 0, 1, 1), 2)).toMatchObject({
      temperature: 1e-4,
      bound: "lower",
    });
    const tied = fitTemperature(Float64Array.of(1, 1, 0, 2, 2, 0), Int32Array.of(0, 1), 3);
    expect(tied).toMatchObject({ bound: "separated" });
    expect(tied.temperature).toBeCloseTo(1e-4, 12);
  });

  it("leaves constant logits and a single class alone", () => {
    const constant = { temperature: 1, bound: "constant" };
    const same = fitTemperature(Float64Array.of(5, 5, 5, -2, -2, -2), Int32Array.of(0, 2), 3);
    expect(same).toMatchObject(constant);
    expect(same.nllAfter).toBeCloseTo(Math.log(3), 14);
    const one = fitTemperature(Float32Array.of(3, 4), Int32Array.of(0, 0), 1);
    expect(one).toMatchObject({ ...constant, nllBefore: 0, nllAfter: 0 });
  });

  it("does not depend on a constant a row", () => {
    const { logits, codes, classes, temperature } = temperatureCases.at(-1) as (typeof temperatureCases)[0];
    const shifted = logits.map((z, i) => z + 10 * Math.floor(i / classes));
    expect(fitTemperature(shifted, codes, classes).temperature).toBeCloseTo(temperature, 9);
  });

  it("refuses no samples, shapes that do not fit, unknown classes and logits that are not finite", () => {
    const codes = (...list: number[]) => Int32Array.from(list);
    expect(() => fitTemperature(new Float64Array(0), codes(), 2)).toThrow(RangeError);
    expect(() => fitTemperature(new Float64Array(3), codes(0, 1), 2)).toThrow(RangeError);
    expect(() => fitTemperature(new Float64Array(4), codes(0, 2), 2)).toThrow(RangeError);
    expect(() => fitTemperature(Float64Array.of(1, 2, Number.NaN, 0), codes(0, 1), 2)).toThrow(
      /sample 1, class 0 is NaN/,
    );
    expect(() => fitTemperature(Float64Array.of(1, Number.NEGATIVE_INFINITY), codes(0), 2)).toThrow(
      RangeError,
    );
  });
});
