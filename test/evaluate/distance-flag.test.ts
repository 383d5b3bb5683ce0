import { describe, expect, it } from "vitest";
import { distanceFlag, distancePValues } from "../../src/evaluate/distance-flag.js";
import { RandomState } from "../../src/random.js";

const draw = (n: number, seed: number, ties = false): Float64Array => {
  const random = new RandomState(seed);
  return Float64Array.from({ length: n }, () => (ties ? random.interval(5) : Math.abs(random.standardNormal())));
};

describe("distancePValues", () => {
  it.each([0, 1, 2, 7, 40])("is (1 + as far ones) / (1 + n), counted one by one: %i reference samples", (n) => {
    for (const ties of [false, true]) {
      const reference = draw(n, 1, ties);
      const fresh = draw(30, 2, ties);
      const expected = Array.from(
        fresh,
        (distance) => (1 + reference.filter((r) => r >= distance).length) / (1 + n),
      );
      expect([...distancePValues(reference, fresh)]).toEqual(expected);
    }
  });
  it("leaves the reference as it was", () => {
    const reference = Float32Array.of(3, 1, 2);
    distancePValues(reference, reference);
    expect([...reference]).toEqual([3, 1, 2]);
  });
  it("refuses NaN", () => {
    expect(() => distancePValues(Float64Array.of(1), Float64Array.of(0, Number.NaN))).toThrow(/sample 1/);
    expect(() => distancePValues(Float64Array.of(Number.NaN), Float64Array.of(0))).toThrow(RangeError);
  });
});

describe("distanceFlag", () => {
  it.each([1, 3, 9, 10, 19, 20, 99, 150])("flags exactly p ≤ alpha: %i reference samples", (n) => {
    for (const ties of [false, true]) {
      const reference = draw(n, 3, ties);
      const fresh = draw(200, 4, ties).map((d) => 1.3 * d);
      const p = distancePValues(reference, fresh);
      for (const alpha of [0.01, 0.05, 0.1, 0.5]) {
        const { threshold } = distanceFlag(reference, alpha);
        const flagged = Array.from(fresh, (d) => threshold !== null && d > threshold);
        expect(flagged).toEqual(Array.from(p, (value) => value <= alpha + 1e-12));
      }
    }
  });

  it("flags about alpha of samples like the reference, and says what it means", () => {
    const flag = distanceFlag(draw(999, 5), 0.05);
    const share = draw(20_000, 6).filter((d) => d > (flag.threshold ?? 0)).length / 20_000;
    expect(share).toBeGreaterThan(0.03);
    expect(share).toBeLessThan(0.07);
    expect(flag.meaning).toMatch(/farther than \d\.\d\d is flagged .* 999 reference samples at most 5 % are/);
  });

  it("has no threshold where reference samples are too few, and says how many are needed", () => {
    expect(distanceFlag(draw(18, 7), 0.05)).toEqual({
      alpha: 0.05,
      threshold: null,
      samples: 18,
      meaning:
        "18 reference samples are too few to flag 5 % of them (at least 19 are needed): no sample is flagged, however far it is.",
    });
    expect(distanceFlag(new Float64Array(0), 0.5).threshold).toBeNull();
    expect(distanceFlag(Float32Array.of(4), 0.5).threshold).toBe(4);
  });

  it("refuses NaN and an alpha that is not in 0…1", () => {
    expect(() => distanceFlag(Float64Array.of(Number.NaN), 0.05)).toThrow(RangeError);
    for (const alpha of [0, 1, 5]) expect(() => distanceFlag(Float64Array.of(1), alpha)).toThrow(RangeError);
  });
});
