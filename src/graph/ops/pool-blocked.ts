/**
 * Role: max pooling of blocked maps. onnxruntime's pooling is 40 times faster without the indices of the maxima, so the
 * gradient finds them again by comparing.
 * Contract: as maxPool of pool.ts; of equal maxima the first, by rows, gets the gradient, as in PyTorch. Columns are pooled
 * first, then rows; going back, the first row that holds the maximum is found, then the first column in it.
 */
import { type Graph, nchwc, staticDims, type Value } from "../graph.js";
import { framed, together } from "./interleave.js";
import { asMap, filled, stored } from "./layout.js";

/** One axis of a window. */
export interface Axis {
  kernel: number;
  stride: number;
  /** Padding before the axis; what a last window needs behind it follows from `out`. */
  pad: number;
  out: number;
}

export function maxPoolBlocked(g: Graph, x: Value, rows: Axis, columns: Axis): Value {
  const [n, c, h, w] = staticDims(x);
  const along = (from: Value, [fh, fw]: number[], axis: Axis, vertical: boolean) => {
    const after = (axis.out - 1) * axis.stride + axis.kernel - axis.pad - (vertical ? fh : fw);
    const pair = (v: number, other: number) => (vertical ? [v, other] : [other, v]);
    const dims = [n, filled(g, c), vertical ? axis.out : fh, vertical ? fw : axis.out];
    return g.op(
      "MaxPool",
      [stored(g, from, [n, filled(g, c), fh, fw])],
      dims,
      {
        kernel_shape: pair(axis.kernel, 1),
        strides: pair(axis.stride, 1),
        pads: [...pair(axis.pad, 0), ...pair(Math.max(after, 0), 0)],
      },
      { domain: nchwc },
    );
  };
  const narrow = along(x, [h, w], columns, false);
  const pooled = along(narrow, [h, columns.out], rows, true);
  const y = asMap(g, pooled, [n, c, rows.out, columns.out]);
  g.record("maxPool", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    const all = filled(g, c);
    const map = (v: Value, height: number, width: number) => stored(g, v, [n, all, height, width]);
    const before = map(narrow, h, columns.out);
    const toNarrow = routed(
      g,
      map(dy, rows.out, columns.out),
      map(pooled, rows.out, columns.out),
      before,
      rows,
      true,
    );
    const back = routed(g, toNarrow, before, map(x, h, w), columns, false);
    return [asMap(g, back, [n, c, h, w])];
  });
  return y;
}

/**
 * The gradient by x of its maxima y along rows (vertical) or columns; all are N×C×H×W, blocked. Positions in the window are gone
 * through in order; `rest` is what has not found its maximum yet. Values are picked and moved by convolutions, which use all
 * threads.
 */
function routed(
  g: Graph,
  dy: Value,
  y: Value,
  x: Value,
  { kernel, stride, pad, out }: Axis,
  vertical: boolean,
): Value {
  const dims = staticDims(x);
  const size = vertical ? dims[2] : dims[3];
  const after = (out - 1) * stride + kernel - pad - size;
  const shares: Value[] = [];
  let rest = dy;
  for (let t = 0; t < kernel - 1; t++) {
    const outside = Array.from(
      { length: out },
      (_, o) => o * stride + t < pad || o * stride + t >= pad + size,
    );
    const window = { taps: kernel, at: t, before: pad, after: Math.max(after, 0), stride, length: out };
    const gap = picked(g, x, window, vertical, { factor: -1, added: raised(g, y, outside, vertical) });
    // 0 where this is the maximum, else 1
    const beyond = g.op("HardSigmoid", [gap], y.dims, { alpha: { float: 1e38 }, beta: { float: 0 } });
    const next = g.op("Mul", [rest, beyond], y.dims);
    shares.push(g.op("Sub", [rest, next], y.dims));
    rest = next;
  }
  shares.push(rest);
  const length = Math.ceil(size / stride);
  const phases = Array.from({ length: stride }, (_, q) => {
    let sum: Value | undefined;
    // those that need not be moved first: the others add themselves
    const parts = shares.flatMap((share, t) =>
      (q + pad - t) % stride === 0 ? [{ share, by: (q + pad - t) / stride }] : [],
    );
    for (const { share, by } of parts.sort((a, b) => Math.abs(a.by) - Math.abs(b.by))) {
      if (by === 0 && length === out) {
        sum = share;
        continue;
      }
      const before = Math.max(-by, 0);
      const taps = Math.max(by + 1, out + before - length + 1, 1);
      const window = {
        taps,
        at: by + before,
        before,
        after: length + taps - 1 - out - before,
        stride: 1,
        length,
      };
      sum = picked(g, share, window, vertical, { factor: 1, added: sum });
    }
    return sum as Value;
  });
  const lines = vertical
    ? [(dims[0] * dims[1]) / g.block, length, dims[3] * g.block]
    : [(dims[0] * dims[1] * dims[2]) / g.block, length, g.block];
  const whole = together(
    g,
    phases.map((part) => stored(g, part, lines)),
  );
  return stored(g, framed(g, whole, 0, size - length * stride), dims);
}

/** What a window sees at one of its positions: 0 outside. */
interface Window {
  taps: number;
  at: number;
  before: number;
  after: number;
  stride: number;
  length: number;
}

/** factor · (what the windows along one axis see) + added: a depthwise convolution. */
function picked(
  g: Graph,
  v: Value,
  { taps, at, before, after, stride, length }: Window,
  vertical: boolean,
  { factor, added }: { factor: number; added: Value | undefined },
): Value {
  const [n, c, h, w] = staticDims(v);
  const along = (value: number, other: number) => (vertical ? [value, other] : [other, value]);
  const dims = vertical ? [n, c, length, w] : [n, c, h, length];
  const weights = new Float32Array(c * taps);
  weights.fill(factor, at * g.block, (at + 1) * g.block);
  for (let i = 1; i < c / g.block; i++) weights.copyWithin(i * taps * g.block, 0, taps * g.block);
  const kernels = g.constant(weights, [c, 1, ...along(taps, 1)]);
  return g.op(
    "Conv",
    added ? [v, kernels, null, added] : [v, kernels],
    dims,
    {
      kernel_shape: along(taps, 1),
      strides: along(stride, 1),
      pads: [...along(before, 0), ...along(after, 0)],
      group: c,
    },
    { domain: nchwc },
  );
}

/** y, but more than any value where the window's position lies outside of the map. */
function raised(g: Graph, y: Value, outside: readonly boolean[], vertical: boolean): Value {
  if (!outside.includes(true)) return y;
  const [n, c, h, w] = staticDims(y);
  const piece = vertical ? w * g.block : g.block;
  const border = new Float32Array(outside.length * piece);
  outside.forEach((out, o) => {
    if (out) border.fill(3e38, o * piece, (o + 1) * piece);
  });
  const rows = [(n * c * h * w) / border.length, border.length];
  return stored(g, g.op("Add", [stored(g, y, rows), g.constant(border)], rows), [n, c, h, w]);
}
