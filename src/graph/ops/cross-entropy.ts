/**
 * Role: mean cross-entropy of logits against target rows (torch.nn.functional.cross_entropy).
 * Contract: logits N×K, target N×K → scalar −1/N · Σ target · log softmax(logits). Rows need not sum to 1: class weights
 * are folded into them. N may be symbolic only without gradient.
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
    const mass = g.op("ReduceSum", [target, g.ints([1])], [n, 1], { keepdims: 1 });
    const predicted = g.op("Mul", [g.op("Exp", [logP], logits.dims), mass], logits.dims);
    const gap = g.op("Sub", [predicted, target], logits.dims);
    return [g.op("Mul", [gap, g.op("Mul", [dy, g.scalar(1 / n)], [])], logits.dims)];
  });
  return loss;
}
