/**
 * Role: a dense blocked convolution, small maps of all samples side by side.
 * Contract: storages in and out, N×C×H×W by kernels in the kernels' layout. Along rows the kernels compute six results at once, and
 * those that see padding one by one; rows of a few columns are mostly the latter, and all weights are read anew for each
 * sample. So the samples of one pixel lie side by side there, and the kernel is dilated by their number.
 */
import { type Graph, nchwc, staticDims, type Value } from "../graph.js";
import { padded, stored } from "./layout.js";

export interface ConvShape {
  kernel: readonly [number, number];
  stride: number;
  pads: readonly number[];
  out: readonly [number, number];
}

/** Columns of a small map: wider ones lose as much by being moved. */
const SMALL = 7;
/** Samples from which on the rows are long enough. */
const SEVERAL = 4;

export function denseConv(
  g: Graph,
  x: Value,
  kernels: Value,
  { kernel, stride, pads, out }: ConvShape,
  { bias = null, added = null }: { bias?: Value | null; added?: Value | null } = {},
): Value {
  const [n, c, h, w] = staticDims(x);
  const [k] = staticDims(kernels);
  const [oh, ow] = out;
  const conv = (v: Value, more: Value | null, dims: number[], rest: Record<string, number[]>) => {
    const inputs = more ? [v, kernels, bias, more] : bias ? [v, kernels, bias] : [v, kernels];
    return g.op("Conv", inputs, dims, { kernel_shape: kernel, ...rest }, { domain: nchwc });
  };
  const [top, left, bottom, right] = pads;
  if (stride > 1 || kernel[1] === 1 || Math.max(w, ow) > SMALL || n < SEVERAL)
    return conv(x, added, [n, k, oh, ow], { strides: [stride, stride], pads: [...pads] });
  const b = g.block;
  const exchanged = (v: Value, outer: number, inner: number) =>
    g.op("Transpose", [stored(g, v, [outer, inner, b])], [inner, outer, b], { perm: [1, 0, 2] });
  const inRows = (v: Value, [, channels, height, width]: readonly number[]) =>
    stored(g, exchanged(v, n, (channels / b) * height * width), [1, channels, height, width * n]);
  const wide = padded(g, inRows(x, [n, c, h, w]), [0, left * n, 0, right * n]);
  const y = conv(wide, added && inRows(added, [n, k, oh, ow]), [1, k, oh, ow * n], {
    dilations: [1, n],
    pads: [top, 0, bottom, 0],
  });
  return stored(g, exchanged(y, (k / b) * oh * ow, n), [n, k, oh, ow]);
}
