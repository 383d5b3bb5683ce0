/**
 * Role: one training step (forward, backward, Adam) as a single graph, and the state that it moves from step to step.
 * Contract: the state lives in two sets of arrays; onnxruntime reads one and writes the other, then they change places,
 * so nothing is copied. The same state, batch and masks give the same next state, whatever the number of threads.
 */

import type { Device } from "../devices.js";
import { gradients } from "../graph/gradients.js";
import { Graph, sizeOf, staticDims } from "../graph/graph.js";
import { fromKernels, heldInBlocks, toKernels } from "../graph/kernel-layout.js";
import { crossEntropy } from "../graph/ops/cross-entropy.js";
import { add, mul } from "../graph/ops/elementwise.js";
import { klDivergence } from "../graph/ops/kl-divergence.js";
import { stored } from "../graph/ops/layout.js";
import { channelBlock, createSession, type Session } from "../graph/session.js";
import type { ImageSize } from "../image-size.js";
import { InputContext, type MaskSpec, type NetContext } from "../net/layers.js";
import { nets } from "../net/nets.js";
import type { Tensors } from "../net/tensors.js";
import type { NetName } from "../net/weights/layouts.js";
import type { RandomState } from "../random.js";
import { adamScalars, adamSteps } from "./adam.js";
import { type Criterion, targetRows } from "./criterion.js";
import { SecondPass, saliencyGraph } from "./guided.js";

/** "backbone": all but the classifier (the last layer and its dropout) stays as it is. */
export type Freeze = "none" | "backbone";

/** Whether the parameter or layer of this name is frozen; the classifier is the part that the last layer is in. */
function frozenParts(net: NetName, freeze: Freeze): (name: string) => boolean {
  const part = (name: string) => name.split(".")[0];
  const classifier = part(nets[net].head);
  return (name) => freeze === "backbone" && part(name) !== classifier;
}

export interface TrainingGraph {
  readonly graph: Graph;
  readonly masks: readonly MaskSpec[];
  /** Names of trained parameters and of running statistics that follow the batches. */
  readonly trainable: readonly string[];
  readonly running: readonly string[];
}

/** What makes another graph of the same network. */
export interface StepKind {
  readonly freeze: Freeze;
  /** Whether the weights decay. */
  readonly decay: boolean;
  /** Whether the answer to masked images is held to that to the images (guided.ts); default: no. */
  readonly guided?: boolean;
}

/**
 * Inputs: images n×3×size×size, target n×classes (see criterion.ts), every parameter, `m:` and `v:` moments of the
 * trained ones, masks, the scalars of adam.ts. Outputs: `loss`, and `next:` of everything that has a successor. What is
 * frozen has none, and the gradient ends where nothing before it is trained. Guided: also the images `masked` and the
 * weight `guidance`; what is minimised is then loss + guidance · KL(answer to images ‖ answer to masked).
 */
export function trainingGraph(
  net: NetName,
  classes: number,
  n: number,
  size: ImageSize,
  kind: StepKind = { freeze: "none", decay: false },
  block = 1,
): TrainingGraph {
  const g = new Graph(`${net}_training`, block);
  const ctx = new InputContext(g, true, frozenParts(net, kind.freeze));
  const logits = nets[net].build(ctx, g.input("images", [n, 3, size.height, size.width]), classes);
  const loss = crossEntropy(g, logits, g.input("target", [n, classes]));
  const passes: NetContext[] = [ctx];
  let minimised = loss;
  if (kind.guided) {
    const again = new SecondPass(ctx);
    passes.push(again);
    const masked = nets[net].build(again, g.input("masked", [n, 3, size.height, size.width]), classes);
    minimised = add(g, loss, mul(g, klDivergence(g, logits, masked), g.input("guidance", [])));
  }
  const { updated } = passes[passes.length - 1];
  const scalars = {
    stepSize: g.input("step_size", []),
    eps: g.input("eps", []),
    kept: kind.decay ? g.input("kept", []) : undefined,
  };
  const grads = gradients(g, minimised, ctx.trainable);
  g.output("loss", loss);
  const states = ctx.trainable.map((weight) => {
    const length = [sizeOf(staticDims(weight))];
    const moment = (key: string) => g.input(`${key}:${weight.name}`, length);
    return { weight: stored(g, weight, length), m: moment("m"), v: moment("v") };
  });
  adamSteps(g, states, grads, scalars).forEach((next, i) => {
    const { name } = ctx.trainable[i];
    g.output(`next:${name}`, next.weight);
    g.output(`next:m:${name}`, next.m);
    g.output(`next:v:${name}`, next.v);
  });
  for (const [name, value] of updated) g.output(`next:${name}`, value);
  return {
    graph: g,
    masks: passes.flatMap((pass) => pass.masks),
    trainable: ctx.trainable.map((v) => v.name),
    running: [...updated.keys()],
  };
}

/** Draws the masks of one batch, in the network's order. */
export function drawMasks(masks: readonly MaskSpec[], random: RandomState): Record<string, Float32Array> {
  const drawn: Record<string, Float32Array> = {};
  for (const { name, dims, keep } of masks) {
    const mask = new Float32Array((dims as number[]).reduce((a, b) => a * b, 1));
    for (let i = 0; i < mask.length; i++) mask[i] = random.random() < keep ? 1 / keep : 0;
    drawn[`mask:${name}`] = mask;
  }
  return drawn;
}

/** What a training run carries from step to step: parameters, running statistics, Adam's moments, steps done. */
export interface TrainingState {
  readonly parameters: Tensors;
  /** By `m:<name>` and `v:<name>` of what is trained, as adam.ts has them; empty before the first step. */
  readonly moments: Tensors;
  readonly steps: number;
}

interface Compiled {
  readonly session: Session;
  readonly graph: TrainingGraph;
  /** Of the images, where the step is guided. */
  readonly saliency?: Session;
}

/**
 * The step of one network, compiled per batch size (the last batch of an epoch is smaller) and kind. Trainings of the same
 * network, one after another, share it: compiling takes seconds. Two are kept, since each holds its activations.
 */
export class TrainingSessions {
  private readonly compiled = new Map<string, { n: number; step: Promise<Compiled> }>();

  constructor(
    readonly net: NetName,
    readonly classes: number,
    readonly size: ImageSize,
    private readonly threads?: number,
    private readonly device: Device = "cpu",
  ) {}

  async get(n: number, kind: StepKind): Promise<Compiled> {
    const key = `${n} ${kind.freeze} ${kind.decay} ${kind.guided ?? false}`;
    let entry = this.compiled.get(key);
    if (entry === undefined) {
      if (this.compiled.size === 2) {
        const [[smaller]] = [...this.compiled].sort(([, a], [, b]) => a.n - b.n);
        await this.drop(smaller);
      }
      entry = { n, step: this.compile(n, kind) };
      this.compiled.set(key, entry);
    }
    return entry.step;
  }

  private async compile(n: number, kind: StepKind): Promise<Compiled> {
    const { net, classes, size, threads, device } = this;
    const block = device === "cpu" ? await channelBlock() : 1;
    const graph = trainingGraph(net, classes, n, size, kind, block);
    const options = { threads, device, inPlace: device === "cpu", spinning: true };
    const session = await createSession(graph.graph, options);
    if (!kind.guided) return { session, graph };
    return {
      session,
      graph,
      saliency: await createSession(saliencyGraph(net, classes, n, size, block), { threads, device }),
    };
  }

  private async drop(key: string): Promise<void> {
    const entry = this.compiled.get(key);
    this.compiled.delete(key);
    const step = await entry?.step;
    await step?.session.release();
    await step?.saliency?.release();
  }

  async release(): Promise<void> {
    for (const key of [...this.compiled.keys()]) await this.drop(key);
  }
}

/** What does not change from step to step. */
export interface TrainerOptions {
  readonly freeze?: Freeze;
  /** As torch.optim.AdamW's, of everything that is trained; default: 0. */
  readonly weightDecay?: number;
  readonly criterion?: Criterion;
  /** Weight of the divergence in saliency-guided training; left out, the training is the usual one. */
  readonly guidance?: number;
}

/** From the saliency of a batch of images to the masked images; both n×3×size×size. */
export type MaskImages = (gradient: Float32Array) => Float32Array | Promise<Float32Array>;

export class Trainer {
  /** Weights of convolutions, and their moments, are held for blocks of so many channels (kernel-layout.ts); 1: plain. */
  private block = 1;
  private current = new Map<string, Float32Array>();
  private spare = new Map<string, Float32Array>();
  private readonly dims = new Map<string, readonly number[]>();
  private readonly kind: StepKind;
  private steps: number;

  /**
   * @param sessions stay the caller's to release
   * @throws RangeError where steps were done without the moments of something that is to be trained
   */
  constructor(
    private readonly sessions: TrainingSessions,
    state: TrainingState,
    private readonly options: TrainerOptions = {},
  ) {
    const { freeze = "none", weightDecay = 0, guidance } = options;
    this.kind = { freeze, decay: weightDecay !== 0, guided: guidance !== undefined };
    this.steps = state.steps;
    const frozen = frozenParts(sessions.net, freeze);
    for (const [name, { dims, data }] of state.parameters) {
      this.dims.set(name, dims);
      this.current.set(name, frozen(name) ? data : data.slice());
      this.spare.set(name, frozen(name) ? data : new Float32Array(data.length)); // the frozen have no successor
    }
    for (const [name, { dims, data }] of state.parameters) {
      if (name.endsWith(".running_mean") || name.endsWith(".running_var") || frozen(name)) continue;
      for (const key of [`m:${name}`, `v:${name}`]) {
        const moment = state.moments.get(key);
        if (moment === undefined && state.steps > 0)
          throw new RangeError(`Trainer: ${state.steps} steps were done without '${key}'`);
        this.dims.set(key, dims);
        this.current.set(key, moment?.data.slice() ?? new Float32Array(data.length));
        this.spare.set(key, new Float32Array(data.length));
      }
    }
  }

  /**
   * @param images n×3×size×size in 0…1
   * @param codes class of each image
   * @param lr learning rate of this step
   * @param random draws the masks
   * @param mask for a guided training, called before `random` is drawn from
   * @returns the loss of the batch (without the divergence of a guided training), before the update
   * @throws RangeError where a guided training gets no `mask`
   */
  async step(
    images: Float32Array,
    codes: ArrayLike<number>,
    lr: number,
    random: RandomState,
    mask?: MaskImages,
  ): Promise<number> {
    const { session, graph, saliency } = await this.sessions.get(codes.length, this.kind);
    this.hold(graph.graph.block);
    const guided = saliency && (await this.guidedFeeds(saliency, images, codes, mask));
    const target = targetRows(codes, this.sessions.classes, this.options.criterion ?? {});
    const { stepSize, eps, kept } = adamScalars(lr, this.steps + 1, this.options.weightDecay);
    const feeds: Record<string, Float32Array> = {
      ...Object.fromEntries(this.current),
      ...drawMasks(graph.masks, random),
      images,
      target,
      step_size: Float32Array.of(stepSize),
      eps: Float32Array.of(eps),
      kept: Float32Array.of(kept),
      ...guided,
    };
    const into: Record<string, Float32Array> = { loss: new Float32Array(1) };
    for (const [name, data] of this.spare) into[`next:${name}`] = data;
    const { loss } = await session.run(feeds, into);
    [this.current, this.spare] = [this.spare, this.current];
    this.steps += 1;
    return Number(loss.data[0]);
  }

  private async guidedFeeds(
    saliency: Session,
    images: Float32Array,
    codes: ArrayLike<number>,
    mask: MaskImages | undefined,
  ): Promise<Record<string, Float32Array>> {
    if (mask === undefined) throw new RangeError("Trainer: a guided step without a mask");
    const chosen = targetRows(codes, this.sessions.classes, {});
    const { gradient } = await saliency.run({ ...Object.fromEntries(this.current), images, chosen });
    return {
      masked: await mask(gradient.data as Float32Array),
      guidance: Float32Array.of(this.options.guidance ?? 0),
    };
  }

  /** Brings what is plain into the order of a graph with such blocks. */
  private hold(block: number): void {
    if (this.block === block) return;
    this.block = block;
    for (const [name, dims] of this.dims) {
      const data = this.current.get(name);
      if (!data || !heldInBlocks(dims, block)) continue;
      const held = toKernels(data, dims, block);
      if (this.spare.get(name) === data) this.spare.set(name, held); // the frozen
      this.current.set(name, held);
    }
  }

  /** The present state; arrays may be the trainer's own and change with the next step. */
  state(): TrainingState {
    return { parameters: this.tensors(false), moments: this.tensors(true), steps: this.steps };
  }

  /** The parameters of the present state. */
  parameters(): Tensors {
    return this.tensors(false);
  }

  private tensors(moments: boolean): Tensors {
    const found: Tensors = new Map();
    for (const [name, data] of this.current) {
      if (/^[mv]:/.test(name) !== moments) continue;
      const dims = this.dims.get(name) ?? [];
      found.set(name, {
        dims,
        data: heldInBlocks(dims, this.block) ? fromKernels(data, dims, this.block) : data,
      });
    }
    return found;
  }
}
