/**
 * Other projects' parameter names, brought to torchvision's. Only layouts whose network computes the same function
 * are known: timm's EfficientNet-B0, the EfficientNet-Lite0 of efficientnet_lite_pytorch and the MobileNetV2 of
 * pytorch-mobilenet-v2.
 */
import { CellhueError } from "../../errors.js";
import type { Tensors } from "../tensors.js";

export type NetName =
  | "resnet18"
  | "efficientnet_b0"
  | "efficientnet_lite0"
  | "mobilenet_v2"
  | "squeezenet1_1"
  | "compact";

/** Blocks in each of the seven stages of EfficientNet-B0 and -Lite0 (Tan & Le 2019, table 1). */
const REPEATS = [1, 2, 2, 3, 3, 4, 1];
/** Prefixes that wrappers put before every name: DataParallel, torch.compile. */
const PREFIXES = ["module.", "_orig_mod."];

/** `_blocks.7` of efficientnet_pytorch counts through all stages: [stage 1…7, block within it]. */
function stageOf(block: number): [number, number] | undefined {
  let first = 0;
  for (const [s, repeat] of REPEATS.entries()) {
    if (block < first + repeat) return [s + 1, block - first];
    first += repeat;
  }
  return undefined;
}

const endsOf: Record<string, string> = { conv_stem: "0.0", bn1: "0.1", conv_head: "8.0", bn2: "8.1" };

/** timm's EfficientNet-B0: `blocks.<stage from 0>.<block>.…`, the first stage without expansion. */
function fromTimm(name: string): string | undefined {
  const block = /^blocks\.([0-6])\.(\d+)\.(.+)\.(\w+)$/.exec(name);
  if (block !== null) {
    const [, stage, j, part, field] = block;
    const parts: Record<string, string> =
      stage === "0"
        ? {
            conv_dw: "0.0",
            bn1: "0.1",
            "se.conv_reduce": "1.fc1",
            "se.conv_expand": "1.fc2",
            conv_pw: "2.0",
            bn2: "2.1",
          }
        : {
            conv_pw: "0.0",
            bn1: "0.1",
            conv_dw: "1.0",
            bn2: "1.1",
            "se.conv_reduce": "2.fc1",
            "se.conv_expand": "2.fc2",
            conv_pwl: "3.0",
            bn3: "3.1",
          };
    return Object.hasOwn(parts, part)
      ? `features.${Number(stage) + 1}.${j}.block.${parts[part]}.${field}`
      : undefined;
  }
  const end = /^(\w+)\.(\w+)$/.exec(name);
  if (end === null) return undefined;
  if (end[1] === "classifier") return `classifier.1.${end[2]}`;
  return Object.hasOwn(endsOf, end[1]) ? `features.${endsOf[end[1]]}.${end[2]}` : undefined;
}

/** efficientnet_lite_pytorch's Lite0: `_blocks.<0…15>.…`, the first block without expansion. */
function fromLitePytorch(name: string): string | undefined {
  const block = /^_blocks\.(\d+)\._(\w+)\.(\w+)$/.exec(name);
  if (block !== null) {
    const [, n, part, field] = block;
    const place = stageOf(Number(n));
    if (place === undefined) return undefined;
    const parts: Record<string, string> =
      n === "0"
        ? { depthwise_conv: "0.0", bn1: "0.1", project_conv: "1.0", bn2: "1.1" }
        : {
            expand_conv: "0.0",
            bn0: "0.1",
            depthwise_conv: "1.0",
            bn1: "1.1",
            project_conv: "2.0",
            bn2: "2.1",
          };
    return Object.hasOwn(parts, part)
      ? `features.${place[0]}.${place[1]}.block.${parts[part]}.${field}`
      : undefined;
  }
  const end = /^_(\w+)\.(\w+)$/.exec(name);
  if (end === null) return undefined;
  const parts: Record<string, string> = {
    conv_stem: "features.0.0",
    bn0: "features.0.1",
    conv_head: "features.8.0",
    bn1: "features.8.1",
    fc: "classifier.1",
  };
  return Object.hasOwn(parts, end[1]) ? `${parts[end[1]]}.${end[2]}` : undefined;
}

/** pytorch-mobilenet-v2 (tonylins): a block's layers in one row, its activations counted too; the first does not expand. */
function fromMobilenetPytorch(name: string): string | undefined {
  const block = /^features\.(\d+)\.conv\.(\d)\.(\w+)$/.exec(name);
  if (block === null) return undefined;
  const [, n, layer, field] = block;
  const places: Record<string, string> =
    n === "1"
      ? { 0: "0.0", 1: "0.1", 3: "1", 4: "2" }
      : { 0: "0.0", 1: "0.1", 3: "1.0", 4: "1.1", 6: "2", 7: "3" };
  return Object.hasOwn(places, layer) ? `features.${n}.conv.${places[layer]}.${field}` : undefined;
}

/** The names without a prefix that all of them share because a wrapper put it there. */
export function withoutWrapperPrefix(tensors: Tensors): Tensors {
  for (const prefix of PREFIXES) {
    if (tensors.size > 0 && [...tensors.keys()].every((name) => name.startsWith(prefix))) {
      return withoutWrapperPrefix(new Map([...tensors].map(([name, t]) => [name.slice(prefix.length), t])));
    }
  }
  return tensors;
}

/**
 * Brings a state dict to torchvision's names where its layout is known; names that are not known stay as they are, for
 * the check against the network's parameters to report. `num_batches_tracked` counters are left out.
 * @throws CellhueError where two names mean the same parameter
 */
export function toTorchvisionNames(net: NetName, tensors: Tensors, where: string): Tensors {
  const bare = withoutWrapperPrefix(tensors);
  const rename =
    net === "efficientnet_b0" && bare.has("conv_stem.weight")
      ? fromTimm
      : net === "efficientnet_lite0" && bare.has("_conv_stem.weight")
        ? fromLitePytorch
        : net === "mobilenet_v2" && bare.has("features.1.conv.0.weight")
          ? fromMobilenetPytorch
          : () => undefined;
  const named: Tensors = new Map();
  for (const [name, tensor] of bare) {
    if (name.endsWith(".num_batches_tracked")) continue;
    const ours = rename(name) ?? name;
    if (named.has(ours)) {
      throw new CellhueError(`two tensors in this file are ${ours}`, {
        where,
        found: "names of two layouts in one file",
        remedy: "save the state dict of one network alone",
      });
    }
    named.set(ours, tensor);
  }
  return named;
}

const isMobilenet = (t: Tensors) => t.has("features.1.conv.0.weight") || t.has("features.1.conv.0.0.weight");

/** Signs of well-known networks: a tensor that each has and the more general ones below it do not. */
const SIGNS: readonly [string, (t: Tensors) => boolean][] = [
  ["a ResNet with bottlenecks (ResNet-50 or deeper)", (t) => t.has("layer1.0.conv3.weight")],
  ["ResNet-34", (t) => t.has("layer3.5.conv2.weight") && t.has("layer1.2.conv2.weight")],
  ["resnet18", (t) => t.has("layer4.1.conv2.weight") && t.has("conv1.weight")],
  ["squeezenet1_1", (t) => t.has("features.3.squeeze.weight") && t.get("features.0.weight")?.dims[0] === 64],
  ["SqueezeNet 1.0", (t) => t.has("features.3.squeeze.weight")],
  ["mobilenet_v2", (t) => isMobilenet(t) && t.get("features.0.0.weight")?.dims[0] === 32],
  ["a MobileNetV2 of another width", isMobilenet],
  ["a DenseNet", (t) => t.has("features.denseblock1.denselayer1.norm1.weight")],
  ["a vision transformer", (t) => t.has("cls_token") || t.has("class_token")],
  ["a ConvNeXt", (t) => t.has("features.1.0.layer_scale") || t.has("stages.0.blocks.0.gamma")],
  [
    "efficientnet_b0",
    (t) =>
      t.get("features.7.0.block.2.fc1.weight")?.dims[0] === 48 && !t.has("features.7.1.block.0.0.weight"),
  ],
  [
    "efficientnet_b0 in timm's layout",
    (t) =>
      t.has("conv_stem.weight") &&
      t.has("blocks.0.0.se.conv_reduce.weight") &&
      !t.has("blocks.0.1.conv_dw.weight"),
  ],
  [
    "EfficientNet in efficientnet_pytorch's layout (TensorFlow's padding and batch norm, so not torchvision's network)",
    (t) => t.has("_blocks.0._se_reduce.weight"),
  ],
  ["efficientnet_lite0", (t) => t.has("_conv_stem.weight") && !t.has("_blocks.16._project_conv.weight")],
  [
    "efficientnet_lite0",
    (t) =>
      t.has("features.1.0.block.1.0.weight") &&
      !t.has("features.1.0.block.1.fc1.weight") &&
      t.has("features.8.0.weight"),
  ],
  [
    "an EfficientNet-Lite in timm's layout",
    (t) => t.has("conv_stem.weight") && !t.has("blocks.0.0.se.conv_reduce.weight"),
  ],
  [
    "an EfficientNet of another size",
    (t) => t.has("features.1.0.block.1.fc1.weight") || t.has("conv_stem.weight"),
  ],
  ["a VGG or AlexNet", (t) => t.has("features.0.weight") && t.has("classifier.6.weight")],
];

/** Which network a state dict looks like, by a few names that only it has. */
export function looksLike(tensors: Tensors): string | undefined {
  const bare = withoutWrapperPrefix(tensors);
  return SIGNS.find(([, sign]) => sign(bare))?.[0];
}
