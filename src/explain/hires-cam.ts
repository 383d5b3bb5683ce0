/**
 * Role: HiResCAM: what each place of the last feature map gives the class score.
 * Contract: n×H×W, signed, resized from the feature map's h×w. Where one linear layer, pooled or flattened, is all that
 * follows the feature map, the places of the small map sum to the score but for the layer's bias, whatever the weights.
 *
 * Why this refinement: Grad-CAM averages a channel's gradient over the places first, so that under a flattened head, whose
 * gradient differs from place to place, it shows places that the net did not use; HiResCAM is exact there. Under a pooled
 * head the two are the same but for Grad-CAM's cut at 0. LayerCAM and Grad-CAM++ drop negative gradients and so sum to
 * nothing that could be checked; they pay for shallow layers, of which no map is taken here.
 * Reference: Draelos & Carin 2020; captum's LayerGradientXActivation summed over the channels.
 */
import { resizeBilinear } from "./resize.js";
import { samplesOf } from "./rows.js";
import type { ScoreModel } from "./score-model.js";

export async function hiResCam(
  model: ScoreModel,
  x: Float32Array,
  codes: ArrayLike<number>,
): Promise<Float32Array> {
  const n = samplesOf(model, x, codes);
  const { dims, features, gradient } = await model.features(x, codes);
  const [channels, height, width] = dims;
  const area = height * width;
  const maps = new Float64Array(n * area);
  for (let p = 0; p < features.length; p++)
    maps[Math.floor(p / (channels * area)) * area + (p % area)] += features[p] * gradient[p];
  return resizeBilinear(Float32Array.from(maps), n, { height, width }, model.image);
}
