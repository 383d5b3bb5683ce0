/** The models of test/oracles/attributions.py: nets of 33×40 px with weights by formula, and a painter of 7 genes. */
import {
  type Painter,
  ScoreGraph,
  type ScoreGraphOptions,
  type ScoreModel,
} from "../../src/explain/score-model.js";
import { conv2d, padAll } from "../../src/graph/ops/conv2d.js";
import { relu, sigmoid } from "../../src/graph/ops/elementwise.js";
import { matMul } from "../../src/graph/ops/matmul.js";
import { reshape } from "../../src/graph/ops/reshape.js";
import { head } from "../../src/net/layers.js";
import { nets } from "../../src/net/nets.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/attributions.json" with { type: "json" };
import { type Digest, deviation, formulaWeights } from "../net/formula.js";

export type Space = "image" | "genes";
type NetOfTest = "resnet18" | "efficientnet_b0" | "flat";
export const size = { height: 33, width: 40 };
export const area = size.height * size.width;
export const codes = [3, 0, 4];
export const n = codes.length;
export const genes = 7;
export const classes = 5;

/** As numpy's RandomState(seed).random_sample. */
export function drawn(seed: number[], length: number, low = 0, high = 1): Float32Array {
  const random = new RandomState(seed);
  return Float32Array.from({ length }, () => low + (high - low) * random.random());
}

export const inputs: Record<Space, Float32Array> = {
  image: drawn([31, n], n * 3 * area),
  genes: drawn([32, n], n * genes, -1, 1),
};
export const baselines: Record<Space, Float32Array> = {
  image: drawn([33, 1], 3 * area, 0, 0.3),
  genes: drawn([34, 1], genes, -0.2, 0.2),
};

/** image = sigmoid of expression · matrix */
export const painter: Painter = (g, expression) => {
  const matrix = g.initializer("painter", drawn([30, 7], genes * 3 * area, -1, 1), [genes, 3 * area]);
  const image = sigmoid(g, matMul(g, expression, matrix));
  return reshape(g, image, [expression.dims[0], 3, size.height, size.width]);
};

export function scoreGraph(
  net: NetOfTest,
  space: Space,
  options: Pick<ScoreGraphOptions, "threads" | "signal"> = { threads: 2 },
): ScoreGraph {
  return new ScoreGraph({
    network: (ctx, images) => {
      if (net !== "flat") return nets[net].build(ctx, images, classes);
      const weight = ctx.param("conv.weight", [4, 3, 3, 3], "conv");
      const y = relu(ctx.g, conv2d(ctx.g, images, weight, { stride: 2, pads: padAll(1), groups: 1 }));
      ctx.features = y;
      return head(ctx, "fc", reshape(ctx.g, y, [y.dims[0], 4 * 17 * 20]), classes);
    },
    size,
    painter: space === "genes" ? { genes, paint: painter } : undefined,
    ...options,
  });
}

/** Runs work on the model of a net with weights by formula. */
export async function withModel<T>(
  net: NetOfTest,
  space: Space,
  work: (model: ScoreModel) => Promise<T>,
): Promise<T> {
  const graph = scoreGraph(net, space);
  try {
    return await work(graph.model(formulaWeights(graph.specs)));
  } finally {
    await graph.release();
  }
}

/** Every net and space, for `it.each`. */
export const cases = (["resnet18", "efficientnet_b0", "flat"] as const).flatMap((net) =>
  (["image", "genes"] as const).map((space) => ({ net, space })),
);

/** The largest deviation from captum's values, relative to the norm of each sample's. */
export function gap(actual: ArrayLike<number>, net: NetOfTest, space: Space, what: string): number {
  const expected = (fixture[`${net}/${space}`] as Record<string, number[] | Digest[]>)[what];
  return gapTo(actual, expected);
}

/** Digests of n samples, or all values. */
export function gapTo(actual: ArrayLike<number>, expected: readonly (number | Digest)[]): number {
  const values = Array.from(actual);
  if (typeof expected[0] === "number") {
    const all = expected as number[];
    if (values.length !== all.length) throw new Error(`${values.length} values, not ${all.length}`);
    return Math.hypot(...values.map((v, i) => v - all[i])) / Math.hypot(...all);
  }
  const width = values.length / expected.length;
  return Math.max(
    ...(expected as Digest[]).map((d, i) => deviation(values.slice(i * width, (i + 1) * width), d, 0)),
  );
}
