/** Role: fully connected layer. Contract: x N×C, weight K×C, bias K → N×K (torch.nn.Linear). */
import type { Graph, Value } from "../graph.js";
import { productTransposed, transpose } from "./matmul.js";

export function linear(g: Graph, x: Value, weight: Value, bias: Value): Value {
  const [n] = x.dims;
  const [k] = weight.dims;
  const y = g.op("Add", [productTransposed(g, x, weight), bias], [n, k]);
  g.record("linear", [x, weight, bias], [y], ([dy], [needX, needW, needB]) => {
    if (dy === undefined) return [];
    return [
      needX ? productTransposed(g, dy, transpose(g, weight)) : undefined,
      needW ? productTransposed(g, transpose(g, dy), transpose(g, x)) : undefined,
      needB ? g.op("ReduceSum", [dy, g.ints([0])], bias.dims, { keepdims: 0 }) : undefined,
    ];
  });
  return y;
}
