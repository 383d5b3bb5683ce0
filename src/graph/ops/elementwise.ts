/**
 * Role: differentiable elementwise ops with numpy's broadcasting.
 * Contract: float32 in and out (add … log and sigmoid: float64 as well); each records its own backward.
 */
import type { Dim, Graph, Value } from "../graph.js";

/** Dims of a broadcast result (numpy's rule). */
export function broadcastDims(a: readonly Dim[], b: readonly Dim[]): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const p = a[i - rank + a.length] ?? 1;
    const q = b[i - rank + b.length] ?? 1;
    if (p !== q && p !== 1 && q !== 1)
      throw new Error(`cannot broadcast [${a.join(", ")}] with [${b.join(", ")}]`);
    return p === 1 ? q : p;
  });
}

/** Sums a gradient over the axes along which its value was broadcast. */
export function sumTo(g: Graph, grad: Value, dims: readonly Dim[]): Value {
  const lead = grad.dims.length - dims.length;
  const axes = grad.dims.flatMap((d, i) => (i < lead || (dims[i - lead] === 1 && d !== 1) ? [i] : []));
  if (axes.length === 0) return grad;
  const kept = grad.dims.map((d, i) => (axes.includes(i) ? 1 : d));
  const summed = g.op("ReduceSum", [grad, g.ints(axes)], kept, { keepdims: 1 });
  return lead === 0
    ? summed
    : g.op("Reshape", [summed, g.ints(dims.map((d) => (typeof d === "number" ? d : -1)))], dims);
}

export function add(g: Graph, a: Value, b: Value): Value {
  const y = g.op("Add", [a, b], broadcastDims(a.dims, b.dims));
  g.record("add", [a, b], [y], ([dy], [needA, needB]) => [
    needA && dy ? sumTo(g, dy, a.dims) : undefined,
    needB && dy ? sumTo(g, dy, b.dims) : undefined,
  ]);
  return y;
}

export function sub(g: Graph, a: Value, b: Value): Value {
  const y = g.op("Sub", [a, b], broadcastDims(a.dims, b.dims));
  g.record("sub", [a, b], [y], ([dy], [needA, needB]) => [
    needA && dy ? sumTo(g, dy, a.dims) : undefined,
    needB && dy ? sumTo(g, g.op("Neg", [dy], dy.dims), b.dims) : undefined,
  ]);
  return y;
}

export function mul(g: Graph, a: Value, b: Value): Value {
  const y = g.op("Mul", [a, b], broadcastDims(a.dims, b.dims));
  g.record("mul", [a, b], [y], ([dy], [needA, needB]) => [
    needA && dy ? sumTo(g, g.op("Mul", [dy, b], y.dims), a.dims) : undefined,
    needB && dy ? sumTo(g, g.op("Mul", [dy, a], y.dims), b.dims) : undefined,
  ]);
  return y;
}

export function div(g: Graph, a: Value, b: Value): Value {
  const y = g.op("Div", [a, b], broadcastDims(a.dims, b.dims));
  g.record("div", [a, b], [y], ([dy], [needA, needB]) => {
    if (dy === undefined) return [];
    const share = g.op("Div", [dy, b], y.dims);
    return [
      needA ? sumTo(g, share, a.dims) : undefined,
      needB ? sumTo(g, g.op("Neg", [g.op("Mul", [share, y], y.dims)], y.dims), b.dims) : undefined,
    ];
  });
  return y;
}

/** Square root; the derivative at 0 is infinite, as in PyTorch. */
export function sqrt(g: Graph, x: Value): Value {
  const y = g.op("Sqrt", [x], x.dims);
  g.record("sqrt", [x], [y], ([dy]) => [dy && g.op("Div", [dy, g.op("Add", [y, y], x.dims)], x.dims)]);
  return y;
}

/** Natural logarithm. */
export function log(g: Graph, x: Value): Value {
  const y = g.op("Log", [x], x.dims);
  g.record("log", [x], [y], ([dy]) => [dy && g.op("Div", [dy, x], x.dims)]);
  return y;
}

/** max(x, 0); the derivative at 0 is 0, as in PyTorch. */
export function relu(g: Graph, x: Value): Value {
  const y = g.op("Relu", [x], x.dims);
  g.record("relu", [x], [y], ([dy]) => [dy && g.op("Mul", [dy, g.op("Sign", [y], x.dims)], x.dims)]);
  return y;
}

/** min(max(x, 0), 6); the derivative at 0 and at 6 is 0, as in PyTorch. */
export function relu6(g: Graph, x: Value): Value {
  const six = g.scalar(6);
  const y = g.op("Clip", [x, g.scalar(0), six], x.dims);
  g.record("relu6", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    // y·(6 − y) is positive strictly between the two corners, and 0 at them
    const inside = g.op("Sign", [g.op("Mul", [y, g.op("Sub", [six, y], x.dims)], x.dims)], x.dims);
    return [g.op("Mul", [dy, inside], x.dims)];
  });
  return y;
}

/** 1 of the type of x. */
const one = (g: Graph, x: Value): Value =>
  x.type === "float64" ? g.constant(Float64Array.of(1), []) : g.scalar(1);

export function sigmoid(g: Graph, x: Value): Value {
  const y = g.op("Sigmoid", [x], x.dims);
  g.record("sigmoid", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    const slope = g.op("Mul", [y, g.op("Sub", [one(g, x), y], x.dims)], x.dims);
    return [g.op("Mul", [dy, slope], x.dims)];
  });
  return y;
}

/** x · sigmoid(x) (also named swish). */
export function silu(g: Graph, x: Value): Value {
  const s = g.op("Sigmoid", [x], x.dims);
  const y = g.op("Mul", [x, s], x.dims);
  g.record("silu", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    // d/dx = s + y·(1 − s); written as s + y − y·s it would cancel where x is large
    const rest = g.op("Sub", [g.scalar(1), s], x.dims);
    const slope = g.op("Add", [s, g.op("Mul", [y, rest], x.dims)], x.dims);
    return [g.op("Mul", [dy, slope], x.dims)];
  });
  return y;
}
