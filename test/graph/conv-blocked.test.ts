/** Dense convolutions on blocked maps, forward and both gradients, against the standard operators. */
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/graph/gradients.js";
import { Graph, staticDims, type Value } from "../../src/graph/graph.js";
import { fromKernels, heldInBlocks, toKernels } from "../../src/graph/kernel-layout.js";
import { type ConvOptions, conv2d } from "../../src/graph/ops/conv2d.js";
import { blocked, stored } from "../../src/graph/ops/layout.js";
import { channelBlock, createSession } from "../../src/graph/session.js";
import { RandomState } from "../../src/random.js";

interface Case {
  name: string;
  x: number[];
  weight: number[];
  options: ConvOptions;
}

const cases: Case[] = [
  {
    name: "small maps side by side",
    x: [5, 32, 4, 5],
    weight: [16, 32, 3, 3],
    options: { pads: [1, 1, 1, 1] },
  },
  {
    name: "small maps, padding that differs",
    x: [6, 16, 3, 2],
    weight: [32, 16, 2, 3],
    options: { pads: [0, 2, 1, 0] },
  },
  {
    name: "dy in several bands",
    x: [4, 16, 18, 20],
    weight: [16, 16, 3, 3],
    options: { pads: [1, 1, 1, 1] },
  },
  {
    name: "bands at stride 2",
    x: [3, 16, 32, 33],
    weight: [16, 16, 3, 3],
    options: { stride: 2, pads: [1, 1, 1, 1] },
  },
  {
    name: "more samples than a block",
    x: [17, 16, 5, 6],
    weight: [32, 16, 3, 3],
    options: { pads: [1, 1, 1, 1] },
  },
  {
    name: "an image of 3 channels",
    x: [4, 3, 37, 30],
    weight: [32, 3, 7, 7],
    options: { stride: 2, pads: [3, 3, 3, 3] },
  },
  {
    name: "rows and columns that no window reaches",
    x: [4, 16, 10, 12],
    weight: [16, 16, 3, 3],
    options: { stride: 2 },
  },
  {
    name: "channels that fill no block",
    x: [4, 20, 6, 9],
    weight: [24, 20, 3, 3],
    options: { pads: [1, 1, 1, 1] },
  },
];

function draw(seed: number, dims: readonly number[]): Float32Array {
  const random = new RandomState(seed);
  return Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 2 * random.random() - 1);
}

async function run({ x, weight, options }: Case, block: number): Promise<Record<string, Float32Array>> {
  const g = new Graph("conv", block);
  const held = heldInBlocks(weight, block);
  const [image, w] = [g.input("x", x), g.input("weight", weight, "float32", held)];
  const inside: Value = block > 1 && x[1] >= block ? blocked(g, image) : image;
  const y = conv2d(g, inside, w, options);
  const seed = g.input("seed", staticDims(y));
  const [dx, dWeight] = gradients(g, y, [image, w], seed);
  g.output("y", y);
  g.output("dx", dx);
  g.output("dWeight", stored(g, dWeight, weight));
  const session = await createSession(g, { threads: 1 });
  const kernels = draw(2, weight);
  const out = await session.run({
    x: draw(1, x),
    weight: held ? toKernels(kernels, weight, block) : kernels,
    seed: draw(3, staticDims(y)),
  });
  await session.release();
  const gradient = out.dWeight.data as Float32Array;
  return {
    y: out.y.data as Float32Array,
    dx: out.dx.data as Float32Array,
    dWeight: held ? fromKernels(gradient, weight, block) : gradient,
  };
}

describe("a blocked convolution", () => {
  it.each(cases)("$name: as the plain one", async (one) => {
    const [expected, found] = [await run(one, 1), await run(one, await channelBlock())];
    for (const key of ["y", "dx", "dWeight"]) {
      const size = Math.max(...expected[key].map(Math.abs));
      const gap = expected[key].reduce((most, v, i) => Math.max(most, Math.abs(v - found[key][i])), 0);
      expect(found[key].length, key).toBe(expected[key].length);
      expect(gap / size, key).toBeLessThan(1e-5);
    }
  });
});
