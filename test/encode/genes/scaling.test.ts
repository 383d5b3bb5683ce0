import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  applyScaling,
  fitScaling,
  type Scaling,
  type ScalingName,
  scalingGraph,
  scalings,
} from "../../../src/encode/genes/scaling.js";
import { gradients } from "../../../src/graph/gradients.js";
import { Graph } from "../../../src/graph/graph.js";
import { createSession } from "../../../src/graph/session.js";
import type { DenseMatrix } from "../../../src/matrix.js";
import { RandomState } from "../../../src/random.js";
import { toCsr } from "../../embed/genes.js";

interface Case {
  name: string;
  genes: number;
  train: number[];
  new: (number | null)[];
  dy: number[];
  out: Record<ScalingName, { values: number[]; gradient: number[] }>;
}
const cases: Case[] = JSON.parse(readFileSync("test/fixtures/gene_scaling.json", "utf8"));
const floats = (values: (number | null)[]) => Float32Array.from(values, (v) => v ?? Number.NaN);
const matrix = (values: number[], cols: number): DenseMatrix => ({
  kind: "dense",
  rows: values.length / cols,
  cols,
  data: Float32Array.from(values),
});

const applied = (block: Float32Array, scaling: Scaling) =>
  applyScaling(block, scaling, new Float64Array(block.length));

async function run(scaling: Scaling, expression: Float32Array, dy: Float32Array, threads = 2) {
  const dims = [expression.length / scaling.mean.length, scaling.mean.length];
  const g = new Graph();
  const x = g.input("expression", dims);
  const v = scalingGraph(g, scaling, x);
  g.output("values", v);
  g.output("gradient", gradients(g, v, [x], g.input("dy", dims, "float64"))[0]);
  const session = await createSession(g, { threads });
  const out = await session.run({ expression, dy: Float64Array.from(dy) });
  await session.release();
  return { values: out.values.data as Float64Array, gradient: out.gradient.data as Float32Array };
}

/** @param slack beside rounding to float32, of each value */
function expectClose(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  slack: (p: number) => number = () => 0,
): void {
  expect(found.length).toBe(expected.length);
  for (let p = 0; p < expected.length; p++)
    expect(Math.abs(found[p] - expected[p]), `value ${p}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(expected[p])) + slack(p),
    );
}

describe.each(scalings)("%s", (how) => {
  for (const c of cases)
    it(`${c.name}: as the oracle, dense and sparse, and its gradient`, async () => {
      const train = matrix(c.train, c.genes);
      const scaling = await fitScaling(train, how);
      expect(await fitScaling(toCsr(train), how)).toEqual(scaling);
      const expression = floats(c.new);
      const slow = applied(expression, scaling);
      // Offsets and slopes are float32, as the data: where a mean dwarfs the spread, that is what rounding leaves.
      const rounding = (p: number) =>
        2 ** -24 * Math.abs(scaling.offset[p % c.genes] * scaling.slope[p % c.genes]);
      expectClose(slow, c.out[how].values, 2e-7, rounding);
      const fast = await run(scaling, expression, floats(c.dy));
      expectClose(fast.values, slow, 1e-15);
      expectClose(fast.gradient, c.out[how].gradient, 1e-6);
    });

  it("a sample has the same values alone, in a batch and with any number of threads", async () => {
    const random = new RandomState(3);
    const [n, genes] = [64, 301];
    const data = Float32Array.from({ length: n * genes }, () => random.standardNormal());
    const scaling = await fitScaling({ kind: "dense", rows: n, cols: genes, data }, how);
    const two = await run(scaling, data, data, 2);
    const one = await run(scaling, data, data, 1);
    const float32 = (v: ArrayLike<number>) => Float32Array.from(v);
    expect(float32(one.values)).toEqual(float32(two.values));
    for (const i of [0, 5, 63]) {
      const row = data.slice(i * genes, (i + 1) * genes);
      const alone = await run(scaling, row, row);
      expect(float32(alone.values)).toEqual(float32(two.values.slice(i * genes, (i + 1) * genes)));
      expect(alone.gradient).toEqual(two.gradient.slice(i * genes, (i + 1) * genes));
    }
  });

  it("refuses what is not finite, and no samples", async () => {
    await expect(fitScaling(matrix([1, Number.NaN], 2), how)).rejects.toThrow(RangeError);
    await expect(fitScaling(matrix([1, Infinity], 1), how)).rejects.toThrow(RangeError);
    await expect(
      fitScaling({ kind: "dense", rows: 0, cols: 2, data: new Float32Array(0) }, how),
    ).rejects.toThrow(RangeError);
  });

  it("of no genes is empty", async () => {
    const scaling = await fitScaling({ kind: "dense", rows: 2, cols: 0, data: new Float32Array(0) }, how);
    expect(applied(new Float32Array(0), scaling)).toHaveLength(0);
  });
});

describe("the ends of the training range keep their gradient", () => {
  it.each(["minmax", "global"] as const)("%s", async (how) => {
    const random = new RandomState(11);
    const genes = 500;
    // Of each gene least and greatest value; globally those of two genes.
    const data = Float32Array.from({ length: 2 * genes }, () => random.standardNormal());
    const scaling = await fitScaling({ kind: "dense", rows: 2, cols: genes, data }, how);
    const { values, gradient } = await run(scaling, data, new Float32Array(2 * genes).fill(1));
    expect(Math.min(...gradient)).toBeGreaterThan(0);
    expect(Math.max(...values)).toBeGreaterThan(1 - 2e-7);
    expect(Math.max(...values)).toBeLessThanOrEqual(1);
  });
});

it("x and 2x are different pictures", async () => {
  const train = matrix(cases[0].train, cases[0].genes);
  const row = train.data.slice(0, train.cols);
  for (const how of scalings)
    expect(
      applied(
        row.map((v) => 2 * v),
        await fitScaling(train, how),
      ),
    ).not.toEqual(applied(row, await fitScaling(train, how)));
});

it.each(scalings)("%s: written into the block itself, the same rounded to float32", async (how) => {
  const c = cases[0];
  const scaling = await fitScaling(matrix(c.train, c.genes), how);
  const block = floats(c.new);
  const expected = Float32Array.from(applied(block, scaling));
  expect(applyScaling(block, scaling, block)).toBe(block);
  expect(block).toEqual(expected);
});

it("applyScaling refuses values that are no whole rows", async () => {
  const scaling = await fitScaling(matrix([1, 2, 3, 4], 2), "minmax");
  expect(() => applied(new Float32Array(3), scaling)).toThrow(RangeError);
});
