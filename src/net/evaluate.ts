/**
 * Role: runs a network with fixed weights: class probabilities. Explanations have their own (src/explain/score-model.ts).
 * Contract: every run has the same batch size (a smaller last batch is filled up with zeros), so a sample's result
 * depends neither on its neighbours nor on the number of threads.
 */

import type { Device } from "../devices.js";
import { CellhueError } from "../errors.js";
import { Graph, type Value } from "../graph/graph.js";
import { createSession, type Session } from "../graph/session.js";
import { areaOf, type ImageSize } from "../image-size.js";
import { InputContext, NetContext } from "./layers.js";
import { nets } from "./nets.js";
import type { ParamSpec, Tensors } from "./tensors.js";
import type { NetName } from "./weights/layouts.js";

/** Parameters stored in the graph: a network that needs nothing but images. */
class StoredContext extends NetContext {
  constructor(
    g: Graph,
    private readonly tensors: Tensors,
  ) {
    super(g, false);
  }

  protected bind({ name, dims }: ParamSpec): Value {
    const tensor = this.tensors.get(name);
    if (tensor === undefined || tensor.dims.join() !== dims.join())
      throw new Error(
        `'${name}' is [${tensor?.dims.join(", ") ?? "absent"}], the network has [${dims.join(", ")}]`,
      );
    return this.g.initializer(name, tensor.data, dims);
  }
}

/** Writes a network with its weights into a graph: images N×3×height×width in 0…1 → logits N×classes. */
export function storedNetwork(
  g: Graph,
  net: NetName,
  tensors: Tensors,
  images: Value,
  classes: number,
): Value {
  return nets[net].build(new StoredContext(g, tensors), images, classes);
}

/**
 * The network as a graph of its own: `image` N×3×height×width in 0…1 → `logits` and `probabilities`, N×classes.
 */
export function networkGraph(net: NetName, tensors: Tensors, classes: number, size: ImageSize): Graph {
  const g = new Graph(net);
  const logits = storedNetwork(g, net, tensors, g.input("image", ["N", 3, size.height, size.width]), classes);
  g.output("logits", logits);
  g.output("probabilities", g.op("Softmax", [logits], logits.dims, { axis: 1 }));
  return g;
}

const batch = 32;

const feedsOf = (tensors: Tensors): Record<string, Float32Array> =>
  Object.fromEntries([...tensors].map(([name, { data }]) => [name, data]));

/** A compiled network whose weights are fed, so that one compilation serves all folds. */
export class Evaluator {
  private constructor(
    private readonly session: Session,
    private readonly net: NetName,
    private readonly classes: number,
    private readonly size: ImageSize,
  ) {}

  static async create(
    net: NetName,
    classes: number,
    size: ImageSize,
    threads?: number,
    device?: Device,
  ): Promise<Evaluator> {
    const g = new Graph();
    const ctx = new InputContext(g, false);
    const image = g.input("image", [batch, 3, size.height, size.width]);
    const logits = nets[net].build(ctx, image, classes);
    g.output("probabilities", g.op("Softmax", [logits], logits.dims, { axis: 1 }));
    return new Evaluator(await createSession(g, { threads, device }), net, classes, size);
  }

  /**
   * @param images n×3×height×width in 0…1, given batch by batch: `fill(first, count, into)`
   * @returns n×classes, row-major
   * @throws CellhueError where one is not finite (a training that diverged)
   */
  async probabilities(
    tensors: Tensors,
    n: number,
    fill: (first: number, count: number, into: Float32Array) => void | Promise<void>,
  ): Promise<Float32Array> {
    const feeds = feedsOf(tensors);
    const image = new Float32Array(batch * 3 * areaOf(this.size));
    const out = new Float32Array(n * this.classes);
    for (let first = 0; first < n; first += batch) {
      const count = Math.min(batch, n - first);
      image.fill(0);
      await fill(first, count, image);
      const { probabilities } = await this.session.run({ ...feeds, image });
      const rows = (probabilities.data as Float32Array).subarray(0, count * this.classes);
      if (!rows.every(Number.isFinite))
        throw new CellhueError(`a probability that ${this.net} gives is not a number`, {
          found: "weights that are too large or not finite",
          remedy: "train again with a smaller learning rate (--lr)",
        });
      out.set(rows, first * this.classes);
    }
    return out;
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
