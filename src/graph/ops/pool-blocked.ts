/**
 * Role: max pooling of blocked maps. onnxruntime's pooling is 40 times faster without the indices of the maxima, so the
 * gradient finds them again by comparing.
 * Contract: as maxPool of pool.ts; of equal maxima the first, by rows, gets the gradient, as in PyTorch. Columns are pooled
 * first, then rows; going back, the first row that holds the maximum is found, then the first column in it.
 */
import { type Graph, nchwc, staticDims, type Value } from "../graph.js";
import { framed, phase, together } from "./interleave.js";
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
  const maps = n * filled(g, c);
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
    const { block: b } = g;
    const blocks = maps / b;
    const byRow = (v: Value, height: number) => stored(g, v, [blocks, height, columns.out * b]);
    const byColumn = (v: Value, width: number) => stored(g, v, [blocks * h, width, b]);
    const toNarrow = routed(g, byRow(dy, rows.out), byRow(pooled, rows.out), byRow(narrow, h), rows);
    const back = routed(
      g,
      byColumn(toNarrow, columns.out),
      byColumn(narrow, columns.out),
      byColumn(x, w),
      columns,
    );
    return [asMap(g, back, [n, c, h, w])];
  });
  return y;
}

/**
 * The gradient by x (A×H×B) of its maxima along the middle axis, y (A×O×B). Positions in the window are gone through in
 * order; `rest` is what has not found its maximum yet.
 */
function routed(g: Graph, dy: Value, y: Value, x: Value, { kernel, stride, pad, out }: Axis): Value {
  const size = staticDims(x)[1];
  const length = Math.ceil(size / stride);
  // every stride-th position, from 0 to stride − 1
  const whole = framed(g, x, 0, length * stride - size, -Infinity);
  const phases = Array.from({ length: stride }, (_, q) => phase(g, whole, stride, q));
  const shares: Value[][] = phases.map(() => []);
  let rest = dy;
  for (let t = 0; t < kernel; t++) {
    const at = Math.floor((t - pad) / stride);
    const q = t - pad - at * stride;
    let share = rest;
    if (t < kernel - 1) {
      const seen = framed(g, phases[q], -at, at + out - length, -Infinity);
      const gap = g.op("Sub", [y, seen], y.dims);
      // 0 where this is the maximum, else 1
      const beyond = g.op("HardSigmoid", [gap], y.dims, { alpha: { float: 1e38 }, beta: { float: 0 } });
      const next = g.op("Mul", [rest, beyond], y.dims);
      share = g.op("Sub", [rest, next], y.dims);
      rest = next;
    }
    shares[q].push(framed(g, share, at, length - out - at));
  }
  const sums = shares.map((parts) => parts.reduce((sum, part) => g.op("Add", [sum, part], part.dims)));
  return framed(g, together(g, sums), 0, size - length * stride);
}
