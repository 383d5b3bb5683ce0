/**
 * Role: values limited to an interval, differentiable. Contract: float32 or float64; the gradient is 1 inside and at the
 * bounds, 0 outside (torch.clamp but for the bounds); NaN stays NaN and has none. The bounds count as inside so that a gene
 * at its training minimum, as most of sparse data are, has the slope that leads away from it.
 */
import type { Graph, Value } from "../graph.js";

/** @param low, high bounds, low ≤ high; ±Infinity for none */
export function clip(g: Graph, x: Value, low: number, high: number): Value {
  if (!(low <= high)) throw new RangeError(`clip: ${low}…${high} is no interval`);
  const number = (v: number) =>
    g.constant(x.type === "float64" ? Float64Array.of(v) : Float32Array.of(v), []);
  const y = g.op("Clip", [x, number(low), number(high)], x.dims);
  g.record("clip", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    const kept = g.op("Equal", [x, y], x.dims, {}, { type: "bool" });
    return [g.op("Where", [kept, dy, number(0)], x.dims, {}, { type: x.type })];
  });
  return y;
}
