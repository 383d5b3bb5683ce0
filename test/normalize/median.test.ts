import { describe, expect, it } from "vitest";
import { MovingMedian, medianInPlace } from "../../src/normalize/median.js";
import { RandomState } from "../../src/random.js";

const sorted = (values: Float64Array) => {
  const order = values.slice().sort();
  return (order[(order.length - 1) >> 1] + order[order.length >> 1]) / 2;
};
const random = new RandomState(5);
/** Some of them the same. */
const drawn = (n: number, step = 0.01) =>
  Float64Array.from({ length: n }, () => Math.round(random.random() / step) * step);

describe("medianInPlace", () => {
  it.each([1, 2, 3, 4, 7, 10, 101, 1000])("of %i values", (n) => {
    for (let round = 0; round < 20; round++) {
      const values = drawn(n, round % 2 === 0 ? 0.3 : 1e-6);
      expect(medianInPlace(values.slice())).toBe(sorted(values));
    }
  });
  it("of the first few, whatever their order, and of those that are all the same", () => {
    expect(medianInPlace(Float64Array.of(1, 9, 5, -7), 3)).toBe(5);
    expect(medianInPlace(Float64Array.from({ length: 100 }, (_, i) => 100 - i))).toBe(50.5);
    expect(medianInPlace(new Float64Array(50).fill(3))).toBe(3);
  });
});

describe("MovingMedian", () => {
  it.each([1, 2, 3, 64, 501])("of %i values that move on, and of others", (n) => {
    const moving = new MovingMedian(n);
    const values = drawn(n);
    for (let round = 0; round < 300; round++) {
      for (let i = 0; i < n; i += 3) values[i] += random.random() - 0.5;
      if (round % 50 === 0) values.set(drawn(n).map((v) => 100 * v - round));
      const before = values.slice();
      expect(moving.of(values, round % 7 === 0 ? random.random() : undefined)).toBe(sorted(values));
      expect(values).toEqual(before);
    }
  });
  it("of values that are mostly 0", () => {
    const moving = new MovingMedian(40);
    for (let round = 0; round < 50; round++) {
      const values = drawn(40).map((v) => (v < 0.6 ? 0 : v));
      expect(moving.of(values)).toBe(sorted(values));
    }
  });
});
