/**
 * Role: one Adam step as graph nodes, with decoupled weight decay where asked for.
 * Contract: per parameter the values of weight, gradient and two moments in, their successors out; what differs from step to
 * step is a scalar input, so that one graph serves every step.
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

/** All along one axis: with a last axis of 1, as 1×1 kernels have, onnxruntime multiplies by a scalar 30 times slower. */
export interface AdamState {
  weight: Value;
  /** Σ beta1^(t−i) · gᵢ, Adam's first moment without its factor 1 − beta1 (a pass less over all weights). */
  m: Value;
  /** Σ beta2^(t−i) · gᵢ², the second without 1 − beta2. */
  v: Value;
}

/** Scalars that differ from step to step: values of the graph, or their numbers. */
export interface AdamScalars<T> {
  /** The learning rate, with all factors that the moments lack. */
  stepSize: T;
  /** eps, with the factors that the root of v lacks. */
  eps: T;
  /** 1 − lr · weight decay; left out, nothing decays (and no pass over the weights is spent on it). */
  kept?: T;
}

/** @param grad of the weight, of any dims */
export function adamStep(
  g: Graph,
  state: AdamState,
  grad: Value,
  scalars: AdamScalars<Value>,
  k = adamDefaults,
): AdamState {
  const { stepSize, eps, kept } = scalars;
  const dims = staticDims(state.weight);
  const slope = stored(g, grad, dims);
  const sum = (before: Value, fresh: Value, beta: number) =>
    g.op("Add", [g.op("Mul", [before, g.scalar(beta)], dims), fresh], dims);
  const m = sum(state.m, slope, k.beta1);
  const v = sum(state.v, g.op("Mul", [slope, slope], dims), k.beta2);
  const direction = g.op("Div", [m, g.op("Add", [g.op("Sqrt", [v], dims), eps], dims)], dims);
  const weight = kept === undefined ? state.weight : g.op("Mul", [state.weight, kept], dims);
  return {
    weight: g.op("Sub", [weight, g.op("Mul", [direction, stepSize], dims)], dims),
    m,
    v,
  };
}

/**
 * The scalars of step t = 1, 2, …: lr · m̂ / (√v̂ + eps), where m̂ = m (1 − beta1) / (1 − beta1^t) and v̂ likewise, is
 * stepSize · m / (√v + eps′).
 */
export function adamScalars(
  lr: number,
  t: number,
  weightDecay = 0,
  k = adamDefaults,
): Required<AdamScalars<number>> {
  const root = Math.sqrt((1 - k.beta2) / (1 - k.beta2 ** t));
  return {
    stepSize: (lr * (1 - k.beta1)) / (1 - k.beta1 ** t) / root,
    eps: k.eps / root,
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
  const joined = (of: (i: number) => Value) => g.op("Concat", small.map(of), dims, { axis: 0 });
  const all = adamStep(
    g,
    {
      weight: joined((i) => states[i].weight),
      m: joined((i) => states[i].m),
      v: joined((i) => states[i].v),
    },
    joined((i) => stored(g, grads[i], [sizes[i]])),
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
