/** Whole trainings with every option against PyTorch (oracle: test/oracles/training.py), and what freezing leaves out. */

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Graph } from "../../src/graph/graph.js";
import { square } from "../../src/image-size.js";
import { Evaluator } from "../../src/net/evaluate.js";
import { InputContext } from "../../src/net/layers.js";
import { nets, paramSpecs } from "../../src/net/nets.js";
import type { Tensors } from "../../src/net/tensors.js";
import type { NetName } from "../../src/net/weights/layouts.js";
import { RandomState } from "../../src/random.js";
import { loadBatch } from "../../src/train/batches.js";
import { atStart, type TrainingData, type TrainingSettings, train } from "../../src/train/loop.js";
import { Trainer, TrainingSessions, trainingGraph } from "../../src/train/step.js";
import oracle from "../fixtures/training.json" with { type: "json" };
import { formulaImages, formulaWeights } from "../net/formula.js";

const n = 30;
const size = 64;
const classes = 5;
const netNames: NetName[] = ["resnet18", "efficientnet_b0", "efficientnet_lite0"];

const random = new RandomState(3);
const codes = Int32Array.from({ length: n }, (_, i) => [0, 1, 0, 2, 0, 3, 4, 0, 1, 0][i % 10]);
const data: TrainingData = {
  images: Uint8Array.from(
    { length: n * size * size * 3 },
    (_, j) => Math.floor(128 * random.random()) + 12 * codes[Math.floor(j / (size * size * 3))],
  ),
  size: square(size),
  codes,
  classes,
};
const rows = Int32Array.from(codes.keys()).filter((i) => i % 4 !== 1);
const validation = Int32Array.from(codes.keys()).filter((i) => i % 4 === 1);

describe.each(oracle.trainings)(
  "a training of $net, $settings.schedule, freezing $settings.freeze",
  (expected) => {
    it("has PyTorch's losses, validation and best epoch, and its probabilities then", async () => {
      const net = expected.net as NetName;
      const parameters = formulaWeights(paramSpecs(net, classes));
      const evaluator = await Evaluator.create(net, classes, square(size), 2);
      const { state, history, bestEpoch } = await train(
        data,
        rows,
        atStart({ parameters, moments: new Map(), steps: 0 }),
        {
          net,
          seeds: [42, 1, 0],
          settings: { ...(expected.settings as TrainingSettings), restoreBest: true, threads: 2 },
          ...{ validation, evaluator, name: "test" },
        },
      );
      const found = await evaluator.probabilities(state.parameters, validation.length, (first, count, into) =>
        loadBatch(data.images, validation.subarray(first, first + count), square(size), into),
      );
      await evaluator.release();
      // float32 in all layers wanders further from the float64 of the oracle than in the last one alone
      const tolerance = expected.settings.freeze === "backbone" ? 5e-6 : 1e-3;
      const close = (value: number) => expect.closeTo(value, -Math.log10(2 * tolerance * Math.max(1, value)));
      expect(history).toEqual(
        expected.history.map(({ loss, validationLoss, validationAccuracy }, i) => ({
          ...{ epoch: i + 1, loss: close(loss), validationLoss: close(validationLoss), validationAccuracy },
          seconds: expect.any(Number),
        })),
      );
      expect(bestEpoch).toBe(expected.bestEpoch);
      expect([...found]).toEqual(expected.probabilities.map(close));
    });
  },
);

/** How often each kind of node occurs. */
function nodeCounts(g: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of g.nodes) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

describe.each(netNames)("%s with a frozen backbone", (net) => {
  const specs = paramSpecs(net, classes);
  const head = specs.slice(-2).map(({ name }) => name);
  const { graph, masks, trainable, running } = trainingGraph(net, classes, 4, square(size), {
    ...{ freeze: "backbone", decay: false },
  });

  it("trains its last layer alone, and drops nothing before it", () => {
    expect(trainable).toEqual(head);
    expect(running).toEqual([]);
    expect(masks.map(({ name }) => name)).toEqual(net === "resnet18" ? [] : ["classifier.0"]);
    const named = head.flatMap((name) => [`next:${name}`, `next:m:${name}`, `next:v:${name}`]);
    expect(graph.outputs.map(({ name }) => name)).toEqual(["loss", ...named]);
    expect(graph.inputs.filter(({ name }) => /^[mv]:/.test(name)).length).toBe(4);
  });

  it("computes the forward network of evaluation and no gradient of it", () => {
    const forward = new Graph();
    const images = forward.input("images", [4, 3, size, size]);
    nets[net].build(new InputContext(forward, false), images, classes);
    const evaluation = nodeCounts(forward);
    const training = nodeCounts(graph);
    for (const kind of ["Conv", "BatchNormalization", "MaxPool", "Relu", "Clip", "Sigmoid"])
      expect(training[kind], kind).toBe(evaluation[kind]);
    for (const kind of ["ConvTranspose", "Concat", "Slice", "Sign", "ReduceSumSquare", "ScatterElements"])
      expect(training[kind], kind).toBeUndefined();
    expect(graph.nodes.length).toBeLessThan(forward.nodes.length + 50);
  });
});

const digests = (tensors: Tensors) =>
  new Map([...tensors].map(([name, { data }]) => [name, createHash("sha256").update(data).digest("hex")]));

describe("a Trainer with a frozen backbone", () => {
  const net = "resnet18";
  const parameters = formulaWeights(paramSpecs(net, classes));
  const before = digests(parameters);
  const start = () => ({ parameters, moments: new Map(), steps: 0 });
  const images = formulaImages(3, 4, 32, 32);
  const step = (trainer: Trainer) => trainer.step(images, [0, 1, 2, 0], 1e-3, new RandomState(0));

  it("leaves its parameters, its running statistics and the caller's arrays as they are", async () => {
    const sessions = new TrainingSessions(net, classes, square(32), 2);
    const trainer = new Trainer(sessions, start(), { freeze: "backbone", weightDecay: 0.1 });
    for (let t = 0; t < 3; t++) await step(trainer);
    await sessions.release();
    const { parameters: found, moments } = trainer.state();
    const now = digests(found);
    expect([...now.keys()]).toEqual([...before.keys()]);
    const changed = [...now].filter(([name, digest]) => digest !== before.get(name));
    expect(changed.map(([name]) => name)).toEqual(["fc.weight", "fc.bias"]);
    expect([...moments.keys()]).toEqual(["m:fc.weight", "v:fc.weight", "m:fc.bias", "v:fc.bias"]);
    expect(digests(parameters)).toEqual(before);
  });

  it("can share sessions with one that trains all: each takes its own step", async () => {
    const shared = new TrainingSessions(net, classes, square(32), 2);
    const both: number[][] = [];
    for (const options of [
      {},
      { freeze: "backbone" },
      { freeze: "backbone", weightDecay: 50 },
      {},
    ] as const) {
      const trainer = new Trainer(shared, start(), options);
      both.push([await step(trainer), await step(trainer)]);
    }
    await shared.release();
    const [all, frozen, decayed, again] = both;
    expect(again).toEqual(all);
    expect(frozen[0]).not.toBe(all[0]); // by the running statistics, not by the batch's
    expect(decayed[0]).toBe(frozen[0]);
    expect(decayed[1]).not.toBe(frozen[1]);
  });

  it("refuses to go on with layers that were not trained so far", async () => {
    const sessions = new TrainingSessions(net, classes, square(32), 2);
    const trainer = new Trainer(sessions, start(), { freeze: "backbone" });
    await step(trainer);
    await sessions.release();
    const state = trainer.state();
    expect(() => new Trainer(sessions, state)).toThrow(RangeError);
    const { parameters: same, moments, steps } = new Trainer(sessions, state, { freeze: "backbone" }).state();
    expect(steps).toBe(1);
    expect(digests(same)).toEqual(digests(state.parameters));
    expect(digests(moments)).toEqual(digests(state.moments));
  });
});
