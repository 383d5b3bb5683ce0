/**
 * Role: 2-D convolution with its two gradients, each in the form that measures best on onnxruntime's CPU kernels.
 * Contract: x N×C×H×W, weight K×(C/groups)×k×k, as torch.nn.Conv2d; groups is 1 or C (depthwise). Padding may differ
 * by side (top, left, bottom, right), as TensorFlow's SAME needs at stride 2.
 */
import { type Adding, type Graph, staticDims, type Value } from "../graph.js";
import { blockedForward, blockedInputGradient } from "./conv-blocked.js";
import { denseWeightGradient } from "./conv-weight.js";
import { plainKernels } from "./conv-weight-blocked.js";
import { depthwise } from "./depthwise.js";
import { blocked, channelMajor, overSamples, plain, stored, sums, unfilled } from "./layout.js";
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

/** The result is blocked where the graph has blocks (`g.block`), but for depthwise convolutions with a bias. */
export function conv2d(g: Graph, image: Value, weight: Value, options: ConvOptions = {}): Value {
  const { stride = 1, pads = padAll(0), groups = 1, bias } = options;
  const [n, c, h, w] = image.dims as [number, number, number, number];
  const [k, , kh, kw] = staticDims(weight);
  if (groups !== 1 && (groups !== c || k !== c))
    throw new Error(`conv2d: groups is ${groups}, 1 or C = K is supported`);
  const oh = outSize(h, kh, stride, pads[0] + pads[2]);
  const ow = outSize(w, kw, stride, pads[1] + pads[3]);
  const geometry: Geometry = { h, w, oh, ow, kh, kw, stride, pads, groups };
  if (groups > 1 && !bias && g.block > 1) return depthwise(g, blocked(g, image), weight, geometry);
  const inBlocks = g.block > 1 && groups === 1;
  const x = !inBlocks ? plain(g, image) : c < g.block ? image : blocked(g, image);
  const y = inBlocks
    ? blockedForward(g, x, weight, bias, geometry)
    : g.op("Conv", bias ? [x, weight, bias] : [x, weight], [n, k, oh, ow], {
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
      needBias && bias ? biasGradient(g, bias, dy) : undefined,
    ];
  });
  return y;
}

function biasGradient(g: Graph, bias: Value, dy: Value): Value {
  const [k] = staticDims(bias);
  if (dy.blocked) return unfilled(g, overSamples(g, sums(g, dy)), k);
  return g.op("ReduceSum", [dy, g.ints([0, 2, 3])], bias.dims, { keepdims: 0 });
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
function inputGradient(g: Graph, x: Value, weight: Value, dy: Value, s: Geometry): Value | Adding {
  const inBlocks = x.blocked && dy.blocked ? blockedInputGradient(g, x, weight, dy, s) : undefined;
  if (inBlocks) return inBlocks;
  const dx = plainInputGradient(g, x, plainWeight(g, weight), g.toPlain(dy), s);
  return x.blocked ? g.toBlocked(dx) : dx;
}

/** A weight that is held for the blocked kernels (kernel-layout.ts), as K×C×kh×kw. */
function plainWeight(g: Graph, weight: Value): Value {
  if (!weight.blocked) return weight;
  const { block: b } = g;
  const [k, c, kh, kw] = staticDims(weight);
  return plainKernels(g, stored(g, weight, [c / b, k / b, kh, kw, b, b]), k, c);
}

/** The same on plain maps. */
export function plainInputGradient(g: Graph, x: Value, weight: Value, dy: Value, s: Geometry): Value {
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
function turned(g: Graph, kernels: Value): Value {
  const [a, b, kh, kw] = staticDims(kernels);
  const flat = g.op("Reshape", [kernels, g.ints([a, b, kh * kw])], [a, b, kh * kw]);
  const back = g.op(
    "Slice",
    [flat, g.ints([-1]), g.ints([-kh * kw - 1]), g.ints([2]), g.ints([-1])],
    flat.dims,
  );
  return g.op("Reshape", [back, g.ints([a, b, kh, kw])], kernels.dims);
}

function weightGradient(g: Graph, x: Value, weight: Value, dy: Value, s: Geometry): Value {
  return s.groups === 1
    ? denseWeightGradient(g, x, weight, dy, s)
    : depthwiseWeightGradient(g, x, weight, dy, s);
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
