/** One training step; its numbers are held to PyTorch in test/net/parity.test.ts. */

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { square } from "../../src/image-size.js";
import { paramSpecs } from "../../src/net/nets.js";
import type { Tensors } from "../../src/net/tensors.js";
import type { NetName } from "../../src/net/weights/layouts.js";
import { RandomState } from "../../src/random.js";
import { drawMasks, Trainer, TrainingSessions, trainingGraph } from "../../src/train/step.js";
import { formulaImages, formulaWeights } from "../net/formula.js";

const classes = 3;
const size = 64;
const netNames: NetName[] = [
  "resnet18",
  "efficientnet_b0",
  "efficientnet_lite0",
  "mobilenet_v2",
  "squeezenet1_1",
];

/** Losses and final state of a step with 8 samples and one with 3. */
async function twoSteps(net: NetName, parameters: Tensors, threads: number) {
  const state = { parameters, moments: new Map(), steps: 0 };
  const sessions = new TrainingSessions(net, classes, square(size), threads);
  const trainer = new Trainer(sessions, state);
  const losses: number[] = [];
  const digests: string[] = [];
  for (const n of [8, 3]) {
    const codes = Array.from({ length: n }, (_, i) => i % classes);
    losses.push(await trainer.step(formulaImages(3, n, size, size), codes, 1e-3, new RandomState([5, n])));
    const now = trainer.state();
    for (const [name, { data }] of [...now.parameters, ...now.moments])
      digests.push(`${name} ${sha256(data)}`);
  }
  await sessions.release();
  return { losses, digests };
}

const sha256 = (data: Float32Array) =>
  createHash("sha256")
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest("hex");

describe.each(netNames)("a step of %s", (net) => {
  it("is bit for bit the same with 1 and 2 threads, batch 8 and 3", async () => {
    const weights = formulaWeights(paramSpecs(net, classes));
    const one = await twoSteps(net, weights, 1);
    const two = await twoSteps(net, weights, 2);
    expect(two.losses).toEqual(one.losses);
    expect(two.digests.filter((digest, i) => digest !== one.digests[i])).toEqual([]);
    expect(two.digests.length).toBe(one.digests.length);
  });

  it("has a successor for every parameter, moment and running statistic", () => {
    const { graph, trainable, running } = trainingGraph(net, classes, 2, square(32));
    const specs = paramSpecs(net, classes).map(({ name }) => name);
    expect([...trainable, ...running].sort()).toEqual(specs.sort());
    const outputs = new Set(graph.outputs.map(({ name }) => name));
    for (const name of specs) expect(outputs).toContain(`next:${name}`);
    for (const name of trainable)
      for (const key of [`next:m:${name}`, `next:v:${name}`]) expect(outputs).toContain(key);
    expect(outputs.size).toBe(1 + specs.length + 2 * trainable.length);
  });
});

describe("drawMasks", () => {
  it("keeps the share that is asked for, scaled so that the mean stays 1", () => {
    const { drop } = asPlain(drawMasks([{ name: "drop", dims: [100, 200], keep: 0.8 }], new RandomState(1)));
    expect(new Set(drop)).toEqual(new Set([0, 1.25]));
    expect(Math.abs(drop.reduce((a, b) => a + b) / drop.length - 1)).toBeLessThan(0.02);
  });

  it("drops deeper blocks of the EfficientNets more often, and dropout last", () => {
    const { masks } = trainingGraph("efficientnet_b0", classes, 2, square(32));
    const keeps = masks.map(({ keep }) => keep);
    expect(keeps.slice(0, -1)).toEqual([...keeps.slice(0, -1)].sort((a, b) => b - a));
    expect(masks.at(-1)).toMatchObject({ name: "classifier.0", dims: [2, 1280], keep: 0.8 });
    expect(trainingGraph("resnet18", classes, 2, square(32)).masks).toEqual([]);
  });
});

const asPlain = (masks: Record<string, Float32Array>) =>
  Object.fromEntries(Object.entries(masks).map(([name, data]) => [name.replace("mask:", ""), [...data]]));

it("the steps count on in Adam's correction: two steps differ from one step twice", async () => {
  const parameters = formulaWeights(paramSpecs("resnet18", classes));
  const before = [...parameters.values()].map(({ data }) => sha256(data));
  const images = formulaImages(3, 4, 32, 32);
  const state = { parameters, moments: new Map(), steps: 0 };
  const sessions = new TrainingSessions("resnet18", classes, square(32), 2);
  const trainer = new Trainer(sessions, state);
  const first = await trainer.step(images, [0, 1, 2, 0], 1e-3, new RandomState(0));
  expect(trainer.state().steps).toBe(1);
  const second = await trainer.step(images, [0, 1, 2, 0], 1e-3, new RandomState(0));
  expect(trainer.state().steps).toBe(2);
  await sessions.release();
  expect(second).toBeLessThan(first);
  // the caller's arrays are not touched
  expect([...parameters.values()].map(({ data }) => sha256(data))).toEqual(before);
});
