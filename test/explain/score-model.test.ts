/** The model that attribution methods see (oracle: test/oracles/attributions.py). */
import { describe, expect, it } from "vitest";
import { InterruptedError } from "../../src/errors.js";
import { ScoreGraph } from "../../src/explain/score-model.js";
import type { Value } from "../../src/graph/graph.js";
import { formulaWeights } from "../net/formula.js";
import { cases, codes, gap, inputs, scoreGraph, size, withModel } from "./models.js";

const bytes = (a: Float32Array) => Buffer.from(a.slice().buffer);

describe.each(cases)("$net, $space", ({ net, space }) => {
  it("has PyTorch's scores and gradients", async () => {
    await withModel(net, space, async (model) => {
      const { scores, gradient } = await model.gradient(inputs[space], codes);
      expect(gap(scores, net, space, "scores")).toBeLessThan(1e-5);
      expect(gap(await model.scores(inputs[space]), net, space, "scores")).toBeLessThan(1e-5);
      expect(gap(gradient, net, space, "gradient")).toBeLessThan(1e-5);
    });
  });
});

describe("ScoreGraph", () => {
  it("gives a sample the same bits alone, among others, and with any number of threads", async () => {
    const width = 7;
    const x = Float32Array.from({ length: 19 * width }, (_, p) => Math.sin(p));
    const of = Array.from({ length: 19 }, (_, i) => i % 5);
    const results: { scores: Float32Array; gradient: Float32Array }[] = [];
    for (const threads of [1, 2]) {
      const graph = scoreGraph("flat", "genes", { threads });
      const model = graph.model(formulaWeights(graph.specs));
      results.push(await model.gradient(x, of));
      if (threads === 2) results.push(await model.gradient(x.subarray(17 * width), of.slice(17)));
      await graph.release();
    }
    const [one, two, tail] = results;
    for (const what of ["scores", "gradient"] as const) {
      expect(bytes(two[what]).equals(bytes(one[what]))).toBe(true);
      const from = (one[what].length / 19) * 17;
      expect(bytes(tail[what]).equals(bytes(one[what].subarray(from)))).toBe(true);
    }
  });

  it("serves several weights at once, and none of the samples", async () => {
    const graph = scoreGraph("flat", "genes");
    const weights = [2026, 7].map((seed) => formulaWeights(graph.specs, seed));
    const [a, b] = weights.map((w) => graph.model(w));
    const first = await a.scores(inputs.genes);
    expect(gap(first, "flat", "genes", "scores")).toBeLessThan(1e-5);
    expect(gap(await b.scores(inputs.genes), "flat", "genes", "scores")).toBeGreaterThan(0.1);
    expect(await a.scores(inputs.genes)).toEqual(first);
    expect(await a.scores(new Float32Array(0))).toEqual(new Float32Array(0));
    expect((await a.gradient(new Float32Array(0), [])).gradient).toEqual(new Float32Array(0));
    await graph.release();
  });

  it("refuses what does not fit, and stops where it is told to", async () => {
    await withModel("flat", "genes", async (model) => {
      await expect(model.scores(new Float32Array(8))).rejects.toThrow(RangeError);
      await expect(model.gradient(inputs.genes, [0, 1])).rejects.toThrow(RangeError);
      await expect(model.gradient(inputs.genes, [0, 1, 5])).rejects.toThrow("no class 5");
    });
    const network = () => undefined as unknown as Value;
    const paint = (_: unknown, expression: Value) => expression;
    expect(() => new ScoreGraph({ network, size, painter: { genes: 4, paint } })).toThrow("paints [16, 4]");
    const controller = new AbortController();
    controller.abort();
    const stopped = scoreGraph("flat", "genes", { signal: controller.signal });
    const model = stopped.model(formulaWeights(stopped.specs));
    await expect(model.scores(inputs.genes)).rejects.toThrow(InterruptedError);
    await stopped.release();
  });
});
