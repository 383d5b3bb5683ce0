/** Role: the networks by torchvision's names, with what differs between them. */
import { Graph, type Value } from "../graph/graph.js";
import { type ImageSize, square } from "../image-size.js";
import { compact } from "./compact.js";
import { efficientnetB0, efficientnetLite0 } from "./efficientnet.js";
import { InputContext, type NetContext } from "./layers.js";
import { mobilenetV2 } from "./mobilenet.js";
import { resnet18 } from "./resnet18.js";
import { squeezenet11 } from "./squeezenet.js";
import type { ParamSpec } from "./tensors.js";
import type { NetName } from "./weights/layouts.js";

export interface Net {
  /** Writes the network into the context's graph: images N×3×H×W → logits N×classes. */
  readonly build: (ctx: NetContext, images: Value, classes: number) => Value;
  /** Name of the last layer, which is always new for the labels at hand. */
  readonly head: string;
}

export const nets: Readonly<Record<NetName, Net>> = {
  resnet18: { build: resnet18, head: "fc" },
  efficientnet_b0: { build: efficientnetB0, head: "classifier.1" },
  efficientnet_lite0: { build: efficientnetLite0, head: "classifier.1" },
  mobilenet_v2: { build: mobilenetV2, head: "classifier.1" },
  squeezenet1_1: { build: squeezenet11, head: "classifier.1" },
  compact: { build: compact, head: "fc" },
};

/** Parameters and buffers of a network, in its order. Only those of `compact` depend on the image size. */
export function paramSpecs(net: NetName, classes: number, size: ImageSize = square(64)): ParamSpec[] {
  const g = new Graph();
  const ctx = new InputContext(g, false);
  nets[net].build(ctx, g.input("images", ["N", 3, size.height, size.width]), classes);
  return ctx.specs;
}
