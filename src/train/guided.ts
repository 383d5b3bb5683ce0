/**
 * Role: the two graphs that saliency-guided training needs beside the usual step: a second pass of the same net over the
 * masked images, and the saliency that says what to mask.
 * Contract: the second pass shares the parameters and goes on from the running statistics that the first one leaves, as
 * PyTorch's second forward call would; its random masks are its own. The saliency is the gradient of the true class's
 * logit, the net in evaluation mode, as in the authors' code (captum.attr.Saliency after `model.eval()`).
 * Reference: Ismail, Corrada Bravo & Feizi 2021, "Improving deep learning interpretability by saliency guided training".
 */
import { gradients } from "../graph/gradients.js";
import { type Dim, Graph, type Value } from "../graph/graph.js";
import { mul } from "../graph/ops/elementwise.js";
import type { ImageSize } from "../image-size.js";
import { InputContext, NetContext } from "../net/layers.js";
import { nets } from "../net/nets.js";
import type { ParamSpec } from "../net/tensors.js";
import type { NetName } from "../net/weights/layouts.js";

/** The net once more, in the graph of its first pass. */
export class SecondPass extends NetContext {
  private readonly inputs: ReadonlyMap<string, Value>;

  constructor(private readonly first: InputContext) {
    super(first.g, first.training);
    this.inputs = new Map(first.g.inputs.map((value) => [value.name, value]));
  }

  override trains(layer: string): boolean {
    return this.first.trains(layer);
  }

  protected bind({ name }: ParamSpec): Value {
    const value = this.first.updated.get(name) ?? this.inputs.get(name);
    if (value === undefined) throw new Error(`the first pass has no '${name}'`);
    return value;
  }

  override drop(name: string, x: Value, dims: readonly Dim[], keep: number): Value {
    if (!this.trains(name) || keep === 1) return x;
    const again = `masked:${name}`;
    this.masks.push({ name: again, dims, keep });
    return mul(this.g, x, this.g.input(`mask:${again}`, dims));
  }
}

/**
 * Inputs: images n×3×height×width, `chosen` n×classes (one-hot), every parameter. Output: `gradient` of the chosen logits by
 * the images.
 */
export function saliencyGraph(net: NetName, classes: number, n: number, size: ImageSize, block = 1): Graph {
  const g = new Graph(`${net}_saliency`, block);
  const images = g.input("images", [n, 3, size.height, size.width]);
  const logits = nets[net].build(new InputContext(g, false), images, classes);
  const [gradient] = gradients(g, mul(g, logits, g.input("chosen", [n, classes])), [images]);
  g.output("gradient", gradient);
  return g;
}
