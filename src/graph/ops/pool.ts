/** Role: pooling. Contract: NCHW; as torch.nn.MaxPool2d and AdaptiveAvgPool2d(1) + flatten. */
import { type Graph, sizeOf, staticDims, type Value } from "../graph.js";
import { filled, plain, scaled, stored, sums, unfilled } from "./layout.js";
import { maxPoolBlocked } from "./pool-blocked.js";

export interface PoolOptions {
  kernel: number;
  stride: number;
  pad: number;
  /** A last window that reaches over the edge counts too (torch's ceil_mode). Default: it does not. */
  ceil?: boolean;
}

/** Size of a convolved or pooled axis. */
export function outSize(size: number, kernel: number, stride: number, padSum: number): number {
  return Math.floor((size + padSum - kernel) / stride) + 1;
}

/** The same with a last window over the edge, which must begin within the image or the padding before it. */
function ceilSize(size: number, kernel: number, stride: number, pad: number): number {
  const out = Math.ceil((size + 2 * pad - kernel) / stride) + 1;
  return (out - 1) * stride < size + pad ? out : out - 1;
}

export function maxPool(g: Graph, x: Value, options: PoolOptions): Value {
  const { kernel, stride, pad, ceil = false } = options;
  const [n, c, h, w] = x.dims as [number, number, number, number];
  const pooled = (size: number) =>
    ceil ? ceilSize(size, kernel, stride, pad) : outSize(size, kernel, stride, 2 * pad);
  if (x.blocked && stride <= kernel) {
    const axis = (size: number) => ({ kernel, stride, pad, out: pooled(size) });
    return maxPoolBlocked(g, x, axis(h), axis(w));
  }
  return maxPoolPlain(g, plain(g, x), [n, c, pooled(h), pooled(w)], options);
}

function maxPoolPlain(g: Graph, x: Value, dims: number[], options: PoolOptions): Value {
  const { kernel, stride, pad, ceil = false } = options;
  const [y, indices] = g.multi("MaxPool", [x], [{ dims }, { dims, type: "int64" }], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    ceil_mode: ceil ? 1 : 0,
  });
  g.record("maxPool", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    // onnxruntime's indices count through the whole N×C×H×W tensor
    const flat = g.ints([-1]);
    const zeros = g.op("Mul", [g.op("Reshape", [x, flat], ["all"]), g.scalar(0)], ["all"]);
    const d = g.op(
      "ScatterElements",
      [zeros, g.op("Reshape", [indices, flat], ["all"]), g.op("Reshape", [dy, flat], ["all"])],
      ["all"],
      { axis: 0, reduction: "add" },
    );
    return [g.op("Reshape", [d, g.op("Shape", [x], [4], {}, { type: "int64" })], x.dims)];
  });
  return y;
}

/** Mean over height and width: N×C×H×W → N×C. */
export function globalAveragePool(g: Graph, x: Value): Value {
  if (x.blocked) return globalAveragePoolBlocked(g, x);
  const [n, c, h, w] = x.dims;
  const y = g.op("ReduceMean", [x, g.ints([2, 3])], [n, c], { keepdims: 0 });
  g.record("globalAveragePool", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    const [, cc, hh, ww] = [0, ...staticDims({ ...x, dims: [c, h, w] })];
    const share = g.op("Mul", [dy, g.scalar(1 / sizeOf([hh, ww]))], dy.dims);
    const column = g.op("Reshape", [share, g.ints([-1, cc, 1, 1])], [n, cc, 1, 1]);
    return [g.op("Expand", [column, g.ints([1, cc, hh, ww])], x.dims)];
  });
  return y;
}

function globalAveragePoolBlocked(g: Graph, x: Value): Value {
  const [n, c, h, w] = staticDims(x);
  const all = filled(g, c);
  const share = g.scalar(1 / (h * w));
  const y = unfilled(g, g.op("Mul", [sums(g, x), share], [n, all]), c);
  g.record("globalAveragePool", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    const part = g.op("Mul", [dy, share], [n, c]);
    const rows = all === c ? part : g.op("Pad", [part, g.ints([0, 0, 0, all - c])], [n, all]);
    const shift = stored(g, rows, [n * all]);
    // spread over the map: 1 · (what came so far) + part, or 0 · x + part
    const factors = (value: number) => g.constant(new Float32Array(n * all).fill(value), [n * all]);
    return [(sofar) => scaled(g, sofar ?? x, factors(sofar ? 1 : 0), { shift, bySample: true })];
  });
  return y;
}
