/**
 * Role: integrated gradients: the gradient along the straight way from a baseline to the input, times the way.
 * Contract: attributions as long as x; those of a sample sum to score(x) − score(baseline), but for the integration's
 * error, which is returned (`delta`).
 * Reference: Sundararajan, Taly & Yan 2017; captum's IntegratedGradients (Gauss–Legendre, 50 steps).
 */
import { sizeOf } from "../graph/graph.js";
import { gaussLegendre } from "./gauss-legendre.js";
import { eachGradient, samplesOf } from "./rows.js";
import type { ScoreModel } from "./score-model.js";

export interface IntegratedGradients {
  readonly attributions: Float32Array;
  /** Σ attributions − (score(x) − score(baseline)) of each sample. */
  readonly delta: Float64Array;
  /** score(x) − score(baseline) of each sample. */
  readonly difference: Float64Array;
}

/**
 * @param baseline one input: the training mean, of images in image space, of genes in gene space
 * @param steps gradients a sample
 */
export async function integratedGradients(
  model: ScoreModel,
  x: Float32Array,
  codes: ArrayLike<number>,
  baseline: Float32Array,
  steps = 50,
): Promise<IntegratedGradients> {
  const n = samplesOf(model, x, codes, baseline);
  const width = sizeOf(model.dims);
  const { nodes, weights } = gaussLegendre(steps);
  const mean = new Float64Array(n * width);
  await eachGradient(
    model,
    n * steps,
    (row, into) => {
      const from = Math.floor(row / steps) * width;
      const share = nodes[row % steps];
      for (let p = 0; p < width; p++) into[p] = baseline[p] + share * (x[from + p] - baseline[p]);
    },
    (row) => codes[Math.floor(row / steps)],
    (row, gradient) => {
      const from = Math.floor(row / steps) * width;
      const weight = weights[row % steps];
      for (let p = 0; p < width; p++) mean[from + p] += weight * gradient[p];
    },
  );
  const attributions = Float32Array.from(mean, (v, p) => v * (x[p] - baseline[p % width]));
  const [at, reference] = [await model.scores(x), await model.scores(baseline)];
  const difference = Float64Array.from(
    { length: n },
    (_, i) => at[i * model.classes + codes[i]] - reference[codes[i]],
  );
  return { attributions, difference, delta: completenessDelta(attributions, difference) };
}

/**
 * How far attributions are from complete: Σ attributions − (score(x) − score(baseline)) of each sample.
 * @param attributions n × size of one input
 * @param difference score(x) − score(baseline), n
 */
export function completenessDelta(attributions: Float32Array, difference: Float64Array): Float64Array {
  const width = attributions.length / difference.length;
  return difference.map((expected, i) => {
    let sum = 0;
    for (let p = i * width; p < (i + 1) * width; p++) sum += attributions[p];
    return sum - expected;
  });
}
