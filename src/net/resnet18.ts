/**
 * Role: ResNet-18 (He et al. 2016), layer for layer and name for name torchvision's `resnet18`.
 * Contract: images N×3×H×W → logits N×classes.
 */
import type { Value } from "../graph/graph.js";
import { relu } from "../graph/ops/elementwise.js";
import { globalAveragePool, maxPool } from "../graph/ops/pool.js";
import { convNorm, head, type NetContext, torchNorm as norm } from "./layers.js";

export function resnet18(ctx: NetContext, images: Value, classes: number): Value {
  let x = convNorm(ctx, "conv1", "bn1", images, {
    channels: 64,
    kernel: 7,
    stride: 2,
    norm,
  }); // 64×H/2
  // torchvision has ReLU before the pooling; the maximum is the same either way, and this way ReLU sees a quarter of the values.
  x = relu(ctx.g, maxPool(ctx.g, x, { kernel: 3, stride: 2, pad: 1 })); // 64×H/4
  [64, 128, 256, 512].forEach((channels, i) => {
    for (const block of [0, 1])
      x = basicBlock(ctx, `layer${i + 1}.${block}`, x, channels, i > 0 && block === 0 ? 2 : 1);
  }); // 512×H/32
  ctx.features = x;
  return head(ctx, "fc", globalAveragePool(ctx.g, x), classes);
}

function basicBlock(ctx: NetContext, name: string, x: Value, channels: number, stride: number): Value {
  const y = convNorm(ctx, `${name}.conv1`, `${name}.bn1`, x, {
    channels,
    kernel: 3,
    stride,
    norm,
    activation: "relu",
  });
  const shortcut = () =>
    stride === 1
      ? x
      : convNorm(ctx, `${name}.downsample.0`, `${name}.downsample.1`, x, {
          channels,
          kernel: 1,
          stride,
          norm,
        });
  return convNorm(ctx, `${name}.conv2`, `${name}.bn2`, y, {
    channels,
    kernel: 3,
    norm,
    added: shortcut,
    activation: "relu",
  });
}
