/** The compact net against PyTorch (oracle: test/oracles/compact.py); its last layer depends on the size of the images. */
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/graph/gradients.js";
import { Graph } from "../../src/graph/graph.js";
import { crossEntropy } from "../../src/graph/ops/cross-entropy.js";
import { createSession } from "../../src/graph/session.js";
import { networkGraph } from "../../src/net/evaluate.js";
import { InputContext } from "../../src/net/layers.js";
import { nets, paramSpecs } from "../../src/net/nets.js";
import { RandomState } from "../../src/random.js";
import { drawMasks } from "../../src/train/step.js";
import cases from "../fixtures/compact.json" with { type: "json" };
import { formulaImages, formulaWeights } from "./formula.js";

const classes = 5;
const close = (actual: number, expected: number, tolerance: number) =>
  expect(Math.abs(actual - expected) / Math.max(1, Math.abs(expected))).toBeLessThan(tolerance);

describe.each(cases)("compact on $n images of $h × $w", ({ n, h, w, logits, loss, grads, running }) => {
  const weights = formulaWeights(paramSpecs("compact", classes, { height: h, width: w }));

  it("gives PyTorch's logits", async () => {
    const session = await createSession(networkGraph("compact", weights, classes, { height: h, width: w }));
    const out = await session.run({ image: formulaImages(1, n, h, w) });
    await session.release();
    Array.from(out.logits.data as Float32Array).forEach((v, i) => {
      close(v, logits[i], 1e-4);
    });
  });

  it("gives PyTorch's loss, gradients and running statistics", async () => {
    const g = new Graph("training");
    const ctx = new InputContext(g, true);
    const found = nets.compact.build(ctx, g.input("images", [n, 3, h, w]), classes);
    const value = crossEntropy(g, found, g.input("target", [n, classes]));
    gradients(g, value, ctx.trainable).forEach((grad, i) => {
      g.output(`grad:${ctx.trainable[i].name}`, grad);
    });
    g.output("loss", value);
    for (const [name, next] of ctx.updated) g.output(`next:${name}`, next);
    const session = await createSession(g);
    const target = new Float32Array(n * classes);
    for (let i = 0; i < n; i++) target[i * classes + (i % classes)] = 1;
    const out = await session.run({
      ...Object.fromEntries([...weights].map(([name, { data }]) => [name, data])),
      ...drawMasks(ctx.masks, new RandomState([5, 0])),
      images: formulaImages(2, n, h, w),
      target,
    });
    await session.release();
    close(Number(out.loss.data[0]), loss, 1e-4);
    for (const [name, [norm, first, last]] of Object.entries(grads)) {
      const grad = out[`grad:${name}`].data as Float32Array;
      expect(Math.abs(Math.hypot(...grad.subarray(0, 1)) - Math.abs(first)) / norm).toBeLessThan(1e-3);
      expect(Math.abs(grad[grad.length - 1] - last) / norm).toBeLessThan(1e-3);
      const own = Math.sqrt(grad.reduce((sum, v) => sum + v * v, 0));
      expect(Math.abs(own - norm) / norm).toBeLessThan(1e-3);
    }
    for (const [name, expected] of Object.entries(running))
      expected.forEach((v, i) => {
        close((out[`next:${name}`].data as Float32Array)[i], v, 1e-4);
      });
  });
});
