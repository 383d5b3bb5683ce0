/**
 * Role: occlusion: how far a class score falls when part of the input is set to a baseline.
 * Contract: a part (`Region`) is a list of positions in one flat input: a window of the image in all channels, or genes.
 * References: Zeiler & Fergus 2014; captum's Occlusion.
 */
import { sizeOf } from "../graph/graph.js";
import { areaOf, type ImageSize } from "../image-size.js";
import { eachScore, samplesOf } from "./rows.js";
import type { ScoreModel } from "./score-model.js";

export type Region = ArrayLike<number>;

/**
 * @param baseline one input: the training mean
 * @returns n × regions: score(x) − score(x with the region at the baseline)
 */
export async function occlusion(
  model: ScoreModel,
  x: Float32Array,
  codes: ArrayLike<number>,
  baseline: Float32Array,
  regions: readonly Region[],
): Promise<Float32Array> {
  const n = samplesOf(model, x, codes, baseline);
  const width = sizeOf(model.dims);
  const whole = await model.scores(x);
  const out = new Float32Array(n * regions.length);
  const sampleOf = (row: number) => Math.floor(row / regions.length);
  await eachScore(
    model,
    out.length,
    (row, into) => {
      const from = sampleOf(row) * width;
      into.set(x.subarray(from, from + width));
      const region = regions[row % regions.length];
      for (let j = 0; j < region.length; j++) into[region[j]] = baseline[region[j]];
    },
    (row) => codes[sampleOf(row)],
    (row, score) => {
      out[row] = whole[sampleOf(row) * model.classes + codes[sampleOf(row)]] - score;
    },
  );
  return out;
}

export interface Windows {
  /** Side of the square window in pixels. */
  readonly side: number;
  readonly stride: number;
}

/** Pixels of each window that slides over an image; those of the last row and column may reach over the border. */
export function windows({ height, width }: ImageSize, { side, stride }: Windows): Int32Array[] {
  if (!(side >= 1 && stride >= 1 && stride <= side))
    throw new RangeError(`occlusion: a window of ${side} at a stride of ${stride} does not cover the image`);
  const starts = (length: number) =>
    Array.from({ length: Math.ceil(Math.max(0, length - side) / stride) + 1 }, (_, i) => i * stride);
  return starts(height).flatMap((top) =>
    starts(width).map((left) => {
      const rows = Math.min(side, height - top);
      const columns = Math.min(side, width - left);
      return Int32Array.from(
        { length: rows * columns },
        (_, p) => (top + Math.floor(p / columns)) * width + left + (p % columns),
      );
    }),
  );
}

/**
 * Occlusion by a sliding window, all channels together.
 * @returns n×H×W: the mean over the windows that cover a pixel
 */
export async function imageOcclusion(
  model: ScoreModel,
  x: Float32Array,
  codes: ArrayLike<number>,
  baseline: Float32Array,
  options: Windows,
): Promise<Float32Array> {
  if (model.dims.length !== 3) throw new RangeError("imageOcclusion: the input is no image");
  const area = areaOf(model.image);
  const pixels = windows(model.image, options);
  const regions = pixels.map((window) =>
    Int32Array.from({ length: 3 * window.length }, (_, p) => area * (p % 3) + window[Math.floor(p / 3)]),
  );
  const falls = await occlusion(model, x, codes, baseline, regions);
  const covered = new Float64Array(area);
  for (const window of pixels) for (const p of window) covered[p] += 1;
  const sum = new Float64Array(codes.length * area);
  for (let i = 0; i < codes.length; i++)
    pixels.forEach((window, w) => {
      for (const p of window) sum[i * area + p] += falls[i * pixels.length + w];
    });
  return Float32Array.from(sum, (v, p) => v / covered[p % area]);
}
