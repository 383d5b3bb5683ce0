/**
 * Role: one Adam step as graph nodes.
 * Contract: per parameter the values of weight, gradient and two moments in, their successors out; the step's bias
 * corrections are scalar inputs, so that one graph serves every step.
 * Reference: Kingma & Ba 2015; torch.optim.Adam (no weight decay).
 */
import type { Graph, Value } from "../graph/graph.js";

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

/** Scalars that differ from step to step. */
export interface AdamSchedule {
  /** lr / (1 − beta1^t) */
  stepSize: Value;
  /** 1 / (1 − beta2^t) */
  correction2: Value;
}

export function adamStep(
  g: Graph,
  state: AdamState,
  grad: Value,
  schedule: AdamSchedule,
  k = adamDefaults,
): AdamState {
  const { dims } = state.weight;
  const blend = (old: Value, fresh: Value, beta: number) =>
    g.op(
      "Add",
      [g.op("Mul", [old, g.scalar(beta)], dims), g.op("Mul", [fresh, g.scalar(1 - beta)], dims)],
      dims,
    );
  const m = blend(state.m, grad, k.beta1);
  const v = blend(state.v, g.op("Mul", [grad, grad], dims), k.beta2);
  const root = g.op("Sqrt", [g.op("Mul", [v, schedule.correction2], dims)], dims);
  const direction = g.op("Div", [m, g.op("Add", [root, g.scalar(k.eps)], dims)], dims);
  return {
    weight: g.op("Sub", [state.weight, g.op("Mul", [direction, schedule.stepSize], dims)], dims),
    m,
    v,
  };
}

/** The scalars of step t = 1, 2, … */
export function adamSchedule(
  lr: number,
  t: number,
  k = adamDefaults,
): { stepSize: number; correction2: number } {
  return { stepSize: lr / (1 - k.beta1 ** t), correction2: 1 / (1 - k.beta2 ** t) };
}
