import { describe, expect, it } from "vitest";
import { hypergeometricTail } from "../../src/evaluate/hypergeometric.js";
import fixture from "../fixtures/gene_sets.json" with { type: "json" };

describe("hypergeometricTail", () => {
  it.each(fixture.hypergeometric)(
    "is exact: %i of %i, set of %i, %i drawn: %d",
    (found, total, set, drawn, p) => {
      for (const value of [
        hypergeometricTail(found, total, set, drawn),
        hypergeometricTail(found, total, drawn, set),
      ])
        expect(Math.abs(value - p)).toBeLessThanOrEqual(1e-11 * p);
    },
  );

  it("adds up to 1 with the tail of the genes that are not in the set", () => {
    for (let found = 0; found <= 6; found++)
      expect(hypergeometricTail(found, 20, 9, 6) + hypergeometricTail(6 - found + 1, 20, 11, 6)).toBeCloseTo(
        1,
        14,
      );
  });

  it("refuses numbers that do not fit", () => {
    expect(() => hypergeometricTail(1, 5, 6, 2)).toThrow(RangeError);
    expect(() => hypergeometricTail(1, 5, 2, 6)).toThrow(RangeError);
    expect(() => hypergeometricTail(-1, 5, 2, 2)).toThrow(RangeError);
    expect(() => hypergeometricTail(0.5, 5, 2, 2)).toThrow(/0.5 of 2 found/);
    expect(() => hypergeometricTail(1, Number.NaN, 2, 2)).toThrow(RangeError);
  });
});
