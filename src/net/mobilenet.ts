/**
 * Role: MobileNetV2 (Sandler et al. 2018), layer for layer and name for name torchvision's `mobilenet_v2`.
 * Contract: images N×3×H×W → logits N×classes.
 */
import type { Value } from "../graph/graph.js";
import { add } from "../graph/ops/elementwise.js";
import { globalAveragePool } from "../graph/ops/pool.js";
import { convNorm, head, type NetContext, torchNorm as norm } from "./layers.js";

/** expansion, channels, blocks, stride of the first block */
const stages: readonly (readonly [number, number, number, number])[] = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];
const dropout = 0.2;

export function mobilenetV2(ctx: NetContext, images: Value, classes: number): Value {
  const unit = (name: string, x: Value, channels: number, kernel: number, stride = 1, depthwise = false) =>
    convNorm(ctx, `${name}.0`, `${name}.1`, x, {
      channels,
      kernel,
      stride,
      depthwise,
      norm,
      activation: "relu6",
    });
  let x = unit("features.0", images, 32, 3, 2);
  let index = 1;
  for (const [expansion, channels, blocks, firstStride] of stages)
    for (let b = 0; b < blocks; b++) {
      const name = `features.${index++}.conv`;
      const stride = b === 0 ? firstStride : 1;
      const inputs = x.dims[1] as number;
      const wide = inputs * expansion;
      let layer = 0;
      let y = expansion === 1 ? x : unit(`${name}.${layer++}`, x, wide, 1);
      y = unit(`${name}.${layer++}`, y, wide, 3, stride, true);
      y = convNorm(ctx, `${name}.${layer}`, `${name}.${layer + 1}`, y, { channels, kernel: 1, norm });
      x = stride === 1 && inputs === channels ? add(ctx.g, y, x) : y;
    }
  x = unit(`features.${index}`, x, 1280, 1);
  ctx.features = x;
  const pooled = globalAveragePool(ctx.g, x);
  return head(ctx, "classifier.1", ctx.drop("classifier.0", pooled, pooled.dims, 1 - dropout), classes);
}
