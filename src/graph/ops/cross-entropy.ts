/**
 * Role: mean cross-entropy of logits against a target distribution (torch.nn.functional.cross_entropy).
 * Contract: logits N×K, target N×K (one-hot rows) → scalar. N may be symbolic only without gradient.
 */
import { type Graph, staticDims, type Value } from "../graph.js";

export function crossEntropy(g: Graph, logits: Value, target: Value): Value {
  const [n] = staticDims(logits);
  const logP = g.op("LogSoftmax", [logits], logits.dims, { axis: 1 });
  const total = g.op("ReduceSum", [g.op("Mul", [logP, target], logits.dims), g.ints([0, 1])], [], {
    keepdims: 0,
  });
  const loss = g.op("Mul", [total, g.scalar(-1 / n)], []);
  g.record("crossEntropy", [logits], [loss], ([dy]) => {
    if (dy === undefined) return [];
    const gap = g.op("Sub", [g.op("Exp", [logP], logits.dims), target], logits.dims);
    return [g.op("Mul", [gap, g.op("Mul", [dy, g.scalar(1 / n)], [])], logits.dims)];
  });
  return loss;
}
