/**
 * Role: EfficientNet-B0 (Tan & Le 2019), layer for layer and name for name torchvision's `efficientnet_b0`, and
 * EfficientNet-Lite0 (Google 2020): the same stages without squeeze-excitation, ReLU6 for SiLU, and TensorFlow's
 * padding and eps, as its published weights need.
 * Contract: images N×3×H×W → logits N×classes.
 */
import type { Value } from "../graph/graph.js";
import { type Pads, padAll } from "../graph/ops/conv2d.js";
import { add, mul, sigmoid, silu } from "../graph/ops/elementwise.js";
import { linear } from "../graph/ops/linear.js";
import { globalAveragePool } from "../graph/ops/pool.js";
import { reshape } from "../graph/ops/reshape.js";
import { type Activation, convNorm, head, type NetContext, type NormOptions, torchNorm } from "./layers.js";

interface Variant {
  activation: Activation;
  squeezeExcitation: boolean;
  norm: NormOptions;
  pads: (size: readonly number[], kernel: number, stride: number) => Pads;
}

const b0: Variant = {
  activation: "silu",
  squeezeExcitation: true,
  norm: torchNorm,
  pads: (_, kernel) => padAll((kernel - 1) / 2),
};
const lite0: Variant = {
  activation: "relu6",
  squeezeExcitation: false,
  // The published weights need this eps. TensorFlow's momentum of 0.01 would leave the running statistics ImageNet's
  // after the few dozen steps of a small data set, so torchvision's 0.1 is taken.
  norm: { eps: 1e-3, momentum: 0.1 },
  pads: samePads,
};

/** TensorFlow's SAME: the output is ceil(size / stride); an odd row or column of padding goes to the far side. */
function samePads([h, w]: readonly number[], kernel: number, stride: number): Pads {
  const total = (size: number) => Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
  const [p, q] = [total(h), total(w)];
  return [p >> 1, q >> 1, p - (p >> 1), q - (q >> 1)];
}

/** expansion, channels, blocks, stride of the first block, kernel */
const stages: readonly (readonly [number, number, number, number, number])[] = [
  [1, 16, 1, 1, 3],
  [6, 24, 2, 2, 3],
  [6, 40, 2, 2, 5],
  [6, 80, 3, 2, 3],
  [6, 112, 3, 1, 5],
  [6, 192, 4, 2, 5],
  [6, 320, 1, 1, 3],
];
const totalBlocks = stages.reduce((sum, stage) => sum + stage[2], 0);
const stochasticDepth = 0.2;
const dropout = 0.2;

export const efficientnetB0 = (ctx: NetContext, images: Value, classes: number) =>
  build(ctx, images, classes, b0);
export const efficientnetLite0 = (ctx: NetContext, images: Value, classes: number) =>
  build(ctx, images, classes, lite0);

function build(ctx: NetContext, images: Value, classes: number, v: Variant): Value {
  const unit = (name: string, x: Value, channels: number, kernel: number, stride: number, options = {}) =>
    convNorm(ctx, `${name}.0`, `${name}.1`, x, {
      channels,
      kernel,
      stride,
      pads: v.pads([x.dims[2] as number, x.dims[3] as number], kernel, stride),
      norm: v.norm,
      activation: v.activation,
      ...options,
    });
  let x = unit("features.0", images, 32, 3, 2);
  let index = 0; // of the block in the whole net: deeper blocks are dropped more often
  stages.forEach(([expansion, channels, blocks, firstStride, kernel], s) => {
    for (let b = 0; b < blocks; b++) {
      const name = `features.${s + 1}.${b}`;
      const stride = b === 0 ? firstStride : 1;
      const inputs = x.dims[1] as number;
      const wide = inputs * expansion;
      let layer = 0;
      const next = () => `${name}.block.${layer++}`;
      let y = expansion === 1 ? x : unit(next(), x, wide, 1, 1);
      y = unit(next(), y, wide, kernel, stride, { depthwise: true });
      if (v.squeezeExcitation) y = squeezeExcite(ctx, next(), y, Math.max(1, inputs >> 2));
      y = unit(next(), y, channels, 1, 1, { activation: undefined });
      if (stride === 1 && inputs === channels) {
        y = ctx.drop(name, y, [images.dims[0], 1, 1, 1], 1 - (stochasticDepth * index) / totalBlocks);
        y = add(ctx.g, y, x);
      }
      x = y;
      index += 1;
    }
  });
  x = unit("features.8", x, 1280, 1, 1);
  ctx.features = x;
  const pooled = globalAveragePool(ctx.g, x);
  return head(ctx, "classifier.1", ctx.drop("classifier.0", pooled, pooled.dims, 1 - dropout), classes);
}

/** Channel weights from the channel means (Hu et al. 2018), as torchvision.ops.SqueezeExcitation. */
function squeezeExcite(ctx: NetContext, name: string, x: Value, squeezed: number): Value {
  const { g } = ctx;
  const [n, channels] = x.dims as [number, number];
  const dense = (layer: string, input: Value, outputs: number) => {
    const inputs = input.dims[1] as number;
    const weight = ctx.param(`${name}.${layer}.weight`, [outputs, inputs, 1, 1], "conv");
    return linear(
      g,
      input,
      reshape(g, weight, [outputs, inputs]),
      ctx.param(`${name}.${layer}.bias`, [outputs], "bias"),
    );
  };
  const hidden = silu(g, dense("fc1", globalAveragePool(g, x), squeezed));
  const gate = sigmoid(g, dense("fc2", hidden, channels));
  return mul(g, x, reshape(g, gate, [n, channels, 1, 1]));
}
