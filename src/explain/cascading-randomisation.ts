/**
 * Role: the sanity check of an attribution method: a map that explains a net must change when the net's layers are drawn at
 * random, one after the other from the head down.
 * Contract: pure; the caller draws the random weights (`initialise` of net/weights/init.ts) and says how maps are made. Maps
 * are compared by Spearman's correlation of their absolute values (or of what they are, with signs), sample by sample; those
 * of an image also by structural similarity, each divided by its greatest size (signed ones then brought from −1…1 to 0…1, as
 * a scale of colours does: opposite means would else count as alike), over the windows that either of them uses.
 * Reference: Adebayo et al. 2018, "Sanity checks for saliency maps".
 */
import { spearman } from "../evaluate/spearman.js";
import type { ImageSize } from "../image-size.js";
import type { ParamSpec, Tensors } from "../net/tensors.js";
import { structuralSimilarity } from "./ssim.js";

export interface Layer {
  readonly name: string;
  /** Its parameters and running statistics. */
  readonly params: readonly string[];
}

/**
 * The layers or blocks of a net, head first. A block is a name up to its last leading number: `layer4.1` of
 * `layer4.1.conv2.weight`, `features.7.0` of `features.7.0.block.1.0.weight`, `fc` of `fc.bias`.
 */
export function layersFromHead(specs: readonly Pick<ParamSpec, "name">[]): Layer[] {
  const layers = new Map<string, string[]>();
  for (const { name } of specs) {
    const layer = /^[^.]+(\.\d+)*/.exec(name)?.[0] ?? name;
    layers.set(layer, [...(layers.get(layer) ?? []), name]);
  }
  return [...layers].map(([name, params]) => ({ name, params })).reverse();
}

export interface RandomisationStep {
  /** The last layer that was randomised, with all above it. */
  readonly layer: string;
  /** Similarity of each sample's map to that of the trained net; NaN where the latter is the same everywhere. */
  readonly similarities: Float64Array;
  /** Their mean over the samples that have one; NaN where none has. */
  readonly similarity: number;
  /** Mean structural similarity, where the size of the maps was given; NaN as `similarity`. */
  readonly ssim?: number;
}

export interface MapKind {
  /** Whether signs count; default: no. */
  readonly signed?: boolean;
  /** Size of maps that are images, for their structural similarity. */
  readonly ssim?: ImageSize;
}

/**
 * @param trained weights of the net
 * @param random weights of the same names and dims, drawn as before a training
 * @param layers in the order in which they are randomised
 * @param attribute maps of n samples by a net with these weights, n × anything
 * @returns one step a layer; the last one has no trained weight left
 */
export async function cascadingRandomisation(
  trained: Tensors,
  random: Tensors,
  layers: readonly Layer[],
  n: number,
  attribute: (weights: Tensors) => Promise<Float32Array>,
  { signed = false, ssim }: MapKind = {},
): Promise<RandomisationStep[]> {
  const original = await attribute(trained);
  const width = original.length / n;
  const shade = (map: Float32Array) => {
    const most = map.reduce((m, v) => Math.max(m, Math.abs(v)), 0) || 1;
    return signed ? map.map((v) => 0.5 + v / most / 2) : map.map((v) => v / most);
  };
  const of = (maps: Float32Array, i: number) => {
    const map = maps.subarray(i * width, (i + 1) * width);
    return signed ? map : map.map(Math.abs);
  };
  const weights: Tensors = new Map(trained);
  const steps: RandomisationStep[] = [];
  for (const { name: layer, params } of layers) {
    for (const name of params) {
      const tensor = random.get(name);
      if (tensor === undefined || !weights.has(name))
        throw new RangeError(`cascadingRandomisation: '${name}' is not in both sets of weights`);
      weights.set(name, tensor);
    }
    const maps = await attribute(weights);
    const similarities = Float64Array.from({ length: n }, (_, i) => {
      const map = of(original, i);
      return map.every((v) => v === map[0]) ? Number.NaN : spearman(map, of(maps, i));
    });
    const known = [...similarities.keys()].filter((i) => !Number.isNaN(similarities[i]));
    const mean = (of: (i: number) => number) => known.reduce((sum, i) => sum + of(i), 0) / known.length;
    const step = { layer, similarities, similarity: mean((i) => similarities[i]) };
    if (ssim === undefined) steps.push(step);
    else {
      const alike = (i: number) =>
        structuralSimilarity(shade(of(original, i)), shade(of(maps, i)), ssim, 1, signed ? 0.5 : 0);
      steps.push({ ...step, ssim: mean(alike) });
    }
  }
  return steps;
}

/** A map of which more than half the order of its entries outlives all weights is not about the net. */
export const MOST_SIMILAR = 0.5;

export interface RandomisationVerdict {
  /** "undecided": the trained net's maps are the same everywhere, there is nothing to compare. */
  readonly verdict: "passes" | "fails" | "undecided";
  /** Mean Spearman correlation with every layer randomised. */
  readonly similarity: number;
  readonly bound: number;
}

/** @param bound the largest similarity at full randomisation that passes */
export function randomisationVerdict(
  steps: readonly RandomisationStep[],
  bound = MOST_SIMILAR,
): RandomisationVerdict {
  const similarity = steps.at(-1)?.similarity ?? Number.NaN;
  const verdict = Number.isNaN(similarity) ? "undecided" : similarity > bound ? "fails" : "passes";
  return { verdict, similarity, bound };
}
