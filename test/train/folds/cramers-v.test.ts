import { describe, expect, it } from "vitest";
import { cramersV } from "../../../src/train/folds/cramers-v.js";
import fixture from "../../fixtures/splitters.json" with { type: "json" };
import { digits } from "./oracle.js";

describe("cramersV", () => {
  it.each(fixture.cramers)("equals scipy's: case %# ($v)", ({ a, b, v }) => {
    expect(cramersV(digits(a), digits(b))).toBeCloseTo(v, 14);
    expect(cramersV(digits(b), digits(a))).toBeCloseTo(v, 14);
  });

  it("is NaN where one side has a single value, and for no rows", () => {
    expect(cramersV(Int32Array.of(0, 1), Int32Array.of(5, 5))).toBeNaN();
    expect(cramersV(Int32Array.of(5, 5), Int32Array.of(0, 1))).toBeNaN();
    expect(cramersV(new Int32Array(0), new Int32Array(0))).toBeNaN();
  });
});
