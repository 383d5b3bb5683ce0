/**
 * Role: the compact network: two strided convolutions with batch norm and a linear head on the flattened map, which keeps
 * where a feature fired. On images of genes, where a place has a meaning of its own and samples are few, it does better than
 * the deep nets (docs/results.md). It has no ImageNet weights.
 * Contract: images N×3×H×W → logits N×classes; unlike the other nets' its last layer has a shape that depends on H and W.
 */
import type { Value } from "../graph/graph.js";
import { reshape } from "../graph/ops/reshape.js";
import { convNorm, head, type NetContext, torchNorm as norm } from "./layers.js";

const CHANNELS = 64;
const DROPOUT = 0.5;

export function compact(ctx: NetContext, images: Value, classes: number): Value {
  const shared = { channels: CHANNELS, stride: 2, norm, activation: "relu" } as const;
  const near = convNorm(ctx, "conv1", "bn1", images, { ...shared, kernel: 5 }); // 64×H/2×W/2
  const x = convNorm(ctx, "conv2", "bn2", near, { ...shared, kernel: 3 }); // 64×H/4×W/4
  ctx.features = x;
  const [n, c, h, w] = x.dims as [Value["dims"][number], number, number, number];
  const flat = reshape(ctx.g, x, [n, c * h * w]);
  return head(ctx, "fc", ctx.drop("dropout", flat, flat.dims, 1 - DROPOUT), classes);
}
