/** Saliency-guided training against the authors' loop in PyTorch (oracle: test/oracles/guided.py). */

import { afterAll, describe, expect, it } from "vitest";
import { type GenePainter, genePainterGraph } from "../../src/encode/genes/painter.js";
import { PainterGraph } from "../../src/explain/pullback.js";
import { square } from "../../src/image-size.js";
import type { DenseMatrix } from "../../src/matrix.js";
import { paramSpecs } from "../../src/net/nets.js";
import type { NetName } from "../../src/net/weights/layouts.js";
import { RandomState } from "../../src/random.js";
import { packStanding, unpackStanding } from "../../src/train/checkpoint.js";
import {
  atStart,
  type GuidedBatch,
  type LoopOptions,
  type Standing,
  type TrainingSettings,
  train,
} from "../../src/train/loop.js";
import { maskGenes } from "../../src/train/mask-genes.js";
import { featureRange, maskLeastSalient } from "../../src/train/mask-salient.js";
import { Trainer, TrainingSessions, trainingGraph } from "../../src/train/step.js";
import fixture from "../fixtures/guided.json" with { type: "json" };
import { deviation, formulaImages, formulaWeights } from "../net/formula.js";

const classes = 5;

describe("a guided training", () => {
  it.each(fixture.trainings)("follows PyTorch's: $net, $size px, guidance $guidance", async (known) => {
    const { seed, size, batch, lr, share, guidance } = known;
    const net = known.net as NetName;
    const parameters = formulaWeights(paramSpecs(net, classes));
    const sessions = new TrainingSessions(net, classes, square(size), 2);
    const trainer = new Trainer(sessions, { parameters, moments: new Map(), steps: 0 }, { guidance });
    const losses: number[] = [];
    for (let t = 0; t < known.losses.length; t++) {
      const images = formulaImages(seed + t, batch, size, size);
      const codes = Array.from({ length: batch }, (_, i) => (3 * i + t) % classes);
      const random = new RandomState([5, t]);
      const range = featureRange(images, batch);
      losses.push(
        await trainer.step(images, codes, lr, random, (gradient) =>
          maskLeastSalient(images, gradient, batch, share, { kind: "random", range, random }),
        ),
      );
      if (t > 0) continue;
      const { parameters, moments } = trainer.state();
      const first = [...moments].filter(([name]) => name.startsWith("m:")).map(([, { data }]) => data);
      for (const [i, grad] of Object.entries(known.grads)) {
        // after one step Adam's first moment, without its factor, is the gradient
        expect(deviation(first[Number(i)], grad, known.total)).toBeLessThan(1e-3);
      }
      const running = [...parameters].filter(([name]) => /\.running_(mean|var)$/.test(name));
      for (const [i, stat] of Object.entries(known.running))
        expect(deviation(running[Number(i)][1].data, stat, 0)).toBeLessThan(1e-4);
    }
    await sessions.release();
    known.losses.forEach((loss, t) => {
      expect(Math.abs(losses[t] - loss)).toBeLessThan(3e-4);
    });
    // far enough from the usual training that the comparison means something
    expect(Math.max(...known.losses.map((loss, t) => Math.abs(loss - known.standard[t])))).toBeGreaterThan(
      3e-3,
    );
  });

  it("has the inputs of a usual step, two more and masks of its own", () => {
    const names = (guided: boolean) => {
      const made = trainingGraph("efficientnet_b0", classes, 2, square(32), {
        freeze: "none",
        decay: false,
        guided,
      });
      return { ...made, inputs: made.graph.inputs.map(({ name }) => name).sort() };
    };
    const [usual, guided] = [names(false), names(true)];
    expect(guided.masks.length).toBe(2 * usual.masks.length);
    expect(guided.trainable).toEqual(usual.trainable);
    expect(guided.running).toEqual(usual.running);
    expect(guided.graph.outputs.map(({ name }) => name)).toEqual(usual.graph.outputs.map(({ name }) => name));
    const more = usual.masks.map(({ name }) => `mask:masked:${name}`);
    expect(guided.inputs).toEqual([...usual.inputs, ...more, "masked", "guidance"].sort());
  });

  it("refuses a step without a mask", async () => {
    const sessions = new TrainingSessions("resnet18", 2, square(32), 2);
    const parameters = formulaWeights(paramSpecs("resnet18", 2));
    const trainer = new Trainer(sessions, { parameters, moments: new Map(), steps: 0 }, { guidance: 1 });
    const images = formulaImages(1, 2, 32, 32);
    await expect(trainer.step(images, [0, 1], 1e-3, new RandomState(1))).rejects.toThrow(/without a mask/);
    await sessions.release();
  });
});

describe("the loop of a guided training", () => {
  const size = 32;
  const data = {
    images: Uint8Array.from({ length: 10 * size * size * 3 }, (_, i) => (i * i) % 251),
    size: square(size),
    codes: Int32Array.from({ length: 10 }, (_, i) => i % 2),
    classes: 2,
  };
  const start = () =>
    atStart({ parameters: formulaWeights(paramSpecs("resnet18", 2)), moments: new Map(), steps: 0 });
  const run = (
    rows: Int32Array,
    settings: Partial<TrainingSettings>,
    options: Pick<LoopOptions, "mask" | "sessions"> = {},
  ) =>
    train(data, rows, start(), {
      net: "resnet18",
      seeds: [1, 2],
      settings: { epochs: 2, batch: 4, lr: 1e-3, threads: 2, train: "saliency-guided", ...settings },
      name: "test",
      ...options,
    });

  it("is bit for bit the same with 1 and 2 threads, and not that of another share or weight", async () => {
    const rows = Int32Array.of(0, 1, 4, 5);
    const sessions = new TrainingSessions("resnet18", 2, square(size), 2);
    const weights = async (settings: Partial<TrainingSettings>, own = false) => {
      const { state } = await run(rows, settings, own ? {} : { sessions });
      return state.parameters.get("conv1.weight")!.data;
    };
    const two = await weights({});
    expect(await weights({ threads: 1 }, true)).toEqual(two);
    expect(await weights({ maskShare: 0.5, guidance: 1 })).toEqual(two);
    expect(await weights({ maskShare: 0.25 })).not.toEqual(two);
    expect(await weights({ guidance: 0.5 })).not.toEqual(two);
    expect(await weights({ train: "standard" })).not.toEqual(two);
    await sessions.release();
  });

  it("asks for masked images with the samples, their images and a share", async () => {
    const seen: number[][] = [];
    const rows = Int32Array.of(0, 1, 2, 4, 5, 6, 9);
    const mask = ({ rows, images, gradient, share }: GuidedBatch) => {
      seen.push([...rows]);
      expect(share).toBe(0.75);
      expect(images.length).toBe(rows.length * 3 * size * size);
      expect(gradient.length).toBe(images.length);
      expect(gradient.some((value) => value !== 0)).toBe(true);
      return images.slice();
    };
    await run(rows, { epochs: 1, maskShare: 0.75 }, { mask });
    expect(seen.map((batch) => batch.length)).toEqual([4, 3]);
    expect(seen.flat().sort((a, b) => a - b)).toEqual([...rows]);
  });
});

describe("a training guided by genes", () => {
  const known = fixture.byGenes;
  const { samples, genes, batch, epochs, lr, share, guidance } = known;
  const seen = Int32Array.from(known.seen);
  const side = square(16);
  const drawn = (seed: number, length: number) => {
    const random = new RandomState([seed]);
    return Float32Array.from({ length }, () => 4 * random.random() - 2);
  };
  const x: DenseMatrix = { kind: "dense", rows: samples, cols: genes, data: drawn(61, samples * genes) };
  const mean = drawn(62, seen.length);
  const painter: GenePainter = {
    kind: "genes",
    size: side,
    zoom: 2,
    chosen: seen,
    placings: [Int32Array.from(known.pixels)],
    scaling: {
      log: false,
      minimum: null,
      offset: mean.map((v) => -v),
      slope: drawn(63, seen.length).map((v) => 0.1 + 0.05 * v),
      intercept: new Float32Array(seen.length).fill(0.5),
      mean,
    },
  };
  const graph = (smooth: boolean) =>
    new PainterGraph({ paint: (g, e) => genePainterGraph(g, painter, e, smooth), genes, threads: 2 });
  const [smooth, exact] = [graph(true), graph(false)];
  afterAll(async () => {
    await smooth.release();
    await exact.release();
  });
  const columns = Float32Array.from({ length: samples * seen.length }, (_, p) => {
    const i = Math.floor(p / seen.length);
    return x.data[i * genes + seen[p % seen.length]];
  });
  const mask = maskGenes({
    x,
    seen,
    range: featureRange(columns, samples),
    painter: {
      paint: (e) => exact.paint(e),
      pullback: (e, gradient) => smooth.pullback(e, gradient),
    },
  });

  const run = async (
    settings: Partial<TrainingSettings>,
    options: Partial<LoopOptions> = {},
    from = atStart({
      parameters: formulaWeights(paramSpecs("compact", classes, side)),
      moments: new Map(),
      steps: 0,
    }),
  ) => {
    const area = 3 * 16 * 16;
    const painted = await exact.paint(x.data);
    const images = Uint8Array.from({ length: samples * area }, (_, p) => {
      const [i, pixel, c] = [Math.floor(p / area), Math.floor((p % area) / 3), p % 3];
      return Math.round(painted[i * area + c * 256 + pixel] * 255);
    });
    const codes = Int32Array.from({ length: samples }, (_, i) => i % classes);
    const data = { images, size: side, codes, classes };
    return train(data, Int32Array.from(codes.keys()), from, {
      net: "compact",
      seeds: [71, 6],
      settings: { epochs, batch, lr, train: "saliency-guided", maskShare: share, guidance, ...settings },
      name: "test",
      mask,
      ...options,
    });
  };

  it("follows PyTorch's", async () => {
    const { history, state } = await run({ threads: 2 });
    history.forEach(({ loss }, i) => {
      expect(Math.abs(loss - known.losses[i])).toBeLessThan(1e-4);
      expect(Math.abs(loss - known.standard[i])).toBeGreaterThan(0.02);
    });
    const found = state.parameters.get("conv2.weight")?.data ?? [];
    expect(deviation(found, known.weights, 0)).toBeLessThan(1e-4);
  });

  it("ends in the same bits with one thread, and from a checkpoint within an epoch", async () => {
    const whole = await run({ threads: 2 });
    const saved: Uint8Array[] = [];
    const save = async (standing: Standing) => void saved.push(packStanding(standing));
    const again = await run({ threads: 1 }, { checkpoint: { due: () => true, save } });
    expect(again.state.parameters).toEqual(whole.state.parameters);
    const from = unpackStanding(saved[4], paramSpecs("compact", classes, side));
    expect(from?.step).toBe(1);
    const { state } = await run({ threads: 2 }, {}, from);
    expect(state.parameters).toEqual(whole.state.parameters);
  });

  it("masks genes that the painter sees, and no others", async () => {
    const rows = Int32Array.of(3, 8);
    const gradient = formulaImages(5, 2, 16, 16);
    let painted = new Float32Array(0);
    const { paint, pullback } = {
      paint: async (expression: Float32Array) => {
        painted = expression.slice();
        return gradient;
      },
      pullback: (e: Float32Array, g: Float32Array) => smooth.pullback(e, g),
    };
    const range = featureRange(columns, samples);
    const random = new RandomState(3);
    await maskGenes({ x, seen, range, painter: { paint, pullback } })({
      ...{ rows, images: gradient, gradient, share: 0.5, random },
    });
    for (const [i, row] of rows.entries()) {
      const changed = Array.from({ length: genes }, (_, j) => j).filter(
        (j) => painted[i * genes + j] !== x.data[row * genes + j],
      );
      expect(changed.length).toBe(6);
      expect(changed.filter((j) => !seen.includes(j))).toEqual([]);
    }
  });
});
