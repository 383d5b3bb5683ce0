/** Saliency against captum (oracle: test/oracles/saliency.py), and the map against its definition. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { saliencyMaps } from "../../src/explain/saliency.js";
import { square } from "../../src/image-size.js";
import { scoreGradient } from "../../src/net/evaluate.js";
import { paramSpecs } from "../../src/net/nets.js";
import type { NetName } from "../../src/net/weights/layouts.js";
import { type Digest, deviation, formulaImages, formulaWeights } from "../net/formula.js";

interface Oracle {
  seed: number;
  codes: number[];
  absolute: Digest[];
  maps: Digest[];
}
const oracle = JSON.parse(readFileSync("test/fixtures/saliency.json", "utf8")) as Partial<
  Record<NetName, Oracle>
>;
const classes = 5;
const size = 64;

describe.each(Object.entries(oracle) as [NetName, Oracle][])("%s", (net, { seed, codes, absolute, maps }) => {
  it("has captum's gradients and maps", async () => {
    const n = codes.length;
    const weights = formulaWeights(paramSpecs(net, classes));
    const images = formulaImages(seed, n, size, size);
    const gradient = await scoreGradient(net, weights, classes, square(size), images, codes, 2);
    const sample = 3 * size * size;
    expect(gradient.length).toBe(n * sample);
    const found = saliencyMaps(gradient, n, square(size));
    for (let i = 0; i < n; i++) {
      const own = gradient.subarray(i * sample, (i + 1) * sample).map(Math.abs);
      expect(deviation(own, absolute[i], 0)).toBeLessThan(1e-4);
      expect(deviation(found[i], maps[i], 0)).toBeLessThan(1e-4);
    }
    // a sample's gradient does not depend on its neighbours
    const last = images.subarray((n - 1) * sample);
    const alone = await scoreGradient(net, weights, classes, square(size), last, [codes[n - 1]], 1);
    expect(Buffer.from(alone.buffer).equals(Buffer.from(gradient.slice((n - 1) * sample).buffer))).toBe(true);
  });
});

describe("saliencyMaps", () => {
  it("takes the largest absolute value of the three channels, pixel by pixel", () => {
    const gradient = Float32Array.of(
      ...[1, -2, 0, 0.5, -3, 1, 0, -0.5, 2, 2.5, -0, 0.25],
      ...[0, 0, 0, 7, 0, 0, -8, 0, -9, 0, 0, 0],
    );
    expect(saliencyMaps(gradient, 2, square(2)).map((map) => [...map])).toEqual([
      [3, 2.5, 0, 0.5],
      [9, 0, 8, 7],
    ]);
  });

  it("of no sample is no map; of one pixel one value", () => {
    expect(saliencyMaps(new Float32Array(0), 0, square(8))).toEqual([]);
    expect(saliencyMaps(Float32Array.of(0, -1, 0.5), 1, square(1))).toEqual([Float32Array.of(1)]);
  });
});
