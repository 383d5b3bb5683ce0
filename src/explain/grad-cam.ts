/**
 * Role: Grad-CAM: where in the image the last feature map speaks for a class.
 * Contract: n×H×W, never negative, resized from the feature map's h×w: a map of 128 px has 4×4 independent places.
 * Reference: Selvaraju et al. 2017; captum's LayerGradCam(relu_attributions=True) and LayerAttribution.interpolate.
 */
import { resizeBilinear } from "./resize.js";
import { samplesOf } from "./rows.js";
import type { ScoreModel } from "./score-model.js";

export async function gradCam(
  model: ScoreModel,
  x: Float32Array,
  codes: ArrayLike<number>,
): Promise<Float32Array> {
  const n = samplesOf(model, x, codes);
  const { dims, features, gradient } = await model.features(x, codes);
  const [channels, height, width] = dims;
  const area = height * width;
  const maps = new Float32Array(n * area);
  for (let i = 0; i < n; i++) {
    const sum = new Float64Array(area);
    for (let c = 0; c < channels; c++) {
      const from = (i * channels + c) * area;
      let weight = 0;
      for (let p = 0; p < area; p++) weight += gradient[from + p] / area;
      for (let p = 0; p < area; p++) sum[p] += weight * features[from + p];
    }
    for (let p = 0; p < area; p++) maps[i * area + p] = Math.max(0, sum[p]);
  }
  return resizeBilinear(maps, n, { height, width }, model.image);
}
