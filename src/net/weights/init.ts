/**
 * Random initial values as torchvision's constructors draw them: the same distributions, by our own seeded stream.
 * Reference: torchvision/models/{resnet,efficientnet}.py (constructors); torch/nn/init.py; torch.nn.Linear.
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

const uniform = (length: number, bound: number, random: RandomState): Float32Array =>
  draw(length, () => (2 * random.random() - 1) * bound);

/** Names of the last layer, the only linear one of each network. */
export function headOf(specs: readonly ParamSpec[]): { weight: ParamSpec; bias: ParamSpec } {
  const weight = specs.find((spec) => spec.kind === "linear");
  const bias = specs.find((spec) => spec.name === weight?.name.replace(/weight$/, "bias"));
  if (weight === undefined || bias === undefined)
    throw new RangeError("these parameters have no linear last layer");
  return { weight, bias };
}

/**
 * Draws all parameters in the order of `specs`.
 * Convolutions: He's normal by fan-out, sd = sqrt(2 / (out channels · kernel area)); batch norm: weight and variance 1,
 * bias and mean 0. The last layer of the EfficientNets: uniform within ±1/sqrt(classes), bias 0, as are the biases of
 * squeeze-excitation; that of ResNet-18: torch.nn.Linear's own, uniform within ±1/sqrt(inputs), bias alike.
 */
export function initialise(specs: readonly ParamSpec[], net: NetName, random: RandomState): Tensors {
  const tensors: Tensors = new Map();
  const head = headOf(specs);
  const [classes, inputs] = head.weight.dims;
  const bound = 1 / Math.sqrt(net === "resnet18" || net === "compact" ? inputs : classes);
  for (const { name, dims, kind } of specs) {
    const length = count(dims);
    let data: Float32Array = new Float32Array(length);
    if (kind === "conv") {
      const sd = Math.sqrt(2 / (dims[0] * count(dims.slice(2))));
      data = draw(length, () => sd * random.standardNormal());
    } else if (kind === "linear" || (name === head.bias.name && (net === "resnet18" || net === "compact"))) {
      data = uniform(length, bound, random);
    } else if (kind === "bn_weight" || kind === "bn_var") {
      data.fill(1);
    }
    tensors.set(name, { dims, data });
  }
  return tensors;
}

/**
 * A new last layer for `classes` classes, as `torch.nn.Linear(inputs, classes)` draws it: weight and bias uniform
 * within ±1/sqrt(inputs).
 * @returns two tensors by the last layer's names in `specs`
 */
export function initialiseHead(specs: readonly ParamSpec[], classes: number, random: RandomState): Tensors {
  const { weight, bias } = headOf(specs);
  const inputs = weight.dims[1];
  const bound = 1 / Math.sqrt(inputs);
  return new Map([
    [weight.name, { dims: [classes, inputs], data: uniform(classes * inputs, bound, random) }],
    [bias.name, { dims: [classes], data: uniform(classes, bound, random) }],
  ]);
}
