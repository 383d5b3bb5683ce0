/** Saliency against captum (oracle: test/oracles/saliency.py), and the map against its definition. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { saliencyMaps } from "../../src/explain/saliency.js";
import { ScoreGraph } from "../../src/explain/score-model.js";
import { nets } from "../../src/net/nets.js";
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
const size = { height: 64, width: 64 };

describe.each(Object.entries(oracle) as [NetName, Oracle][])("%s", (net, { seed, codes, absolute, maps }) => {
  it("has captum's gradients and maps", async () => {
    const n = codes.length;
    const graph = new ScoreGraph({ network: (ctx, x) => nets[net].build(ctx, x, classes), size, threads: 2 });
    const model = graph.model(formulaWeights(graph.specs));
    const images = formulaImages(seed, n, size.height, size.width);
    const { gradient } = await model.gradient(images, codes);
    const sample = 3 * size.height * size.width;
    expect(gradient.length).toBe(n * sample);
    const found = saliencyMaps(gradient, n, size);
    for (let i = 0; i < n; i++) {
      const own = gradient.subarray(i * sample, (i + 1) * sample).map(Math.abs);
      expect(deviation(own, absolute[i], 0)).toBeLessThan(1e-4);
      expect(deviation(found[i], maps[i], 0)).toBeLessThan(1e-4);
    }
    // a sample's gradient does not depend on its neighbours
    const last = images.subarray((n - 1) * sample);
    const { gradient: alone } = await model.gradient(last, [codes[n - 1]]);
    await graph.release();
    expect(Buffer.from(alone.buffer).equals(Buffer.from(gradient.slice((n - 1) * sample).buffer))).toBe(true);
  });
});

describe("saliencyMaps", () => {
  it("takes the largest absolute value of the three channels, pixel by pixel", () => {
    const gradient = Float32Array.of(
      ...[1, -2, 0, 0.5, -3, 1, 0, -0.5, 2, 2.5, -0, 0.25],
      ...[0, 0, 0, 7, 0, 0, -8, 0, -9, 0, 0, 0],
    );
    expect(saliencyMaps(gradient, 2, { height: 2, width: 2 }).map((map) => [...map])).toEqual([
      [3, 2.5, 0, 0.5],
      [9, 0, 8, 7],
    ]);
  });

  it("of no sample is no map; of one pixel one value", () => {
    expect(saliencyMaps(new Float32Array(0), 0, size)).toEqual([]);
    expect(saliencyMaps(Float32Array.of(0, -1, 0.5), 1, { height: 1, width: 1 })).toEqual([
      Float32Array.of(1),
    ]);
  });
});
