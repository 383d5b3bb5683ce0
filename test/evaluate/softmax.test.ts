import { describe, expect, it } from "vitest";
import { logProbabilities, softmaxRows, temperRows } from "../../src/evaluate/softmax.js";
import { temperatureCases } from "./calibration-oracle.js";

describe("softmaxRows", () => {
  it("equals scipy.special.softmax", () => {
    // softmax([[1, 2, 3], [0, 0, −4]], axis=1), and of the same / 2.5
    const logits = Float64Array.of(1, 2, 3, 0, 0, -4);
    const at1 = [
      0.09003057317038046, 0.24472847105479764, 0.6652409557748218, 0.4954626425778431, 0.4954626425778431,
      0.009074714844313747,
    ];
    const at25 = [
      0.2119827207075278, 0.3162410582246815, 0.4717762210677908, 0.4541539494829372, 0.4541539494829372,
      0.09169210103412564,
    ];
    softmaxRows(logits, 3).forEach((p, i) => {
      expect(p).toBeCloseTo(at1[i], 14);
    });
    softmaxRows(logits, 3, 2.5).forEach((p, i) => {
      expect(p).toBeCloseTo(at25[i], 14);
    });
  });

  it("takes logits that overflow exp, one class, no samples, and a temperature a sample", () => {
    expect([...softmaxRows(Float64Array.of(1e5, 0, -1e5, 1e5), 2)]).toEqual([1, 0, 0, 1]);
    expect([...softmaxRows(Float32Array.of(-7, 3), 1, 0.01)]).toEqual([1, 1]);
    expect(softmaxRows(new Float32Array(0), 3)).toHaveLength(0);
    const both = softmaxRows(Float64Array.of(1, 0, 1, 0), 2, [1, 4]);
    expect([...both]).toEqual([
      ...softmaxRows(Float64Array.of(1, 0), 2, 1),
      ...softmaxRows(Float64Array.of(1, 0), 2, 4),
    ]);
  });

  it("refuses rows that are not whole and temperatures that are not positive or not one a sample", () => {
    const row = Float64Array.of(1, 2, 3);
    expect(() => softmaxRows(row, 2)).toThrow(RangeError);
    for (const t of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, [1, 1]])
      expect(() => softmaxRows(row, 3, t)).toThrow(RangeError);
  });
});

describe("temperRows", () => {
  it.each(temperatureCases)(
    "of probabilities equals the softmax of logits / T: $name",
    ({ logits, classes }) => {
      // logits 700 apart leave probabilities of 1e-304: all but the subnormal ones have their logarithm
      const near = logits.map((z) => Math.max(-90, Math.min(90, z)) / 2);
      const probabilities = softmaxRows(near, classes);
      for (const t of [0.3, 1, 2.7]) {
        const expected = softmaxRows(near, classes, t);
        temperRows(probabilities, classes, t).forEach((p, i) => {
          expect(Math.abs(p - expected[i])).toBeLessThan(1e-13);
        });
      }
    },
  );

  it("takes float32's zeros as its smallest number", () => {
    expect([...logProbabilities(Float32Array.of(0, 1))]).toEqual([-149 * Math.LN2, 0]);
    const [p, q] = temperRows(Float32Array.of(0, 1), 2, 149);
    expect(q / p).toBeCloseTo(2, 12);
  });
});
