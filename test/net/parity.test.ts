/** The networks against PyTorch (oracle: test/oracles/nets.py). */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/graph/gradients.js";
import { Graph, staticDims, type Value } from "../../src/graph/graph.js";
import { fromKernels, toKernels } from "../../src/graph/kernel-layout.js";
import { crossEntropy } from "../../src/graph/ops/cross-entropy.js";
import { stored } from "../../src/graph/ops/layout.js";
import { channelBlock, createSession } from "../../src/graph/session.js";
import { square } from "../../src/image-size.js";
import { InputContext } from "../../src/net/layers.js";
import { nets, paramSpecs } from "../../src/net/nets.js";
import type { Tensors } from "../../src/net/tensors.js";
import type { NetName } from "../../src/net/weights/layouts.js";
import { RandomState } from "../../src/random.js";
import { drawMasks, Trainer, TrainingSessions } from "../../src/train/step.js";
import { type Digest, deviation, formulaImages, formulaWeights } from "./formula.js";

interface Oracle {
  specs: [string, number[], string][];
  logits: { n: number; h: number; w: number; values: number[] }[];
  lr: number;
  /** Seed of the batch whose gradient is compared. */
  batch: number;
  loss: number;
  /** Norm of the whole gradient. */
  total: number;
  grads: Digest[];
  running: Digest[];
  curve: number[];
  after: number[];
}
const oracle = JSON.parse(readFileSync("test/fixtures/nets.json", "utf8")) as Record<NetName, Oracle>;
const classes = 5;

const feedsOf = (tensors: Tensors) =>
  Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]));

async function evaluate(net: NetName, weights: Tensors, images: Float32Array, h: number, w: number) {
  const g = new Graph();
  g.output("logits", nets[net].build(new InputContext(g, false), g.input("images", ["N", 3, h, w]), classes));
  const session = await createSession(g);
  const { logits } = await session.run({ ...feedsOf(weights), images });
  await session.release();
  return [...(logits.data as Float32Array)];
}

function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const gaps = actual.map((a, i) => Math.abs(a - expected[i]) / Math.max(1, Math.abs(expected[i])));
  expect(Math.max(...gaps)).toBeLessThan(tolerance);
}

/** The compact net has an oracle of its own: compact.test.ts. */
describe.each(Object.keys(oracle) as Exclude<NetName, "compact">[])("%s against PyTorch", (net) => {
  const specs = paramSpecs(net, classes);
  const weights = formulaWeights(specs);

  it("has the same parameters, in the same order", () => {
    const named = (s: [string, number[], string]) => (s[0] === "" ? s.slice(1) : s);
    expect(
      specs.map((s) => named([net === "efficientnet_lite0" ? "" : s.name, [...s.dims], s.kind])),
    ).toEqual(oracle[net].specs.map(named));
  });

  it("hands out its last feature map", () => {
    const ctx = new InputContext(new Graph(), false);
    nets[net].build(ctx, ctx.g.input("images", ["N", 3, 64, 96]), classes);
    const [channels, height, width] = {
      resnet18: [512, 2, 3],
      efficientnet_b0: [1280, 2, 3],
      efficientnet_lite0: [1280, 2, 3],
      mobilenet_v2: [1280, 2, 3],
      squeezenet1_1: [512, 3, 5],
    }[net];
    expect(ctx.features?.dims).toEqual(["N", channels, height, width]);
  });

  it.each(oracle[net].logits)("gives its logits on $n images of $h×$w", async ({ n, h, w, values }) => {
    expectClose(await evaluate(net, weights, formulaImages(1, n, h, w), h, w), values, 1e-4);
  });

  it.each(["standard", "blocked"])(
    "gives its loss, every gradient and the running statistics, %s",
    async (layout) => {
      const g = new Graph("training", layout === "blocked" ? await channelBlock() : 1);
      const ctx = new InputContext(g, true);
      const logits = nets[net].build(ctx, g.input("images", [4, 3, 64, 64]), classes);
      const loss = crossEntropy(g, logits, g.input("target", [4, classes]));
      gradients(g, loss, ctx.trainable).forEach((grad, i) => {
        g.output(`grad${i}`, stored(g, grad, staticDims(grad)));
      });
      const kernels = (v: Value | undefined) => v?.blocked === "kernels";
      g.output("loss", loss);
      for (const [name, value] of ctx.updated) g.output(`next:${name}`, value);
      const session = await createSession(g);
      const target = new Float32Array(4 * classes);
      [0, 3, 1, 4].forEach((c, i) => {
        target[i * classes + c] = 1;
      });
      const fed = [...weights].map(([name, { dims, data }]) => {
        const held = kernels(ctx.trainable.find((v) => v.name === name));
        return [name, held ? toKernels(data, dims, g.block) : data] as const;
      });
      const out = await session.run({
        ...Object.fromEntries(fed),
        ...drawMasks(ctx.masks, new RandomState([5, 0])),
        images: formulaImages(oracle[net].batch, 4, 64, 64),
        target,
      });
      await session.release();
      expect(Math.abs(Number(out.loss.data[0]) - oracle[net].loss)).toBeLessThan(1e-4);
      const off = ctx.trainable.map((v, i) => {
        const data = out[`grad${i}`].data as Float32Array;
        const grad = kernels(v) ? fromKernels(data, staticDims(v), g.block) : data;
        return { name: v.name, by: deviation(grad, oracle[net].grads[i], oracle[net].total) };
      });
      expect(off.filter(({ by }) => by > 1e-3)).toEqual([]);
      const stats = [...ctx.updated.keys()].map((k, i) =>
        deviation(out[`next:${k}`].data as Float32Array, oracle[net].running[i], 0),
      );
      expect(Math.max(...stats)).toBeLessThan(1e-4);
    },
  );

  it("follows its loss over 20 Adam steps", async () => {
    const state = { parameters: weights, moments: new Map(), steps: 0 };
    const sessions = new TrainingSessions(net, classes, square(64));
    const trainer = new Trainer(sessions, state);
    const { lr } = oracle[net];
    const curve: number[] = [];
    for (let t = 0; t < 20; t++) {
      const codes = Array.from({ length: 8 }, (_, i) => (3 * i + (t % 4)) % classes);
      const images = formulaImages(10 + (t % 4), 8, 64, 64);
      curve.push(await trainer.step(images, codes, lr, new RandomState([5, t])));
    }
    const after = await evaluate(net, trainer.state().parameters, formulaImages(1, 2, 64, 64), 64, 64);
    await sessions.release();
    expectClose(curve, oracle[net].curve, 1e-3);
    expectClose(after, oracle[net].after, 1e-2);
  });
});
