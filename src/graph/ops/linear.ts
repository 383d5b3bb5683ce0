/** Role: fully connected layer. Contract: x N×C, weight K×C, bias K → N×K (torch.nn.Linear). */
import type { Graph, Value } from "../graph.js";

export function linear(g: Graph, x: Value, weight: Value, bias: Value): Value {
  const [n] = x.dims;
  const [k] = weight.dims;
  const y = g.op("Gemm", [x, weight, bias], [n, k], { transB: 1 });
  g.record("linear", [x, weight, bias], [y], ([dy], [needX, needW, needB]) => {
    if (dy === undefined) return [];
    return [
      needX ? g.op("MatMul", [dy, weight], x.dims) : undefined,
      needW ? g.op("Gemm", [dy, x], weight.dims, { transA: 1 }) : undefined,
      needB ? g.op("ReduceSum", [dy, g.ints([0])], bias.dims, { keepdims: 0 }) : undefined,
    ];
  });
  return y;
}
