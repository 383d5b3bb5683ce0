/** Structural similarity against scikit-image (oracle: test/oracles/ssim.py). */
import { describe, expect, it } from "vitest";
import { structuralSimilarity } from "../../src/explain/ssim.js";
import { square } from "../../src/image-size.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/ssim.json" with { type: "json" };

describe("structuralSimilarity", () => {
  it.each(fixture)("is scikit-image's: $width × $height, case %#", (known) => {
    const { height, width, low, high, empty, mix } = known;
    const random = new RandomState([81, fixture.indexOf(known)]);
    const map = () => {
      const shown = Array.from({ length: height * width }, () => random.random() >= empty);
      return Float32Array.from(shown, (s) => {
        const value = low + (high - low) * random.random();
        return s ? value : 0;
      });
    };
    const [a, other] = [map(), map()];
    const b = a.map((v, p) => mix * v + (1 - Math.abs(mix)) * other[p]);
    const size = { height, width };
    expect(structuralSimilarity(a, b, size, high - low)).toBeCloseTo(known.ssim, 8);
    const drawn = structuralSimilarity(a, b, size, high - low, 0);
    if (known.drawn === null) expect(drawn).toBeNaN();
    else expect(drawn).toBeCloseTo(known.drawn, 8);
    expect(structuralSimilarity(a, a, size, high - low)).toBeCloseTo(1, 12);
  });

  it("refuses what is no map of the size, or has no window", () => {
    const map = new Float32Array(64);
    expect(() => structuralSimilarity(map, map, square(7), 1)).toThrow(/64 and 64 pixels, not 7 × 7/);
    expect(() => structuralSimilarity(map, new Float32Array(63), square(8), 1)).toThrow(RangeError);
    expect(() => structuralSimilarity(map.subarray(0, 36), map.subarray(0, 36), square(6), 1)).toThrow(
      /no window/,
    );
  });
});
