/** Maps of the image pulled back to the genes (oracle: test/oracles/attributions.py). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gradientAttribution } from "../../src/explain/gradient.js";
import { PainterGraph } from "../../src/explain/pullback.js";
import fixture from "../fixtures/attributions.json" with { type: "json" };
import { formulaWeights } from "../net/formula.js";
import {
  area,
  baselines,
  codes,
  drawn,
  gapTo,
  genes,
  inputs,
  n,
  painter,
  scoreGraph,
  size,
} from "./models.js";

const none = new Float32Array(0);

describe("PainterGraph", () => {
  let graph: PainterGraph;
  beforeAll(() => {
    graph = new PainterGraph({ paint: painter, genes, threads: 2 });
  });
  afterAll(() => graph.release());
  const x = inputs.genes;
  const map = drawn([37, n], n * area, -1, 1);

  it("pulls maps back as PyTorch's autograd does", async () => {
    const { pullback } = fixture;
    expect(gapTo(await graph.pullback(x, map), pullback.map)).toBeLessThan(1e-5);
    const channels = drawn([38, n], n * 3 * area, -1, 1);
    expect(gapTo(await graph.pullback(x, channels), pullback.channels)).toBeLessThan(1e-5);
    const times = await graph.pullback(x, map, baselines.genes);
    expect(gapTo(times, pullback.timesDifference)).toBeLessThan(1e-5);
  });

  it("of the image's gradient is the genes' gradient", async () => {
    const [whole, seen] = [scoreGraph("flat", "genes"), scoreGraph("flat", "image")];
    const weights = formulaWeights(whole.specs);
    const images = await graph.paint(x);
    const gradient = await gradientAttribution(seen.model(weights), images, codes);
    const expected = await gradientAttribution(whole.model(weights), x, codes);
    expect(gapTo(await graph.pullback(x, gradient), [...expected])).toBeLessThan(1e-5);
    expect(await whole.model(weights).scores(x)).toEqual(await seen.model(weights).scores(images));
    for (const g of [whole, seen]) await g.release();
  });

  it("knows its size, takes no sample and more than a batch, refuses what does not fit", async () => {
    expect(graph.size).toEqual(size);
    expect(await graph.pullback(none, none)).toEqual(none);
    const many = Float32Array.from({ length: 18 * genes }, (_, p) => x[p % x.length]);
    const maps = Float32Array.from({ length: 18 * area }, (_, p) => map[p % map.length]);
    const found = await graph.pullback(many, maps);
    expect(found.subarray(15 * genes)).toEqual(await graph.pullback(x, map));
    await expect(graph.pullback(x, map.subarray(1))).rejects.toThrow(RangeError);
    await expect(graph.pullback(x, map, x)).rejects.toThrow(RangeError);
    await expect(graph.paint(x.subarray(1))).rejects.toThrow(RangeError);
  });
});
