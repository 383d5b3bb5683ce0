/**
 * Role: SmoothGrad: the mean gradient over noisy copies of the input.
 * Contract: attributions as long as x. Noise is a function of the sample alone, drawn from its own random state.
 * Reference: Smilkov et al. 2017; captum's NoiseTunnel(Saliency, abs=False), type "smoothgrad".
 */
import { sizeOf } from "../graph/graph.js";
import type { RandomState } from "../random.js";
import { eachGradient, samplesOf } from "./rows.js";
import type { ScoreModel } from "./score-model.js";

export interface SmoothGradOptions {
  /** Noisy copies a sample. */
  readonly draws: number;
  /** Standard deviation of the noise, in units of the input: of all entries, or of each. */
  readonly sd: number | Float32Array;
  /** The random state of a sample, e.g. `(i) => new RandomState([seed, row of sample i])`. */
  readonly random: (sample: number) => RandomState;
}

export async function smoothGrad(
  model: ScoreModel,
  x: Float32Array,
  codes: ArrayLike<number>,
  { draws, sd, random }: SmoothGradOptions,
): Promise<Float32Array> {
  const n = samplesOf(model, x, codes, typeof sd === "number" ? undefined : sd);
  if (!(draws >= 1)) throw new RangeError(`smoothGrad: ${draws} draws`);
  const width = sizeOf(model.dims);
  const sum = new Float64Array(n * width);
  const sampleOf = (row: number) => Math.floor(row / draws);
  let state: RandomState;
  await eachGradient(
    model,
    n * draws,
    (row, into) => {
      if (row % draws === 0) state = random(sampleOf(row));
      const from = sampleOf(row) * width;
      for (let p = 0; p < width; p++)
        into[p] = x[from + p] + (typeof sd === "number" ? sd : sd[p]) * state.standardNormal();
    },
    (row) => codes[sampleOf(row)],
    (row, gradient) => {
      const from = sampleOf(row) * width;
      for (let p = 0; p < width; p++) sum[from + p] += gradient[p];
    },
  );
  return Float32Array.from(sum, (v) => v / draws);
}
