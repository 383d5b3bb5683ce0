/** The loss with class weights and label smoothing against PyTorch (oracle: test/oracles/training.py). */
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/graph/gradients.js";
import { Graph } from "../../src/graph/graph.js";
import { crossEntropy } from "../../src/graph/ops/cross-entropy.js";
import { createSession } from "../../src/graph/session.js";
import { RandomState } from "../../src/random.js";
import { lossOf, targetRows } from "../../src/train/criterion.js";
import oracle from "../fixtures/training.json" with { type: "json" };

describe.each(oracle.losses.map((expected, i) => ({ ...expected, i })))(
  "codes $codes, weights $weights, smoothing $smoothing",
  ({ i, codes, classes, weights, smoothing, loss, grad }) => {
    const random = new RandomState([1, i]);
    const logits = Float32Array.from(grad, () => 4 * (2 * random.random() - 1));
    const criterion = { weights: weights ?? undefined, smoothing };

    it("give PyTorch's loss and gradient", async () => {
      const g = new Graph();
      const z = g.input("logits", [codes.length, classes]);
      const value = crossEntropy(g, z, g.input("target", [codes.length, classes]));
      g.output("loss", value);
      g.output("grad", gradients(g, value, [z])[0]);
      const session = await createSession(g, { threads: 1 });
      const found = await session.run({ logits, target: targetRows(codes, classes, criterion) });
      await session.release();
      expect(Math.abs(Number(found.loss.data[0]) - loss)).toBeLessThan(2e-6);
      const gaps = grad.map((expected, j) => Math.abs(Number(found.grad.data[j]) - expected));
      expect(Math.max(...gaps)).toBeLessThan(5e-7);
    });

    it("give PyTorch's loss of the probabilities", () => {
      const probabilities = new Float32Array(logits.length);
      for (let first = 0; first < logits.length; first += classes) {
        const e = Array.from(logits.subarray(first, first + classes), Math.exp);
        const sum = e.reduce((a, b) => a + b);
        probabilities.set(
          e.map((v) => v / sum),
          first,
        );
      }
      expect(Math.abs(lossOf(probabilities, codes, classes, criterion) - loss)).toBeLessThan(1e-6);
    });
  },
);

describe("targetRows", () => {
  it("is one-hot, exactly, without weights and smoothing", () => {
    expect([...targetRows([2, 0, 2], 3, {})]).toEqual([0, 0, 1, 1, 0, 0, 0, 0, 1]);
    expect(targetRows([], 3, {})).toEqual(new Float32Array(0));
  });

  it("equal weights of any size change nothing", () => {
    const rows = targetRows([1, 0, 1, 1], 2, { smoothing: 0.25 });
    expect(targetRows([1, 0, 1, 1], 2, { smoothing: 0.25, weights: [4, 4] })).toEqual(rows);
  });

  it.each([-0.1, 1.1, Number.NaN])("refuses a smoothing of %d", (smoothing) => {
    expect(() => targetRows([0], 2, { smoothing })).toThrow(RangeError);
  });
});

it("the loss of a prediction that rules the true class out is a number, and the largest that there is", () => {
  expect(lossOf(Float32Array.of(0, 1), [0], 2, {})).toBeCloseTo(126 * Math.LN2, 12);
  expect(lossOf(Float32Array.of(0, 1), [1], 2, {})).toBe(0);
});
