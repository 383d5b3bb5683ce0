/**
 * Role: dense convolution and its gradient by the input in the blocked layout: onnxruntime's fastest
 * convolutions.
 * Contract: as conv2d with groups = 1, `g.block` > 1. The kernels' layout is K/b × C/b × k·k × b of C × b of K, and with
 * inputs and outputs exchanged for the gradient. Weights are fed plain, or in the order of kernel-layout.ts, from which both
 * are made by moving blocks. A plain image of fewer channels than a block is taken as it is.
 */
import { type Adding, type Graph, nchwc, sizeOf, staticDims, type Value } from "../graph.js";
import type { Geometry } from "./conv2d.js";
import { asMap, filled, fillVector, fromBlocks, gathered, stored } from "./layout.js";
import { denseConv } from "./small-maps.js";
import { stridedInputGradient } from "./strided-blocked.js";

/** Kernels with both sides filled up to whole blocks. */
function fillKernels(g: Graph, weight: Value, inputs: number): Value {
  const [k, c, kh, kw] = staticDims(weight);
  const outputs = filled(g, k);
  if (outputs === k && inputs === c) return weight;
  const ends = g.ints([0, 0, 0, 0, outputs - k, inputs - c, 0, 0]);
  return g.op("Pad", [weight, ends], [outputs, inputs, kh, kw]);
}

/** Storage of small maps, blocked by the second axis. */
const inBlocks = (g: Graph, v: Value, dims: readonly number[]): Value =>
  g.op("ReorderInput", [stored(g, v, dims)], dims, {}, { domain: nchwc });

function forwardKernels(g: Graph, weight: Value, inputs: number): Value {
  const b = g.block;
  if (weight.blocked) {
    const [k, c] = staticDims(weight);
    const [outer, inner] = [k / b, c / b];
    const order = Array.from(
      { length: outer * inner },
      (_, i) => (i % inner) * outer + Math.floor(i / inner),
    );
    return stored(
      g,
      gathered(g, stored(g, weight, [sizeOf(staticDims(weight))]), order, order.length),
      staticDims(weight),
    );
  }
  const full = fillKernels(g, weight, inputs);
  const [k, c, kh, kw] = staticDims(full);
  const p = kh * kw;
  const byOutput = inBlocks(g, full, [k / b, b, c, p]); // K/b × C × p × b of K
  if (c < b || p === 1) return stored(g, byOutput, [k, c, kh, kw]);
  const pieces = stored(g, byOutput, [(k * c) / b / b, b, p, b]);
  const turned = g.op("Transpose", [pieces], [(k * c) / b / b, p, b, b], { perm: [0, 2, 1, 3] });
  return stored(g, turned, [k, c, kh, kw]);
}

/** Kernels of the convolutions that bring dy back, inputs and outputs in each other's place: (C/b·K/b) × kh × kw × b·b. */
function backwardKernels(g: Graph, weight: Value): Value {
  const b = g.block;
  if (weight.blocked) {
    const [k, c, kh, kw] = staticDims(weight);
    const pieces = (k * c) / b / b;
    return stored(g, fromBlocks(g, weight, [pieces * kh * kw, b, 1]), [pieces, kh, kw, b * b]);
  }
  const full = fillKernels(g, weight, filled(g, weight.dims[1] as number));
  const [k, c, kh, kw] = staticDims(full);
  const p = kh * kw;
  const byInput = p === 1 ? full : inBlocks(g, full, [(k * c) / b, b, 1, p]); // K × C/b × p × b of C
  const pieces = stored(g, byInput, [k / b, b, c / b, p, b]);
  const swapped = g.op("Transpose", [pieces], [c / b, k / b, p, b, b], { perm: [2, 0, 3, 1, 4] });
  return stored(g, swapped, [(k * c) / b / b, kh, kw, b * b]);
}

/** @param x blocked, or plain with fewer channels than a block */
export function blockedForward(
  g: Graph,
  x: Value,
  weight: Value,
  bias: Value | undefined,
  s: Geometry,
): Value {
  const [n, c] = staticDims(x);
  const inputs = x.blocked ? filled(g, c) : c;
  const [k] = staticDims(weight);
  const all = filled(g, k);
  const storage = stored(g, x, [n, inputs, s.h, s.w]);
  const kernels = forwardKernels(g, weight, inputs);
  const shape = { kernel: [s.kh, s.kw], stride: s.stride, pads: s.pads, out: [s.oh, s.ow] } as const;
  const y = x.blocked
    ? denseConv(g, storage, kernels, shape, { bias: bias && fillVector(g, bias) })
    : g.op(
        "Conv",
        bias ? [storage, kernels, fillVector(g, bias)] : [storage, kernels],
        [n, all, s.oh, s.ow],
        { kernel_shape: [s.kh, s.kw], strides: [s.stride, s.stride], pads: s.pads },
        { domain: nchwc },
      );
  return asMap(g, y, [n, k, s.oh, s.ow]);
}

/** dx, blocked as dy is; undefined where it has no such form (padding beyond the kernel). */
export function blockedInputGradient(
  g: Graph,
  x: Value,
  weight: Value,
  dy: Value,
  s: Geometry,
): Value | Adding | undefined {
  return stridedInputGradient(g, x, dy, backwardKernels(g, weight), s);
}
