/**
 * Role: one training step (forward, backward, Adam) as a single graph, and the state that it moves from step to step.
 * Contract: the state lives in two sets of arrays; onnxruntime reads one and writes the other, then they change places,
 * so nothing is copied. The same state, batch and masks give the same next state, whatever the number of threads.
 */
import { gradients } from "../graph/gradients.js";
import { Graph } from "../graph/graph.js";
import { crossEntropy } from "../graph/ops/cross-entropy.js";
import { createSession, type Session } from "../graph/session.js";
import { InputContext, type MaskSpec } from "../net/layers.js";
import { nets } from "../net/nets.js";
import type { Tensors } from "../net/tensors.js";
import type { NetName } from "../net/weights/layouts.js";
import type { RandomState } from "../random.js";
import { adamSchedule, adamStep } from "./adam.js";

export interface TrainingGraph {
  readonly graph: Graph;
  readonly masks: readonly MaskSpec[];
  /** Names of trained parameters and of running statistics. */
  readonly trainable: readonly string[];
  readonly running: readonly string[];
}

/**
 * Inputs: images n×3×size×size, target n×classes (one-hot), every parameter, `m:` and `v:` moments, masks, two scalars.
 * Outputs: `loss`, and `next:` of everything that has a successor.
 */
export function trainingGraph(net: NetName, classes: number, n: number, size: number): TrainingGraph {
  const g = new Graph(`${net}_training`);
  const ctx = new InputContext(g, true);
  const logits = nets[net].build(ctx, g.input("images", [n, 3, size, size]), classes);
  const loss = crossEntropy(g, logits, g.input("target", [n, classes]));
  const schedule = { stepSize: g.input("step_size", []), correction2: g.input("correction2", []) };
  const grads = gradients(g, loss, ctx.trainable);
  g.output("loss", loss);
  ctx.trainable.forEach((weight, i) => {
    const { name, dims } = weight;
    const state = { weight, m: g.input(`m:${name}`, dims), v: g.input(`v:${name}`, dims) };
    const next = adamStep(g, state, grads[i], schedule);
    g.output(`next:${name}`, next.weight);
    g.output(`next:m:${name}`, next.m);
    g.output(`next:v:${name}`, next.v);
  });
  for (const [name, value] of ctx.updated) g.output(`next:${name}`, value);
  return {
    graph: g,
    masks: ctx.masks,
    trainable: ctx.trainable.map((v) => v.name),
    running: [...ctx.updated.keys()],
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
  /** By `m:<name>` and `v:<name>`; empty before the first step. */
  readonly moments: Tensors;
  readonly steps: number;
}

interface Compiled {
  readonly session: Session;
  readonly graph: TrainingGraph;
}

/**
 * The step of one network, compiled per batch size (the last batch of an epoch is smaller). Trainings of the same
 * network, one after another, share it: compiling takes seconds. Two sizes are kept, since each holds its activations.
 */
export class TrainingSessions {
  private readonly compiled = new Map<number, Promise<Compiled>>();

  constructor(
    readonly net: NetName,
    readonly classes: number,
    readonly size: number,
    private readonly threads?: number,
  ) {}

  async get(n: number): Promise<Compiled> {
    let entry = this.compiled.get(n);
    if (entry === undefined) {
      if (this.compiled.size === 2) await this.drop(Math.min(...this.compiled.keys()));
      const graph = trainingGraph(this.net, this.classes, n, this.size);
      entry = createSession(graph.graph, { threads: this.threads }).then((session) => ({ session, graph }));
      this.compiled.set(n, entry);
    }
    return entry;
  }

  private async drop(n: number): Promise<void> {
    const entry = this.compiled.get(n);
    this.compiled.delete(n);
    await (await entry)?.session.release();
  }

  async release(): Promise<void> {
    for (const n of [...this.compiled.keys()]) await this.drop(n);
  }
}

export class Trainer {
  private current = new Map<string, Float32Array>();
  private spare = new Map<string, Float32Array>();
  private readonly dims = new Map<string, readonly number[]>();
  private steps: number;

  /** @param sessions stay the caller's to release */
  constructor(
    private readonly sessions: TrainingSessions,
    state: TrainingState,
    private readonly lr: number,
  ) {
    this.steps = state.steps;
    for (const [name, { dims, data }] of state.parameters) this.keep(name, dims, data);
    for (const [name, { dims, data }] of state.parameters) {
      if (name.endsWith(".running_mean") || name.endsWith(".running_var")) continue;
      for (const key of [`m:${name}`, `v:${name}`])
        this.keep(key, dims, state.moments.get(key)?.data ?? new Float32Array(data.length));
    }
  }

  private keep(name: string, dims: readonly number[], data: Float32Array): void {
    this.dims.set(name, dims);
    this.current.set(name, data.slice());
    this.spare.set(name, new Float32Array(data.length));
  }

  /**
   * @param images n×3×size×size in 0…1
   * @param codes class of each image
   * @param random draws the masks
   * @returns the mean loss of the batch, before the update
   */
  async step(images: Float32Array, codes: ArrayLike<number>, random: RandomState): Promise<number> {
    const n = codes.length;
    const { classes } = this.sessions;
    const { session, graph } = await this.sessions.get(n);
    const target = new Float32Array(n * classes);
    for (let i = 0; i < n; i++) target[i * classes + codes[i]] = 1;
    const { stepSize, correction2 } = adamSchedule(this.lr, this.steps + 1);
    const feeds: Record<string, Float32Array> = {
      ...Object.fromEntries(this.current),
      ...drawMasks(graph.masks, random),
      images,
      target,
      step_size: Float32Array.of(stepSize),
      correction2: Float32Array.of(correction2),
    };
    const into: Record<string, Float32Array> = {};
    for (const [name, data] of this.spare) into[`next:${name}`] = data;
    const { loss } = await session.run(feeds, into);
    [this.current, this.spare] = [this.spare, this.current];
    this.steps += 1;
    return Number(loss.data[0]);
  }

  /** The present state; arrays are the trainer's own and change with the next step. */
  state(): TrainingState {
    const parameters: Tensors = new Map();
    const moments: Tensors = new Map();
    for (const [name, data] of this.current)
      (/^[mv]:/.test(name) ? moments : parameters).set(name, { dims: this.dims.get(name) ?? [], data });
    return { parameters, moments, steps: this.steps };
  }
}
