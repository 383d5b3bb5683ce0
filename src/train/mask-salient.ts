/**
 * Role: the masked inputs of saliency-guided training: the least salient features of each sample are replaced, so that a
 * net that gives the same answer to both has learnt to ignore what its own gradient says does not matter.
 * Contract: pure. The share of a sample's D features whose gradient is smallest in size, rounded down to whole features
 * (of equal ones the first), gets other values: drawn evenly from each feature's range, as in the paper, or the training
 * mean (genes). A draw belongs to its feature, masked or not, so that a rounding error that swaps two features at the edge
 * changes these two alone. Features of an image are pixels × channels; the authors' code masks whole pixels, by the mean
 * of their channels' signed gradients.
 * Reference: Ismail, Corrada Bravo & Feizi 2021, "Improving deep learning interpretability by saliency guided training".
 */
import type { RandomState } from "../random.js";

/** What stands in the place of a masked feature. */
export type Replacement =
  | { readonly kind: "random"; readonly range: FeatureRange; readonly random: RandomState }
  | { readonly kind: "mean" /** One a feature. */; readonly mean: Float32Array };

export interface FeatureRange {
  /** The smallest and the greatest value of each feature. */
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/**
 * @param inputs samples × features, row-major
 * @param gradient of each sample's score by its features, of the same shape; signs do not matter
 * @param share of the features to mask, 0…1
 * @returns the masked inputs, a new array
 * @throws RangeError where shapes or the share do not fit
 */
export function maskLeastSalient(
  inputs: Float32Array,
  gradient: Float32Array,
  samples: number,
  share: number,
  replacement: Replacement,
): Float32Array {
  const features = checkShape(inputs, samples);
  if (gradient.length !== inputs.length)
    throw new RangeError(`maskLeastSalient: ${gradient.length} gradients of ${inputs.length} inputs`);
  if (!(share >= 0 && share <= 1))
    throw new RangeError(`maskLeastSalient: a share of ${share} is not in 0…1`);
  const given = replacement.kind === "mean" ? replacement.mean : replacement.range.low;
  if (given.length !== features)
    throw new RangeError(`maskLeastSalient: replacements for ${given.length} of ${features} features`);

  const count = Math.floor(share * features);
  const masked = inputs.slice();
  const sizes = new Float32Array(features);
  for (let i = 0; i < samples; i++) {
    const from = i * features;
    for (let j = 0; j < features; j++) sizes[j] = Math.abs(gradient[from + j]);
    const edge = count === 0 ? -1 : sizes.slice().sort()[count - 1];
    let atEdge = count; // of the features at the edge, how many are masked
    for (let j = 0; j < features; j++) if (sizes[j] < edge) atEdge--;
    for (let j = 0; j < features; j++) {
      const value = replacementOf(replacement, j);
      if (sizes[j] < edge || (sizes[j] === edge && atEdge-- > 0)) masked[from + j] = value;
    }
  }
  return masked;
}

function replacementOf(replacement: Replacement, feature: number): number {
  if (replacement.kind === "mean") return replacement.mean[feature];
  const { low, high } = replacement.range;
  return low[feature] + (high[feature] - low[feature]) * replacement.random.random();
}

/**
 * The range of each feature over a batch.
 * @param inputs samples × features, row-major; at least one sample
 * @throws RangeError where the shape does not fit
 */
export function featureRange(inputs: Float32Array, samples: number): FeatureRange {
  const features = checkShape(inputs, samples);
  const low = inputs.slice(0, features);
  const high = inputs.slice(0, features);
  for (let at = features; at < inputs.length; at++) {
    const feature = at % features;
    low[feature] = Math.min(low[feature], inputs[at]);
    high[feature] = Math.max(high[feature], inputs[at]);
  }
  return { low, high };
}

/** @returns features of a sample */
function checkShape(inputs: Float32Array, samples: number): number {
  const features = inputs.length / samples;
  if (!(samples > 0 && Number.isInteger(features)))
    throw new RangeError(`${inputs.length} inputs are not those of ${samples} samples`);
  return features;
}
