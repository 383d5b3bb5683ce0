/**
 * Random initial values as torchvision's constructors draw them: the same distributions, by our own seeded stream.
 * Reference: torchvision/models/{resnet,efficientnet,mobilenetv2,squeezenet}.py (constructors); torch/nn/init.py; torch.nn.Linear.
 */
import type { RandomState } from "../../random.js";
import type { ParamSpec, Tensors } from "../tensors.js";
import type { NetName } from "./layouts.js";

const count = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

function draw(length: number, next: () => number): Float32Array {
  const data = new Float32Array(length);
  for (let i = 0; i < length; i++) data[i] = next();
  return data;
}

/** Names of the last layer, the only linear one of each network. */
export function headOf(specs: readonly ParamSpec[]): { weight: ParamSpec; bias: ParamSpec } {
  const weight = specs.find((spec) => spec.kind === "linear");
  const bias = specs.find((spec) => spec.name === weight?.name.replace(/weight$/, "bias"));
  if (weight === undefined || bias === undefined)
    throw new RangeError("these parameters have no linear last layer");
  return { weight, bias };
}

/** How the values of a layer are drawn, by its sizes: inputs and outputs of a position. */
type Draw = (fan: { inputs: number; outputs: number }, random: RandomState) => () => number;

const within = (bound: number, random: RandomState) => () => (2 * random.random() - 1) * bound;
const heNormal: Draw = ({ outputs }, random) => {
  const sd = Math.sqrt(2 / outputs);
  return () => sd * random.standardNormal();
};
const heUniform: Draw = ({ inputs }, random) => within(Math.sqrt(6 / inputs), random);
const byClasses: Draw = ({ outputs }, random) => within(1 / Math.sqrt(outputs), random);
const hundredth: Draw = (_, random) => () => 0.01 * random.standardNormal();
/** torch.nn.Linear's own, and torch.nn.Conv2d's: weight and bias alike. */
const torchDefault: Draw = ({ inputs }, random) => within(1 / Math.sqrt(inputs), random);

/** torchvision's constructors; a bias without a rule is 0. */
const styles: Readonly<Record<NetName, { conv: Draw; head: Draw; headBias?: Draw }>> = {
  resnet18: { conv: heNormal, head: torchDefault, headBias: torchDefault },
  efficientnet_b0: { conv: heNormal, head: byClasses },
  efficientnet_lite0: { conv: heNormal, head: byClasses },
  mobilenet_v2: { conv: heNormal, head: hundredth },
  squeezenet1_1: { conv: heUniform, head: hundredth },
  compact: { conv: heNormal, head: torchDefault, headBias: torchDefault },
};

const fanOf = (dims: readonly number[]) => ({
  inputs: count(dims.slice(1)),
  outputs: dims[0] * count(dims.slice(2)),
});

/**
 * Draws all parameters in the order of `specs`.
 * Convolutions: He's normal by fan-out, sd = sqrt(2 / (out channels · kernel area)); SqueezeNet's: He's uniform by fan-in,
 * within ±sqrt(6 / (in channels · kernel area)). Batch norm: weight and variance 1, bias and mean 0. The last layer of
 * the EfficientNets: uniform within ±1/sqrt(classes); of MobileNetV2 and SqueezeNet: normal, sd 0.01; its bias 0, as all
 * others are. Those of ResNet-18 and the compact net: torch.nn.Linear's own, uniform within ±1/sqrt(inputs), bias alike.
 */
export function initialise(specs: readonly ParamSpec[], net: NetName, random: RandomState): Tensors {
  const head = headOf(specs);
  const { conv, head: weight, headBias: bias } = styles[net];
  return new Map(
    specs.map(({ name, dims, kind }) => {
      const isBias = name === head.bias.name;
      const rule = kind === "conv" ? conv : kind === "linear" ? weight : isBias ? bias : undefined;
      const data =
        rule === undefined
          ? new Float32Array(count(dims)).fill(kind === "bn_weight" || kind === "bn_var" ? 1 : 0)
          : draw(count(dims), rule(fanOf(isBias ? head.weight.dims : dims), random));
      return [name, { dims, data }];
    }),
  );
}

/**
 * A new last layer for `classes` classes, as `torch.nn.Linear(inputs, classes)` (or the 1×1 `Conv2d`) draws it: weight and bias uniform
 * within ±1/sqrt(inputs).
 * @returns two tensors by the last layer's names in `specs`
 */
export function initialiseHead(specs: readonly ParamSpec[], classes: number, random: RandomState): Tensors {
  const { weight, bias } = headOf(specs);
  const dims = [classes, ...weight.dims.slice(1)];
  const next = torchDefault(fanOf(dims), random);
  return new Map([
    [weight.name, { dims, data: draw(count(dims), next) }],
    [bias.name, { dims: [classes], data: draw(classes, next) }],
  ]);
}
