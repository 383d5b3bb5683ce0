/**
 * Role: what every network is written with: named parameters, convolution + batch norm, random masks.
 * Contract: a NetContext binds parameter names to graph values (inputs when training, initializers in a model file)
 * and says whether batch norm and dropout act as in training. Frozen parts never do: their running statistics are used and
 * kept, and nothing is dropped, as after PyTorch's `eval()`.
 */
import type { Dim, Graph, Value } from "../graph/graph.js";
import { heldInBlocks } from "../graph/kernel-layout.js";
import { type BatchNormTraining, batchNormEvaluation, batchNormTraining } from "../graph/ops/batch-norm.js";
import { batchNormEvaluationBlocked, batchNormTrainingBlocked } from "../graph/ops/batch-norm-blocked.js";
import { conv2d, type Pads, padAll } from "../graph/ops/conv2d.js";
import { add, mul, relu, relu6, silu } from "../graph/ops/elementwise.js";
import { blocked } from "../graph/ops/layout.js";
import { linear } from "../graph/ops/linear.js";
import type { ParamSpec } from "./tensors.js";

/** A mask that the loop draws for every batch: entries are 1/keep with probability keep, else 0. */
export interface MaskSpec {
  readonly name: string;
  readonly dims: readonly Dim[];
  readonly keep: number;
}

export abstract class NetContext {
  /** Every parameter and buffer, in the order of the network. */
  readonly specs: ParamSpec[] = [];
  /** Masks of dropout and stochastic depth (training only). */
  readonly masks: MaskSpec[] = [];
  /** Running statistics after the batch, by name (training only). */
  readonly updated = new Map<string, Value>();
  /** The last feature map, N×C×h×w, as it enters the pooling; set by the network. */
  features: Value | undefined;

  /** @param frozen whether the parameter, or the layer, of this name stays as it is */
  constructor(
    readonly g: Graph,
    readonly training: boolean,
    protected readonly frozen: (name: string) => boolean = () => false,
  ) {}

  /** Whether a layer acts as in training. */
  trains(layer: string): boolean {
    return this.training && !this.frozen(layer);
  }

  protected abstract bind(spec: ParamSpec): Value;

  param(name: string, dims: readonly number[], kind: ParamSpec["kind"]): Value {
    const spec = { name, dims, kind };
    this.specs.push(spec);
    return this.bind(spec);
  }

  /** Multiplies by a random mask while training (dropout: dims of x; stochastic depth "row": N×1×1×1). */
  drop(name: string, x: Value, dims: readonly Dim[], keep: number): Value {
    if (!this.trains(name) || keep === 1) return x;
    this.masks.push({ name, dims, keep });
    return mul(this.g, x, this.g.input(`mask:${name}`, dims));
  }
}

/** Parameters are inputs of the graph under their own names. */
export class InputContext extends NetContext {
  /** The parameters that are trained (no running statistics, nothing frozen), in order. */
  readonly trainable: Value[] = [];

  protected bind(spec: ParamSpec): Value {
    const value = this.g.input(spec.name, spec.dims, "float32", heldInBlocks(spec.dims, this.g.block));
    if (spec.kind !== "bn_mean" && spec.kind !== "bn_var" && !this.frozen(spec.name))
      this.trainable.push(value);
    return value;
  }
}

export interface NormOptions {
  eps: number;
  momentum: number;
}
/** torch.nn.BatchNorm2d's defaults. */
export const torchNorm: NormOptions = { eps: 1e-5, momentum: 0.1 };

export type Activation = "relu" | "relu6" | "silu";
const activations = { relu, relu6, silu };

/** What follows a normalisation. */
export interface Following {
  /** The shortcut that is added before the activation; made after the normalisation's parameters. */
  added?: () => Value;
  activation?: Activation;
}

/** Batch norm, the addition of a shortcut, and the activation. */
export function batchNorm(
  ctx: NetContext,
  name: string,
  x: Value,
  norm: NormOptions,
  following: Following = {},
): Value {
  const { g } = ctx;
  const dims = [x.dims[1] as number];
  const p = {
    weight: ctx.param(`${name}.weight`, dims, "bn_weight"),
    bias: ctx.param(`${name}.bias`, dims, "bn_bias"),
    runningMean: ctx.param(`${name}.running_mean`, dims, "bn_mean"),
    runningVar: ctx.param(`${name}.running_var`, dims, "bn_var"),
    ...norm,
  };
  const { activation } = following;
  const trains = ctx.trains(name);
  if (trains) {
    // their place, before those of the shortcut
    ctx.updated.set(`${name}.running_mean`, p.runningMean);
    ctx.updated.set(`${name}.running_var`, p.runningVar);
  }
  const added = following.added?.();
  const followed = (out: BatchNormTraining) => {
    ctx.updated.set(`${name}.running_mean`, out.runningMean);
    ctx.updated.set(`${name}.running_var`, out.runningVar);
    return out.y;
  };
  if (x.blocked) {
    // in one pass, but for SiLU
    const rest = {
      added: added && blocked(g, added),
      activation: activation === "silu" ? undefined : activation,
    };
    const y = trains
      ? followed(batchNormTrainingBlocked(g, x, p, rest))
      : batchNormEvaluationBlocked(g, x, p, rest);
    return activation === "silu" ? silu(g, y) : y;
  }
  const normed = trains ? followed(batchNormTraining(g, x, p)) : batchNormEvaluation(g, x, p);
  const y = added ? add(g, normed, added) : normed;
  return activation ? activations[activation](g, y) : y;
}

export interface ConvNormOptions extends Following {
  channels: number;
  kernel: number;
  stride?: number;
  /** Default: (kernel − 1)/2 on every side. */
  pads?: Pads;
  depthwise?: boolean;
  norm: NormOptions;
}

/** Convolution without bias, batch norm, shortcut, activation. */
export function convNorm(
  ctx: NetContext,
  conv: string,
  bn: string,
  x: Value,
  options: ConvNormOptions,
): Value {
  const { channels, kernel, stride = 1, pads = padAll((kernel - 1) / 2), depthwise = false } = options;
  const inputs = x.dims[1] as number;
  const weight = ctx.param(`${conv}.weight`, [channels, depthwise ? 1 : inputs, kernel, kernel], "conv");
  const y = conv2d(ctx.g, x, weight, { stride, pads, groups: depthwise ? inputs : 1 });
  return batchNorm(ctx, bn, y, options.norm, options);
}

/** The last layer: N×C → N×classes. */
export function head(ctx: NetContext, name: string, x: Value, classes: number): Value {
  const weight = ctx.param(`${name}.weight`, [classes, x.dims[1] as number], "linear");
  return linear(ctx.g, x, weight, ctx.param(`${name}.bias`, [classes], "bias"));
}
