/** Role: NaN, which stands for a missing value, as 0, differentiable: what is missing has no gradient. */
import type { Graph, Value } from "../graph.js";

export function zeroMissing(g: Graph, x: Value): Value {
  const missing = g.op("IsNaN", [x], x.dims, {}, { type: "bool" });
  const zero = g.constant(x.type === "float64" ? Float64Array.of(0) : Float32Array.of(0), []);
  const clean = (v: Value) => g.op("Where", [missing, zero, v], x.dims, {}, { type: x.type });
  const y = clean(x);
  g.record("zeroMissing", [x], [y], ([dy]) => [dy && clean(dy)]);
  return y;
}
