import { describe, expect, it } from "vitest";
import { wilsonInterval } from "../../src/evaluate/wilson.js";
import fixture from "../fixtures/proportions.json" with { type: "json" };

describe("wilsonInterval", () => {
  it.each(fixture.wilson)("equals statsmodels: %i of %i, z = %f", (count, total, z, low, high) => {
    const interval = wilsonInterval(count, total, z);
    expect(interval[0]).toBeCloseTo(low, 14);
    expect(interval[1]).toBeCloseTo(high, 14);
  });
  it("is of 95 % by default, and ends at 0 and 1 exactly", () => {
    const [count, total, , low, high] = fixture.wilson[6];
    expect(wilsonInterval(count, total)[0]).toBeCloseTo(low, 14);
    expect(wilsonInterval(count, total)[1]).toBeCloseTo(high, 14);
    expect(wilsonInterval(0, 9)[0]).toBe(0);
    expect(wilsonInterval(9, 9)[1]).toBe(1);
  });
  it("refuses what is no share", () => {
    for (const [count, total] of [
      [0, 0],
      [3, 2],
      [-1, 2],
      [Number.NaN, 2],
    ])
      expect(() => wilsonInterval(count, total)).toThrow(RangeError);
  });
});
