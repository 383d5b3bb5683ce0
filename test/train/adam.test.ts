/** 20 steps on given gradients against torch.optim.AdamW (oracle: test/oracles/training.py). */
import { describe, expect, it } from "vitest";
import { Graph } from "../../src/graph/graph.js";
import { createSession } from "../../src/graph/session.js";
import { RandomState } from "../../src/random.js";
import { adamDefaults, adamScalars, adamStep } from "../../src/train/adam.js";
import { learningRate } from "../../src/train/schedule.js";
import oracle from "../fixtures/training.json" with { type: "json" };

const dims = [3, 5];
function draw(seed: readonly number[]): Float32Array {
  const random = new RandomState(seed);
  return Float32Array.from({ length: 15 }, () => 2 * random.random() - 1);
}

/** Weight and moments after 20 steps, by a graph that has the decay or not. */
async function after20(lr: number, decay: number, inGraph: boolean) {
  const g = new Graph();
  const state = { weight: g.input("weight", [15]), m: g.input("m", [15]), v: g.input("v", [15]) };
  const scalars = {
    stepSize: g.input("stepSize", []),
    eps: g.input("eps", []),
    kept: inGraph ? g.input("kept", []) : undefined,
  };
  const next = adamStep(g, state, g.input("grad", dims), scalars);
  for (const name of ["weight", "m", "v"] as const) g.output(`next:${name}`, next[name]);
  const session = await createSession(g, { threads: 1 });
  let now: Record<"weight" | "m" | "v", Float32Array> = {
    weight: draw([2, 0]),
    m: new Float32Array(15),
    v: new Float32Array(15),
  };
  for (let t = 1; t <= 20; t++) {
    const grad = draw([2, t]);
    grad[0] = 0;
    const numbers = Object.entries(adamScalars(learningRate("cosine", lr, t - 1, 20), t, decay));
    const scalarFeeds = Object.fromEntries(numbers.map(([name, x]) => [name, Float32Array.of(x)]));
    const found = await session.run({ ...now, grad, ...scalarFeeds });
    const [weight, m, v] = ["weight", "m", "v"].map((name) => found[`next:${name}`].data as Float32Array);
    now = { weight, m, v };
  }
  await session.release();
  // the moments without their factors
  return {
    weight: now.weight,
    m: now.m.map((x) => x * (1 - adamDefaults.beta1)),
    v: now.v.map((x) => x * (1 - adamDefaults.beta2)),
  };
}

describe("Adam", () => {
  it.each(oracle.adam)(
    "with a weight decay of $decay is PyTorch's AdamW",
    async ({ lr, decay, ...expected }) => {
      const found = await after20(lr, decay, decay !== 0);
      for (const name of ["weight", "m", "v"] as const) {
        const gaps = expected[name].map((x, i) => Math.abs(x - found[name][i]));
        expect(Math.max(...gaps), name).toBeLessThan(3e-7);
      }
    },
  );

  it("whose weights keep all of themselves gives the bits of one without decay", async () => {
    expect(await after20(1e-2, 0, true)).toEqual(await after20(1e-2, 0, false));
  });
});
