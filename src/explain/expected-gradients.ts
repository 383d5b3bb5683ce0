/**
 * Role: expected gradients: integrated gradients averaged over training samples as baselines, each with one random point of
 * its way. No single baseline needs to be defended.
 * Contract: attributions as long as x; their sum tends to score(x) − mean score of the training samples as draws grow.
 * Draws are a function of the sample alone.
 * Reference: Erion et al. 2021; captum's GradientShap without noise.
 */
import { sizeOf } from "../graph/graph.js";
import type { RandomState } from "../random.js";
import { eachGradient, type Rows, samplesOf } from "./rows.js";
import type { ScoreModel } from "./score-model.js";

export interface ExpectedGradientsOptions {
  /** Training samples drawn for a sample, with replacement. */
  readonly draws: number;
  /** The random state of a sample. */
  readonly random: (sample: number) => RandomState;
}

/** @param training inputs of the model, one a training sample */
export async function expectedGradients(
  model: ScoreModel,
  x: Float32Array,
  codes: ArrayLike<number>,
  training: Rows,
  { draws, random }: ExpectedGradientsOptions,
): Promise<Float32Array> {
  const n = samplesOf(model, x, codes);
  if (!(draws >= 1) || !(training.count >= 1))
    throw new RangeError(`expectedGradients: ${draws} draws of ${training.count} training samples`);
  const width = sizeOf(model.dims);
  const sum = new Float64Array(n * width);
  const sampleOf = (row: number) => Math.floor(row / draws);
  const reference = new Float32Array(width);
  // The ways of the inputs that the model has not seen yet, a batch at most.
  const ways: Float32Array[] = [];
  let state: RandomState;
  await eachGradient(
    model,
    n * draws,
    (row, into) => {
      if (row % draws === 0) state = random(sampleOf(row));
      training.fill(state.interval(training.count - 1), reference);
      const share = state.random();
      const from = sampleOf(row) * width;
      const way = reference.map((v, p) => x[from + p] - v);
      for (let p = 0; p < width; p++) into[p] = reference[p] + share * way[p];
      ways.push(way);
    },
    (row) => codes[sampleOf(row)],
    (row, gradient) => {
      const way = ways.shift() as Float32Array;
      const from = sampleOf(row) * width;
      for (let p = 0; p < width; p++) sum[from + p] += gradient[p] * way[p];
    },
  );
  return Float32Array.from(sum, (v) => v / draws);
}
