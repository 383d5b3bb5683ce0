/**
 * Role: one Adam step as graph nodes, with decoupled weight decay where asked for.
 * Contract: per parameter the values of weight, gradient and two moments in, their successors out, moments and successors
 * along one axis; what differs from step to step is a scalar input, so that one graph serves every step.
 * Reference: Kingma & Ba 2015, torch.optim.Adam; Loshchilov & Hutter 2019, torch.optim.AdamW.
 */
import { type Graph, sizeOf, staticDims, type Value } from "../graph/graph.js";
import { stored } from "../graph/ops/layout.js";

export interface AdamConstants {
  beta1: number;
  beta2: number;
  eps: number;
}
export const adamDefaults: AdamConstants = { beta1: 0.9, beta2: 0.999, eps: 1e-8 };

export interface AdamState {
  weight: Value;
  m: Value;
  v: Value;
}

/** Scalars that differ from step to step: values of the graph, or their numbers. */
export interface AdamScalars<T> {
  /** lr / (1 − beta1^t) */
  stepSize: T;
  /** 1 / (1 − beta2^t) */
  correction2: T;
  /** 1 − lr · weight decay; left out, nothing decays (and no pass over the weights is spent on it). */
  kept?: T;
}

export function adamStep(
  g: Graph,
  state: AdamState,
  grad: Value,
  scalars: AdamScalars<Value>,
  k = adamDefaults,
): AdamState {
  const { stepSize, correction2, kept } = scalars;
  // One axis: with a last axis of 1, as 1×1 kernels have, onnxruntime multiplies by a scalar element by element, 30 times
  // slower.
  const dims = [sizeOf(staticDims(state.weight))];
  const flat = (v: Value) => stored(g, v, dims);
  const [old, slope] = [flat(state.weight), flat(grad)];
  const blend = (before: Value, fresh: Value, beta: number) =>
    g.op(
      "Add",
      [g.op("Mul", [before, g.scalar(beta)], dims), g.op("Mul", [fresh, g.scalar(1 - beta)], dims)],
      dims,
    );
  const m = blend(state.m, slope, k.beta1);
  const v = blend(state.v, g.op("Mul", [slope, slope], dims), k.beta2);
  const root = g.op("Sqrt", [g.op("Mul", [v, correction2], dims)], dims);
  const direction = g.op("Div", [m, g.op("Add", [root, g.scalar(k.eps)], dims)], dims);
  const weight = kept === undefined ? old : g.op("Mul", [old, kept], dims);
  return {
    weight: g.op("Sub", [weight, g.op("Mul", [direction, stepSize], dims)], dims),
    m,
    v,
  };
}

/** The scalars of step t = 1, 2, … */
export function adamScalars(
  lr: number,
  t: number,
  weightDecay = 0,
  k = adamDefaults,
): Required<AdamScalars<number>> {
  return {
    stepSize: lr / (1 - k.beta1 ** t),
    correction2: 1 / (1 - k.beta2 ** t),
    kept: 1 - lr * weightDecay,
  };
}

/** Parameters of fewer values than this are moved together, where they are many: what they cost is nodes, not arithmetic. */
const SMALL = 8192;
const MANY = 8;

/** A step of many parameters, as `adamStep` of each and to the same bits. */
export function adamSteps(
  g: Graph,
  states: readonly AdamState[],
  grads: readonly Value[],
  scalars: AdamScalars<Value>,
  k = adamDefaults,
): AdamState[] {
  const sizes = states.map(({ weight }) => sizeOf(staticDims(weight)));
  const small = states.flatMap((_, i) => (sizes[i] < SMALL ? [i] : []));
  const many = small.length >= MANY;
  const next = states.map((state, i) =>
    many && sizes[i] < SMALL ? state : adamStep(g, state, grads[i], scalars, k),
  );
  if (!many) return next;
  const lengths = small.map((i) => sizes[i]);
  const dims = [lengths.reduce((a, b) => a + b)];
  const joined = (values: readonly Value[]) => {
    const flat = small.map((i) => stored(g, values[i], [sizes[i]]));
    return g.op("Concat", flat, dims, { axis: 0 });
  };
  const all = adamStep(
    g,
    {
      weight: joined(states.map(({ weight }) => weight)),
      m: joined(states.map(({ m }) => m)),
      v: joined(states.map(({ v }) => v)),
    },
    joined(grads),
    scalars,
    k,
  );
  const apart = (whole: Value) =>
    g.multi(
      "Split",
      [whole, g.ints(lengths)],
      lengths.map((length) => ({ dims: [length] })),
      { axis: 0 },
    );
  const [weights, ms, vs] = [apart(all.weight), apart(all.m), apart(all.v)];
  small.forEach((i, j) => {
    next[i] = { weight: weights[j], m: ms[j], v: vs[j] };
  });
  return next;
}
