/**
 * Role: the published saliency map: |d score / d input|, maximum over the channels (METHOD §3).
 * Contract: pure; gradient n×3×H×W → one map of H×W a sample.
 */
import { areaOf, type ImageSize } from "../image-size.js";

export function saliencyMaps(gradient: Float32Array, n: number, size: ImageSize): Float32Array[] {
  const area = areaOf(size);
  return Array.from({ length: n }, (_, i) => {
    const from = i * 3 * area;
    return Float32Array.from({ length: area }, (_, p) =>
      Math.max(
        Math.abs(gradient[from + p]),
        Math.abs(gradient[from + area + p]),
        Math.abs(gradient[from + 2 * area + p]),
      ),
    );
  });
}
