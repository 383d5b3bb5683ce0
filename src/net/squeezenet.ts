/**
 * Role: SqueezeNet 1.1 (Iandola et al. 2016), layer for layer and name for name torchvision's `squeezenet1_1`. It has no
 * batch norm, and its classes are channels: a 1×1 convolution and ReLU give a map a class, the logit is its mean.
 * Contract: images N×3×H×W, 17×17 or larger → logits N×classes.
 */
import type { Value } from "../graph/graph.js";
import { concatChannels } from "../graph/ops/concat.js";
import { conv2d, padAll } from "../graph/ops/conv2d.js";
import { relu } from "../graph/ops/elementwise.js";
import { globalAveragePool, maxPool } from "../graph/ops/pool.js";
import type { NetContext } from "./layers.js";

/** Number in `features`, channels of squeeze and of each of the two expansions; a pooling stands before each group. */
const groups: readonly (readonly (readonly [layer: number, squeezed: number, expanded: number])[])[] = [
  [
    [3, 16, 64],
    [4, 16, 64],
  ],
  [
    [6, 32, 128],
    [7, 32, 128],
  ],
  [
    [9, 48, 192],
    [10, 48, 192],
    [11, 64, 256],
    [12, 64, 256],
  ],
];
const dropout = 0.5;

export function squeezenet11(ctx: NetContext, images: Value, classes: number): Value {
  let x = convRelu(ctx, "features.0", images, 64, 3, { stride: 2, pad: 0 }); // 64×H/2
  for (const group of groups) {
    x = maxPool(ctx.g, x, { kernel: 3, stride: 2, pad: 0, ceil: true });
    for (const [layer, squeezed, expanded] of group)
      x = fire(ctx, `features.${layer}`, x, squeezed, expanded);
  } // 512×H/16
  ctx.features = x;
  x = ctx.drop("classifier.0", x, x.dims, 1 - dropout);
  return globalAveragePool(ctx.g, convRelu(ctx, "classifier.1", x, classes, 1, { head: true }));
}

/** A narrow 1×1 convolution, then a 1×1 and a 3×3 one side by side. */
function fire(ctx: NetContext, name: string, x: Value, squeezed: number, expanded: number): Value {
  const narrow = convRelu(ctx, `${name}.squeeze`, x, squeezed, 1);
  return concatChannels(ctx.g, [
    convRelu(ctx, `${name}.expand1x1`, narrow, expanded, 1),
    convRelu(ctx, `${name}.expand3x3`, narrow, expanded, 3),
  ]);
}

interface ConvOptions {
  stride?: number;
  /** Default: (kernel − 1)/2. */
  pad?: number;
  head?: boolean;
}

/** Convolution with bias, then ReLU. */
function convRelu(
  ctx: NetContext,
  name: string,
  x: Value,
  channels: number,
  kernel: number,
  { stride = 1, pad = (kernel - 1) / 2, head = false }: ConvOptions = {},
): Value {
  const inputs = x.dims[1] as number;
  const weight = ctx.param(`${name}.weight`, [channels, inputs, kernel, kernel], head ? "linear" : "conv");
  const bias = ctx.param(`${name}.bias`, [channels], "bias");
  return relu(ctx.g, conv2d(ctx.g, x, weight, { stride, pads: padAll(pad), bias }));
}
