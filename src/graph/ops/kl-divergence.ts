/**
 * Role: mean Kullback–Leibler divergence of one set of logits from another, KL(softmax(p) ‖ softmax(q)).
 * Contract: logits N×K, N×K → scalar 1/N · Σ softmax(p) · (log softmax(p) − log softmax(q)); differentiable by both. As
 * torch.nn.functional.kl_div(q.log_softmax(1), p.log_softmax(1), log_target=True, reduction="batchmean").
 */
import { type Graph, staticDims, type Value } from "../graph.js";

export function klDivergence(g: Graph, p: Value, q: Value): Value {
  const [n] = staticDims(p);
  const { dims } = p;
  const logP = g.op("LogSoftmax", [p], dims, { axis: 1 });
  const logQ = g.op("LogSoftmax", [q], dims, { axis: 1 });
  const ofP = g.op("Exp", [logP], dims);
  const gap = g.op("Sub", [logP, logQ], dims);
  const terms = g.op("Mul", [ofP, gap], dims);
  const ofRow = g.op("ReduceSum", [terms, g.ints([1])], [n, 1], { keepdims: 1 });
  const total = g.op("ReduceSum", [ofRow, g.ints([0, 1])], [], { keepdims: 0 });
  const divergence = g.op("Mul", [total, g.scalar(1 / n)], []);
  g.record("klDivergence", [p, q], [divergence], ([dy], [needP, needQ]) => {
    if (dy === undefined) return [];
    const scale = g.op("Mul", [dy, g.scalar(1 / n)], []);
    const scaled = (slope: Value) => g.op("Mul", [slope, scale], dims);
    return [
      // p · (log p − log q − the row's divergence)
      needP ? scaled(g.op("Mul", [ofP, g.op("Sub", [gap, ofRow], dims)], dims)) : undefined,
      needQ ? scaled(g.op("Sub", [g.op("Exp", [logQ], dims), ofP], dims)) : undefined,
    ];
  });
  return divergence;
}
