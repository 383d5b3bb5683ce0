/** Role: a value as float32 or float64, differentiable. The gradient arrives in the type of the result. */
import type { Graph, Value } from "../graph.js";
import { dataTypes } from "../onnx.js";

export function cast(g: Graph, x: Value, type: "float32" | "float64"): Value {
  if (x.type === type) return x;
  const to = (v: Value, t: "float32" | "float64") =>
    g.op("Cast", [v], v.dims, { to: dataTypes[t] }, { type: t });
  const y = to(x, type);
  g.record("cast", [x], [y], ([dy]) => [dy && to(dy, x.type as "float32" | "float64")]);
  return y;
}
