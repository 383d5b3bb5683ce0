/**
 * Role: 2-D convolution with its two gradients, each in the form that measures best on onnxruntime's CPU kernels.
 * Contract: x N×C×H×W, weight K×(C/groups)×k×k, as torch.nn.Conv2d; groups is 1 or C (depthwise). Padding may differ
 * by side (top, left, bottom, right), as TensorFlow's SAME needs at stride 2.
 */
import { type Graph, staticDims, type Value } from "../graph.js";
import { depthwise } from "./depthwise.js";
import { productTransposed } from "./matmul.js";
import { outSize } from "./pool.js";

export type Pads = readonly [top: number, left: number, bottom: number, right: number];

export interface ConvOptions {
  stride?: number;
  pads?: Pads;
  groups?: number;
  bias?: Value;
}

/** The same padding on every side. */
export const padAll = (p: number): Pads => [p, p, p, p];

export function conv2d(g: Graph, x: Value, weight: Value, options: ConvOptions = {}): Value {
  const { stride = 1, pads = padAll(0), groups = 1, bias } = options;
  const [n, c, h, w] = x.dims as [number, number, number, number];
  const [k, , kh, kw] = staticDims(weight);
  if (groups !== 1 && (groups !== c || k !== c))
    throw new Error(`conv2d: groups is ${groups}, 1 or C = K is supported`);
  const oh = outSize(h, kh, stride, pads[0] + pads[2]);
  const ow = outSize(w, kw, stride, pads[1] + pads[3]);
  const geometry: Geometry = { h, w, oh, ow, kh, kw, stride, pads, groups };
  if (groups > 1 && !bias && g.block > 1 && c % g.block === 0) return depthwise(g, x, weight, geometry);
  const y = g.op("Conv", bias ? [x, weight, bias] : [x, weight], [n, k, oh, ow], {
    kernel_shape: [kh, kw],
    strides: [stride, stride],
    pads,
    group: groups,
  });
  const inputs = bias ? [x, weight, bias] : [x, weight];
  g.record("conv2d", inputs, [y], ([dy], [needX, needWeight, needBias]) => {
    if (dy === undefined) return [];
    return [
      needX ? inputGradient(g, x, weight, dy, geometry) : undefined,
      needWeight ? weightGradient(g, x, weight, dy, geometry) : undefined,
      needBias && bias ? g.op("ReduceSum", [dy, g.ints([0, 2, 3])], bias.dims, { keepdims: 0 }) : undefined,
    ];
  });
  return y;
}

export interface Geometry {
  h: number;
  w: number;
  oh: number;
  ow: number;
  kh: number;
  kw: number;
  stride: number;
  pads: Pads;
  groups: number;
}

/** dx: at stride 1 a convolution with the flipped kernel, as fast as forward; else a transposed convolution. */
export function inputGradient(g: Graph, x: Value, weight: Value, dy: Value, s: Geometry): Value {
  const [k, cg] = staticDims(weight);
  const pads = [s.kh - 1 - s.pads[0], s.kw - 1 - s.pads[1], s.kh - 1 - s.pads[2], s.kw - 1 - s.pads[3]];
  if (s.stride === 1 && pads.every((p) => p >= 0)) {
    const swapped =
      s.groups === 1 ? g.op("Transpose", [weight], [cg, k, s.kh, s.kw], { perm: [1, 0, 2, 3] }) : weight;
    const flipped = s.kh * s.kw === 1 ? swapped : turned(g, swapped);
    return g.op("Conv", [dy, flipped], x.dims, { kernel_shape: [s.kh, s.kw], pads, group: s.groups });
  }
  return g.op("ConvTranspose", [dy, weight], x.dims, {
    kernel_shape: [s.kh, s.kw],
    strides: [s.stride, s.stride],
    pads: s.pads,
    // rows and columns that no window reached at the far side
    output_padding: [
      s.h + s.pads[0] + s.pads[2] - s.kh - (s.oh - 1) * s.stride,
      s.w + s.pads[1] + s.pads[3] - s.kw - (s.ow - 1) * s.stride,
    ],
    group: s.groups,
  });
}

/** Kernels turned by 180°: each read backwards, as one axis (twice as fast as along two). */
export function turned(g: Graph, kernels: Value): Value {
  const [a, b, kh, kw] = staticDims(kernels);
  const flat = g.op("Reshape", [kernels, g.ints([a, b, kh * kw])], [a, b, kh * kw]);
  const back = g.op(
    "Slice",
    [flat, g.ints([-1]), g.ints([-kh * kw - 1]), g.ints([2]), g.ints([-1])],
    flat.dims,
  );
  return g.op("Reshape", [back, g.ints([a, b, kh, kw])], kernels.dims);
}

/** The part of a padded map that kernel position (i, j) sees: …×H×W → …×OH×OW. */
function shifted(g: Graph, padded: Value, i: number, j: number, s: Geometry): Value {
  const [a, b] = padded.dims;
  return g.op(
    "Slice",
    [
      padded,
      g.ints([i, j]),
      g.ints([i + s.stride * (s.oh - 1) + 1, j + s.stride * (s.ow - 1) + 1]),
      g.ints([2, 3]),
      g.ints([s.stride, s.stride]),
    ],
    [a, b, s.oh, s.ow],
  );
}

function padded(g: Graph, x: Value, s: Geometry): Value {
  if (s.pads.every((p) => p === 0)) return x;
  const [a, b] = x.dims;
  const dims = [a, b, s.h + s.pads[0] + s.pads[2], s.w + s.pads[1] + s.pads[3]];
  return g.op("Pad", [x, g.ints([0, 0, s.pads[0], s.pads[1], 0, 0, s.pads[2], s.pads[3]])], dims);
}

function weightGradient(g: Graph, x: Value, weight: Value, dy: Value, s: Geometry): Value {
  return s.groups === 1
    ? denseWeightGradient(g, x, weight, dy, s)
    : depthwiseWeightGradient(g, x, weight, dy, s);
}

/**
 * dW as one product: dy K×(N·OH·OW) by the shifted inputs (C·k·k)×(N·OH·OW), transposed. The shifted inputs lie channel
 * by channel, so that the product is in the layout of the weight: a permutation of its axes would cost as much as half
 * the product.
 */
function denseWeightGradient(g: Graph, x: Value, weight: Value, dy: Value, s: Geometry): Value {
  const [n, c] = staticDims(x);
  const [k] = staticDims(weight);
  const positions = s.kh * s.kw;
  const columns = n * s.oh * s.ow;
  const xt = padded(g, channelMajor(g, x), s);
  const rows = g.op("Reshape", [channelMajor(g, dy), g.ints([k, columns])], [k, columns]);
  const slices: Value[] = [];
  for (let i = 0; i < s.kh; i++) for (let j = 0; j < s.kw; j++) slices.push(shifted(g, xt, i, j, s));
  const stacked =
    positions === 1 ? slices[0] : g.op("Concat", slices, [c, positions * n, s.oh, s.ow], { axis: 1 });
  const patches = g.op("Reshape", [stacked, g.ints([c * positions, columns])], [c * positions, columns]);
  return g.op("Reshape", [productTransposed(g, rows, patches), g.ints([k, c, s.kh, s.kw])], weight.dims);
}

/**
 * dW of a depthwise convolution: one grouped convolution with channels for groups, samples for input channels, the map for
 * an image and dy for a kernel that is dilated by the stride. 2 to 10 times faster than a sum of shifted products.
 */
function depthwiseWeightGradient(g: Graph, x: Value, weight: Value, dy: Value, s: Geometry): Value {
  const [n, c] = staticDims(x);
  const images = g.op("Reshape", [channelMajor(g, x), g.ints([1, c * n, s.h, s.w])], [1, c * n, s.h, s.w]);
  // rows and columns that no window reached give positions beyond the kernel
  const rows = s.h + s.pads[0] + s.pads[2] - s.stride * (s.oh - 1);
  const columns = s.w + s.pads[1] + s.pads[3] - s.stride * (s.ow - 1);
  const found = g.op("Conv", [images, channelMajor(g, dy)], [1, c, rows, columns], {
    kernel_shape: [s.oh, s.ow],
    dilations: [s.stride, s.stride],
    pads: s.pads,
    group: c,
  });
  const cut =
    rows === s.kh && columns === s.kw
      ? found
      : g.op("Slice", [found, g.ints([0, 0]), g.ints([s.kh, s.kw]), g.ints([2, 3])], [1, c, s.kh, s.kw]);
  return g.op("Reshape", [cut, g.ints([c, 1, s.kh, s.kw])], weight.dims);
}

/** N×C×H×W → C×N×H×W */
function channelMajor(g: Graph, v: Value): Value {
  const [n, c, h, w] = v.dims;
  return g.op("Transpose", [v], [c, n, h, w], { perm: [1, 0, 2, 3] });
}
