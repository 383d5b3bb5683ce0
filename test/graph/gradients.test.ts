import { describe, expect, it } from "vitest";
import { gradients } from "../../src/graph/gradients.js";
import { Graph, type Value } from "../../src/graph/graph.js";
import { conv2d, padAll } from "../../src/graph/ops/conv2d.js";
import { add, mul, relu, sigmoid } from "../../src/graph/ops/elementwise.js";
import { linear } from "../../src/graph/ops/linear.js";
import { createSession } from "../../src/graph/session.js";

async function run(g: Graph, outputs: Record<string, Value>, feeds: Record<string, Float32Array>) {
  for (const [name, value] of Object.entries(outputs)) g.output(name, value);
  const session = await createSession(g, { threads: 1 });
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(Object.keys(outputs).map((name) => [name, [...results[name].data].map(Number)]));
}

/** The operators that `work` appends to the graph. */
function appended(g: Graph, work: () => void): string[] {
  const before = g.nodes.length;
  work();
  return g.nodes.slice(before).map((n) => n.opType);
}

describe("gradients", () => {
  it("accumulates where a value is used several times, also twice by one op", async () => {
    const g = new Graph();
    const x = g.input("x", [3]);
    const y = add(g, add(g, mul(g, x, x), x), mul(g, x, mul(g, x, x))); // x³ + x² + x
    const [dx] = gradients(g, y, [x]);
    const { dx: found } = await run(g, { dx }, { x: Float32Array.of(-1, 0, 2) });
    expect(found).toEqual([2, 1, 17]); // 3x² + 2x + 1
  });

  it("gives the gradient by values on the way, and by the value itself", async () => {
    const g = new Graph();
    const x = g.input("x", [2]);
    const square = mul(g, x, x);
    const y = mul(g, square, square);
    const [dx, dSquare, dy] = gradients(g, y, [x, square, y]);
    const found = await run(g, { dx, dSquare, dy }, { x: Float32Array.of(2, -1) });
    expect(found).toEqual({ dx: [32, -4], dSquare: [8, 2], dy: [1, 1] });
  });

  it("takes a seed, the default being ones", async () => {
    const g = new Graph();
    const x = g.input("x", [2, 2]);
    const y = mul(g, x, x);
    const [ones] = gradients(g, y, [x]);
    const [seeded] = gradients(g, y, [x], g.constant(Float32Array.of(1, 0, -1, 10), [2, 2]));
    const found = await run(g, { ones, seeded }, { x: Float32Array.of(1, 2, 3, 4) });
    expect(found).toEqual({ ones: [2, 4, 6, 8], seeded: [2, 0, -6, 80] });
  });

  it("does not see what is made from the value later", async () => {
    const g = new Graph();
    const x = g.input("x", [1]);
    const y = mul(g, x, x);
    mul(g, y, x);
    const [dx] = gradients(g, y, [x]);
    expect(await run(g, { dx }, { x: Float32Array.of(5) })).toEqual({ dx: [10] });
  });

  it("computes no gradient by the images in training: no convolution is appended", () => {
    const g = new Graph();
    const images = g.input("images", [2, 3, 6, 6]);
    const weight = g.input("weight", [4, 3, 3, 3]);
    const y = relu(g, conv2d(g, images, weight, { pads: padAll(1) }));
    expect(appended(g, () => gradients(g, y, [weight]))).not.toContain("Conv");
    const byImages = appended(g, () => gradients(g, y, [images]));
    expect(byImages.filter((op) => op === "Conv").length).toBe(1);
    expect(byImages).not.toContain("FusedMatMul"); // of the gradient by the weight
  });

  it("walks no branch that leads elsewhere", () => {
    const g = new Graph();
    const x = g.input("x", [4, 5]);
    const other = g.input("other", [4, 3]);
    const weight = g.input("weight", [3, 5]);
    const bias = g.input("bias", [3]);
    const y = add(g, linear(g, x, weight, bias), sigmoid(g, sigmoid(g, other)));
    // ones, then the sum of them over the batch
    expect(appended(g, () => gradients(g, y, [bias]))).toEqual(["Expand", "ReduceSum"]);
    expect(appended(g, () => gradients(g, y, [weight]))).not.toContain("ReduceSum");
    expect(appended(g, () => gradients(g, y, [other])).sort()).toEqual(
      ["Expand", "Mul", "Mul", "Mul", "Mul", "Sub", "Sub"].sort(),
    );
  });

  it("throws where there is nothing to differentiate", () => {
    const g = new Graph();
    const x = g.input("x", [2]);
    const y = relu(g, x);
    const apart = g.input("apart", [2]);
    expect(() => gradients(g, y, [x, apart])).toThrow(/'Relu_\d+' does not depend on 'apart'/);
    const later = relu(g, y);
    expect(() => gradients(g, y, [later])).toThrow(/does not depend/);
    const plain = g.op("Sin", [x], x.dims); // no backward recorded
    expect(() => gradients(g, plain, [x])).toThrow(/does not depend/);
  });

  it("throws where a size that it needs is symbolic", () => {
    const g = new Graph();
    const x = g.input("x", ["N", 2]);
    expect(() => gradients(g, relu(g, x), [x])).toThrow(/symbolic dimension 'N'/);
  });
});
