/**
 * Role: differentiable elementwise ops with numpy's broadcasting.
 * Contract: float32 in and out (add … log and sigmoid: float64 as well); each records its own backward.
 */
import { type Attribute, type Dim, type Graph, staticDims, type Value } from "../graph.js";
import { blocked, dots, filled, plain, scaled, stored, unfilled } from "./layout.js";

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

/** Blocked where one of the two is, and both are maps of the same shape. */
export function add(g: Graph, first: Value, second: Value): Value {
  const inBlocks = (first.blocked || second.blocked) && first.dims.join() === second.dims.join();
  const [a, b] = [first, second].map((v) => (inBlocks ? blocked(g, v) : plain(g, v)));
  const y = inBlocks ? alike(g, "Add", [a, b]) : g.op("Add", [a, b], broadcastDims(a.dims, b.dims));
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

/** A blocked map may be multiplied by a number a sample, or one a channel of each sample; else maps are made plain. */
export function mul(g: Graph, first: Value, second: Value): Value {
  if (first.blocked && second.dims.length === 4 && second.dims[2] === 1 && second.dims[3] === 1)
    return mulBySample(g, first, second);
  const [a, b] = [plain(g, first), plain(g, second)];
  const y = g.op("Mul", [a, b], broadcastDims(a.dims, b.dims));
  g.record("mul", [a, b], [y], ([dy], [needA, needB]) => [
    needA && dy ? sumTo(g, g.op("Mul", [dy, b], y.dims), a.dims) : undefined,
    needB && dy ? sumTo(g, g.op("Mul", [dy, a], y.dims), b.dims) : undefined,
  ]);
  return y;
}

/** x N×C×H×W, blocked; by N×1×1×1 or N×C×1×1, plain. */
function mulBySample(g: Graph, x: Value, by: Value): Value {
  const [n, c] = staticDims(x);
  const all = filled(g, c);
  const ofChannels = by.dims[1] === c && c > 1;
  const factors = ofChannels ? stored(g, g.toBlocked(by), [n, all]) : by;
  const times = (v: Value) =>
    ofChannels ? scaled(g, v, factors, { bySample: true }) : alike(g, "Mul", [v, factors]);
  const y = times(x);
  g.record("mul", [x, by], [y], ([dy], [needX, needBy]) => {
    if (dy === undefined) return [];
    const found = needBy ? dots(g, dy, x) : undefined;
    const byChannel = found && stored(g, unfilled(g, found, c), [n, c, 1, 1]);
    return [needX ? times(dy) : undefined, byChannel && sumTo(g, byChannel, by.dims)];
  });
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

/** A node on values of one shape and layout. */
const alike = (
  g: Graph,
  opType: string,
  inputs: readonly Value[],
  attributes: Record<string, Attribute> = {},
) => g.op(opType, inputs, inputs[0].dims, attributes, { blocked: inputs[0].blocked ?? false });

/** dy where the activation that gave y is not flat, else 0. */
export function masked(g: Graph, dy: Value, y: Value, activation: "relu" | "relu6" | undefined): Value {
  if (activation === undefined) return dy;
  // y·(6 − y) is positive strictly between the two corners, and 0 at them
  const sign = activation === "relu" ? y : alike(g, "Mul", [y, fromScalar(g, "Sub", g.scalar(6), y)]);
  return alike(g, "Mul", [dy, isPositive(g, sign)]);
}

/** 1 where x > 0, else 0, of numbers that are not negative: min(1, x · 10³⁸), faster than Sign. */
const isPositive = (g: Graph, x: Value) =>
  alike(g, "HardSigmoid", [x], { alpha: { float: 1e38 }, beta: { float: 0 } });

/** max(x, 0); the derivative at 0 is 0, as in PyTorch. */
export function relu(g: Graph, x: Value): Value {
  const y = alike(g, "Relu", [x]);
  g.record("relu", [x], [y], ([dy]) => [dy && masked(g, dy, y, "relu")]);
  return y;
}

/** min(max(x, 0), 6); the derivative at 0 and at 6 is 0, as in PyTorch. */
export function relu6(g: Graph, x: Value): Value {
  const y = g.op("Clip", [x, g.scalar(0), g.scalar(6)], x.dims, {}, { blocked: x.blocked ?? false });
  g.record("relu6", [x], [y], ([dy]) => [dy && masked(g, dy, y, "relu6")]);
  return y;
}

/** 1 of the type of x. */
const one = (g: Graph, x: Value): Value =>
  x.type === "float64" ? g.constant(Float64Array.of(1), []) : g.scalar(1);

/** A scalar by a value: 6 − y, 1 − y. */
const fromScalar = (g: Graph, opType: string, scalar: Value, x: Value) =>
  g.op(opType, [scalar, x], x.dims, {}, { blocked: x.blocked ?? false });

export function sigmoid(g: Graph, x: Value): Value {
  const y = alike(g, "Sigmoid", [x]);
  g.record("sigmoid", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    const slope = alike(g, "Mul", [y, fromScalar(g, "Sub", one(g, x), y)]);
    return [alike(g, "Mul", [dy, slope])];
  });
  return y;
}

/** x · sigmoid(x) (also named swish). */
export function silu(g: Graph, x: Value): Value {
  // Where the graph runs here and now, y in one pass; s is then made when it is needed.
  const y =
    g.block > 1
      ? g.op(
          "QuickGelu",
          [x],
          x.dims,
          { alpha: { float: 1 } },
          { domain: "com.microsoft", blocked: x.blocked ?? false },
        )
      : alike(g, "Mul", [x, alike(g, "Sigmoid", [x])]);
  g.record("silu", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    const s = alike(g, "Sigmoid", [x]);
    // d/dx = s + y·(1 − s); written as s + y − y·s it would cancel where x is large
    const rest = fromScalar(g, "Sub", g.scalar(1), s);
    const slope = alike(g, "Add", [s, alike(g, "Mul", [y, rest])]);
    return [alike(g, "Mul", [dy, slope])];
  });
  return y;
}
