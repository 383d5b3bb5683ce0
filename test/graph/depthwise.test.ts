/** Depthwise convolutions in onnxruntime's blocked layout against the standard operators (oracle: ops.test.ts). */
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/graph/gradients.js";
import { Graph } from "../../src/graph/graph.js";
import { type ConvOptions, conv2d, padAll } from "../../src/graph/ops/conv2d.js";
import { channelBlock, createSession } from "../../src/graph/session.js";
import { RandomState } from "../../src/random.js";

interface Case {
  n: number;
  c: number;
  h: number;
  w: number;
  kernel: number;
  options: ConvOptions;
}
const cases: Record<string, Case> = {
  "3×3": { n: 2, c: 32, h: 6, w: 7, kernel: 3, options: { pads: padAll(1) } },
  "5×5 on a map smaller than the kernel": {
    n: 3,
    c: 16,
    h: 2,
    w: 2,
    kernel: 5,
    options: { pads: padAll(2) },
  },
  "stride 2, odd map": { n: 1, c: 16, h: 9, w: 7, kernel: 3, options: { stride: 2, pads: padAll(1) } },
  "stride 2, even map": { n: 2, c: 16, h: 8, w: 10, kernel: 5, options: { stride: 2, pads: padAll(2) } },
  "stride 2, padding at the far side": {
    n: 2,
    c: 16,
    h: 8,
    w: 8,
    kernel: 3,
    options: { stride: 2, pads: [0, 0, 1, 1] },
  },
  "no padding": { n: 2, c: 48, h: 5, w: 4, kernel: 3, options: {} },
  "1×1 map": { n: 2, c: 16, h: 1, w: 1, kernel: 3, options: { pads: padAll(1) } },
  "channels that fill no block": { n: 2, c: 12, h: 5, w: 5, kernel: 3, options: { pads: padAll(1) } },
};

async function run({ n, c, h, w, kernel, options }: Case, block: number, threads: number) {
  const g = new Graph("depthwise", block);
  const x = g.input("x", [n, c, h, w]);
  const weight = g.input("weight", [c, 1, kernel, kernel]);
  const y = conv2d(g, x, weight, { ...options, groups: c });
  const random = new RandomState(3);
  const draw = (size: number) => Float32Array.from({ length: size }, () => 2 * random.random() - 1);
  const size = (y.dims as number[]).reduce((a, b) => a * b, 1);
  const grads = gradients(g, y, [x, weight], g.input("dy", y.dims));
  for (const [name, value] of Object.entries({ y, dx: grads[0], dw: grads[1] })) g.output(name, value);
  const session = await createSession(g, { threads });
  const feeds = { x: draw(n * c * h * w), weight: draw(c * kernel * kernel), dy: draw(size) };
  const out = await session.run(feeds);
  await session.release();
  return {
    operators: new Set(g.nodes.map(({ domain }) => domain)),
    values: ["y", "dx", "dw"].map((name) => [...(out[name].data as Float32Array)]),
  };
}

const largestGap = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((v, i) => Math.abs(v - b[i])));

describe("depthwise convolution, blocked", () => {
  it.each(Object.entries(cases))("%s", async (_, c) => {
    const standard = await run(c, 1, 1);
    const blocked = await run(c, await channelBlock(), 1);
    blocked.values.forEach((values, i) => {
      expect(values.length).toBe(standard.values[i].length);
      expect(largestGap(values, standard.values[i])).toBeLessThan(1e-5);
    });
    expect((await run(c, await channelBlock(), 2)).values).toEqual(blocked.values);
    expect(standard.operators).not.toContain("com.microsoft.nchwc");
  });
});

it("the block of this processor is 8 or 16 channels, or 1 where there is none", async () => {
  expect([1, 8, 16]).toContain(await channelBlock());
});
