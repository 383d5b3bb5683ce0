/**
 * Role: what an attribution method needs of a model: class scores, their gradient by the input, the last feature map.
 * The input is an image, or the expression that a painter makes one of: the same methods then explain genes, by the
 * chain rule through the painter.
 * Contract: scores are logits of the network in evaluation mode. Weights are fed, so that one compilation serves all
 * folds and randomised weights too. Batches have one size (batches.ts).
 */
import { gradients } from "../graph/gradients.js";
import { Graph, sizeOf, staticDims, type Value } from "../graph/graph.js";
import { mul } from "../graph/ops/elementwise.js";
import { createSession, type Session } from "../graph/session.js";
import type { ImageSize } from "../image-size.js";
import { InputContext, type NetContext } from "../net/layers.js";
import type { ParamSpec, Tensors } from "../net/tensors.js";
import { runBatches } from "./batches.js";

/** The last feature map of n samples, and how the score of one class depends on it. */
export interface FeatureMaps {
  /** C, h, w. */
  readonly dims: readonly [number, number, number];
  /** n×C×h×w. */
  readonly features: Float32Array;
  /** d score of the sample's class / d feature, n×C×h×w. */
  readonly gradient: Float32Array;
  /** n×classes. */
  readonly scores: Float32Array;
}

export interface ScoreModel {
  /** Dims of one sample's input: [3, H, W] of an image, [G] of genes. */
  readonly dims: readonly number[];
  readonly classes: number;
  /** Size of the image that the network sees. */
  readonly image: ImageSize;
  /** Samples in one run; work in multiples of it wastes nothing. */
  readonly batch: number;
  /**
   * @param x n inputs, row-major
   * @returns n×classes
   */
  scores(x: Float32Array): Promise<Float32Array>;
  /**
   * @param codes the class of each sample's score
   * @returns scores n×classes; d score[code] / d input, as long as x
   */
  gradient(
    x: Float32Array,
    codes: ArrayLike<number>,
  ): Promise<{ scores: Float32Array; gradient: Float32Array }>;
  features(x: Float32Array, codes: ArrayLike<number>): Promise<FeatureMaps>;
}

/** Writes an encoder into a graph: expression N×G → images N×3×H×W in 0…1. */
export type Painter = (g: Graph, expression: Value) => Value;

export interface ScoreGraphOptions {
  /** Writes the network into the context's graph: images N×3×H×W → logits N×classes. */
  readonly network: (ctx: NetContext, images: Value) => Value;
  readonly size: ImageSize;
  /** Absent: the input is the image. */
  readonly painter?: { readonly genes: number; readonly paint: Painter };
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Samples in one run. A method makes dozens of inputs of each sample, a figure a handful in all. */
const BATCH = 16;

/** A network, with a painter before it or not; each of its two graphs is compiled when first used. */
export class ScoreGraph {
  private readonly built: Built;
  private forward: Promise<Session> | undefined;
  private backward: Promise<Session> | undefined;

  constructor(private readonly options: ScoreGraphOptions) {
    this.built = build(options);
  }

  /** Parameters of the network, in its order. */
  get specs(): readonly ParamSpec[] {
    return this.built.specs;
  }

  /** The model that the network is with these weights; valid until `release`. */
  model(weights: Tensors): ScoreModel {
    const { size, signal } = this.options;
    const { dims, classes, features } = this.built;
    const shared = Object.fromEntries([...weights].map(([name, { data }]) => [name, data]));
    const run = (session: Session, x: Float32Array, codes: ArrayLike<number>) => {
      const n = x.length / sizeOf(dims);
      if (n !== codes.length)
        throw new RangeError(
          `ScoreModel: ${x.length} values and ${codes.length} classes are not samples of [${dims.join(", ")}]`,
        );
      return runBatches(session, BATCH, n, { input: x, chosen: oneHot(codes, classes) }, shared, signal);
    };
    const forward = () => {
      this.forward ??= createSession(this.built.forward, this.options);
      return this.forward;
    };
    const backward = () => {
      this.backward ??= createSession(this.built.backward, this.options);
      return this.backward;
    };
    return {
      dims,
      classes,
      image: size,
      batch: BATCH,
      async scores(x) {
        return (await run(await forward(), x, new Int32Array(Math.ceil(x.length / sizeOf(dims))))).scores;
      },
      async gradient(x, codes) {
        const { scores, gradient } = await run(await backward(), x, codes);
        return { scores, gradient };
      },
      async features(x, codes) {
        const out = await run(await forward(), x, codes);
        return { dims: features, scores: out.scores, features: out.features, gradient: out.gradient };
      },
    };
  }

  /** Frees the native memory. */
  async release(): Promise<void> {
    for (const session of [this.forward, this.backward]) await (await session)?.release();
    this.forward = undefined;
    this.backward = undefined;
  }
}

interface Built {
  /** scores, the last feature map and its gradient: hardly more than the network itself. */
  readonly forward: Graph;
  /** scores and the gradient by the input: some three times that. */
  readonly backward: Graph;
  readonly dims: readonly number[];
  readonly classes: number;
  readonly features: readonly [number, number, number];
  readonly specs: readonly ParamSpec[];
}

function build({ network, size, painter }: ScoreGraphOptions): Built {
  const dims = painter === undefined ? [3, size.height, size.width] : [painter.genes];
  const scored = () => {
    const g = new Graph();
    const input = g.input("input", [BATCH, ...dims]);
    const images = painter === undefined ? input : painter.paint(g, input);
    if (images.dims.slice(1).join() !== `3,${size.height},${size.width}`)
      throw new RangeError(`ScoreGraph: the painter paints [${images.dims.join(", ")}]`);
    const ctx = new InputContext(g, false);
    const scores = network(ctx, images);
    g.output("scores", scores);
    // Each row of `chosen` is 1 at the sample's class, so that the sum of the product is the sum of the chosen scores.
    const chosen = mul(g, scores, g.input("chosen", scores.dims));
    return { g, ctx, input, scores, chosen };
  };
  const { g: forward, ctx, scores, chosen } = scored();
  if (ctx.features === undefined)
    throw new Error("ScoreGraph: the network does not say its last feature map");
  forward.output("features", ctx.features);
  forward.output("gradient", gradients(forward, chosen, [ctx.features])[0]);
  const back = scored();
  back.g.output("gradient", gradients(back.g, back.chosen, [back.input])[0]);
  return {
    forward,
    backward: back.g,
    dims,
    classes: staticDims(scores)[1],
    features: staticDims(ctx.features).slice(1) as [number, number, number],
    specs: ctx.specs,
  };
}

function oneHot(codes: ArrayLike<number>, classes: number): Float32Array {
  const out = new Float32Array(codes.length * classes);
  for (let i = 0; i < codes.length; i++) {
    if (!(codes[i] >= 0 && codes[i] < classes)) throw new RangeError(`ScoreModel: no class ${codes[i]}`);
    out[i * classes + codes[i]] = 1;
  }
  return out;
}
