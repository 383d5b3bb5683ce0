/** Every differentiable op, forward and backward, against PyTorch in float64 (oracle: test/oracles/ops.py). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gradients } from "../../src/graph/gradients.js";
import { Graph, type Value } from "../../src/graph/graph.js";
import {
  type BatchNormParams,
  batchNormEvaluation,
  batchNormTraining,
} from "../../src/graph/ops/batch-norm.js";
import {
  batchNormEvaluationBlocked,
  batchNormTrainingBlocked,
} from "../../src/graph/ops/batch-norm-blocked.js";
import { cast } from "../../src/graph/ops/cast.js";
import { clip } from "../../src/graph/ops/clip.js";
import { concatChannels } from "../../src/graph/ops/concat.js";
import { concatColumns } from "../../src/graph/ops/concat-columns.js";
import { type ConvOptions, conv2d } from "../../src/graph/ops/conv2d.js";
import { crossEntropy } from "../../src/graph/ops/cross-entropy.js";
import {
  add,
  div,
  log,
  mul,
  relu,
  relu6,
  sigmoid,
  silu,
  sqrt,
  sub,
} from "../../src/graph/ops/elementwise.js";
import { gatherColumns } from "../../src/graph/ops/gather-columns.js";
import { blocked } from "../../src/graph/ops/layout.js";
import { linear } from "../../src/graph/ops/linear.js";
import { matMul, productTransposed } from "../../src/graph/ops/matmul.js";
import { globalAveragePool, maxPool, type PoolOptions } from "../../src/graph/ops/pool.js";
import { rowSmallest, rowSum } from "../../src/graph/ops/reduce.js";
import { reshape } from "../../src/graph/ops/reshape.js";
import { zeroMissing } from "../../src/graph/ops/zero-missing.js";
import { channelBlock, createSession } from "../../src/graph/session.js";
import { RandomState } from "../../src/random.js";
import { type Digest, deviation } from "../net/formula.js";

interface Input {
  dims: number[];
  scale?: number;
  offset?: number;
  whole?: 1;
  list?: number[];
}
type Expected = { all: number[] } | Digest;
interface Case {
  name: string;
  op: string;
  options: Record<string, unknown>;
  inputs: Input[];
  outs: ({ dims: number[] } & Expected)[];
  grads: Record<string, Expected>;
}
const cases = JSON.parse(readFileSync("test/fixtures/ops.json", "utf8")) as Case[];

/** The first value is the one that is differentiated. */
const ops: Record<string, (g: Graph, inputs: Value[], options: Record<string, unknown>) => Value[]> = {
  conv2d: (g, [x, weight, bias], options) => [conv2d(g, x, weight, { ...(options as ConvOptions), bias })],
  batchNormTraining: (g, inputs, options) => {
    const norm = inputs[0].blocked ? batchNormTrainingBlocked : batchNormTraining;
    const out = norm(g, inputs[0], normParams(inputs, options));
    return [out.y, out.runningMean, out.runningVar];
  },
  batchNormEvaluation: (g, inputs, options) => {
    const norm = inputs[0].blocked ? batchNormEvaluationBlocked : batchNormEvaluation;
    return [norm(g, inputs[0], normParams(inputs, options))];
  },
  maxPool: (g, [x], options) => [maxPool(g, x, options as unknown as PoolOptions)],
  globalAveragePool: (g, [x]) => [globalAveragePool(g, x)],
  concatChannels: (g, parts) => [concatChannels(g, parts)],
  add: (g, [a, b]) => [add(g, a, b)],
  sub: (g, [a, b]) => [sub(g, a, b)],
  mul: (g, [a, b]) => [mul(g, a, b)],
  relu: (g, [x]) => [relu(g, x)],
  relu6: (g, [x]) => [relu6(g, x)],
  sigmoid: (g, [x]) => [sigmoid(g, x)],
  silu: (g, [x]) => [silu(g, x)],
  sigmoid64: (g, [x]) => [cast(g, sigmoid(g, cast(g, x, "float64")), "float32")],
  concatColumns: (g, parts) => [concatColumns(g, parts)],
  crossEntropy: (g, [logits, target]) => [crossEntropy(g, logits, target)],
  linear: (g, [x, weight, bias]) => [linear(g, x, weight, bias)],
  productTransposed: (g, [a, b]) => [productTransposed(g, a, b)],
  div: (g, [a, b]) => [div(g, a, b)],
  sqrt: (g, [x]) => [sqrt(g, x)],
  log: (g, [x]) => [log(g, x)],
  matMul: (g, [a, b]) => [matMul(g, a, b)],
  gatherColumns: (g, [x], options) => [gatherColumns(g, x, options.columns as number[])],
  rowSum: (g, [x]) => [rowSum(g, x)],
  rowSmallest: (g, [x], options) => [rowSmallest(g, x, options.count as number)],
  // A negative number has no square root: NaN.
  zeroMissing: (g, [x, m]) => [zeroMissing(g, sub(g, x, sqrt(g, m)))],
  cast: (g, [x]) => {
    const wide = cast(g, x, "float64");
    return [cast(g, mul(g, wide, wide), "float32")];
  },
  // JSON has no infinity: the bounds are written as Python writes them.
  clip: (g, [x], options) => {
    const bound = (v: unknown) => Number(String(v).replace("inf", "Infinity"));
    return [clip(g, x, bound(options.low), bound(options.high))];
  },
  reshape: (g, [x], options) => [reshape(g, x, options.dims as number[])],
};

const normParams = ([, weight, bias, runningMean, runningVar]: Value[], options: Record<string, unknown>) =>
  ({ weight, bias, runningMean, runningVar, ...options }) as BatchNormParams;

function draw(seed: number, i: number, { dims, scale = 1, offset = 0, whole, list }: Input): Float32Array {
  if (list !== undefined) return Float32Array.from(list);
  const random = new RandomState([seed, i]);
  const size = dims.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, () => scale * (2 * random.random() - 1) + offset);
  return whole ? data.map((v) => Math.sign(v) * Math.round(Math.abs(v))) : data;
}

/** Single values are compared each for itself, so that a large one does not hide a small one. */
function gap(actual: ArrayLike<number>, expected: Expected): number {
  if (!("all" in expected)) return deviation(actual, expected, 0);
  expect(actual.length).toBe(expected.all.length);
  return Math.max(...expected.all.map((e, i) => Math.abs(actual[i] - e) / Math.max(1, Math.abs(e))));
}

/** Which inputs are maps, of the ops that take maps in the blocked layout. */
const maps: Record<string, (input: number) => boolean> = {
  ...Object.fromEntries(
    ["conv2d", "batchNormTraining", "batchNormEvaluation", "maxPool", "globalAveragePool", "mul"].map(
      (op) => [op, (input: number) => input === 0],
    ),
  ),
  ...Object.fromEntries(["concatChannels", "add", "reshape"].map((op) => [op, () => true])),
};

const named = cases.map((oracle, seed) => ({ ...oracle, seed }));
const blockable = named.filter(({ op, inputs }) => op in maps && inputs[0].dims.length === 4);

describe.each([
  ...Object.keys(ops).map((op) => ({ op, layout: "plain", own: named.filter((oracle) => oracle.op === op) })),
  ...[...new Set(blockable.map(({ op }) => op))].map((op) => ({
    op,
    layout: "blocked",
    own: blockable.filter((oracle) => oracle.op === op),
  })),
])("$op, $layout", ({ op, layout, own }) => {
  it.each(own)("$name", async ({ seed, inputs, options, outs, grads }) => {
    const g = new Graph("op", layout === "blocked" ? await channelBlock() : 1);
    const values = inputs.map(({ dims }, i) => g.input(`in${i}`, dims));
    const given = values.map((v, i) =>
      g.block > 1 && maps[op](i) && v.dims.length === 4 ? blocked(g, v) : v,
    );
    const ys = ops[op](g, given, options);
    const asked = Object.keys(grads).map(Number);
    ys.forEach((y, i) => {
      expect(y.dims).toEqual(outs[i].dims);
      g.output(`out${i}`, y);
    });
    const feeds = Object.fromEntries(inputs.map((input, i) => [`in${i}`, draw(seed, i, input)]));
    if (asked.length > 0) {
      feeds.dy = draw(seed, 99, { dims: ys[0].dims as number[] });
      const wrt = asked.map((i) => values[i]);
      gradients(g, ys[0], wrt, g.input("dy", ys[0].dims)).forEach((grad, i) => {
        expect(grad.dims).toEqual(wrt[i].dims);
        g.output(`grad${asked[i]}`, grad);
      });
    }
    const session = await createSession(g, { threads: 2 });
    const results = await session.run(feeds);
    await session.release();
    outs.forEach((expected, i) => {
      expect(results[`out${i}`].dims).toEqual(expected.dims);
      expect(gap(results[`out${i}`].data as Float32Array, expected), "forward").toBeLessThan(1e-5);
    });
    for (const i of asked) {
      expect(results[`grad${i}`].dims).toEqual(inputs[i].dims);
      expect(gap(results[`grad${i}`].data as Float32Array, grads[i]), `gradient ${i}`).toBeLessThan(2e-5);
    }
  });
});

it("the oracle covers every op", () => {
  expect([...new Set(cases.map(({ op }) => op))].sort()).toEqual(Object.keys(ops).sort());
});
