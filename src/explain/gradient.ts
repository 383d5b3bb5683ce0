/**
 * Role: the gradient of a class score by the input, and gradient × input.
 * Contract: attributions as long as x, signed; the absolute gradient is the saliency of Simonyan et al.
 * References: Simonyan, Vedaldi & Zisserman 2014; Shrikumar et al. 2016; captum's Saliency and InputXGradient.
 */
import { samplesOf } from "./rows.js";
import type { ScoreModel } from "./score-model.js";

/** d score / d input of each sample's class: how steeply the score rises with each entry. */
export async function gradientAttribution(
  model: ScoreModel,
  x: Float32Array,
  codes: ArrayLike<number>,
): Promise<Float32Array> {
  samplesOf(model, x, codes);
  return (await model.gradient(x, codes)).gradient;
}

/**
 * (input − baseline) · gradient: to first order, what each entry's difference from the baseline gives the score.
 * @param baseline one input; default 0, as captum has it. Of genes the training mean is the natural zero.
 */
export async function gradientTimesInput(
  model: ScoreModel,
  x: Float32Array,
  codes: ArrayLike<number>,
  baseline?: Float32Array,
): Promise<Float32Array> {
  samplesOf(model, x, codes, baseline);
  const { gradient } = await model.gradient(x, codes);
  return timesDifference(gradient, x, baseline);
}

/** Attributions times the difference of each entry from the baseline (default 0). */
export function timesDifference(
  attributions: Float32Array,
  x: Float32Array,
  baseline?: Float32Array,
): Float32Array {
  return attributions.map((a, p) => a * (x[p] - (baseline?.[p % baseline.length] ?? 0)));
}
