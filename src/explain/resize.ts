/**
 * Role: bilinear resize of maps, as torch.nn.functional.interpolate(mode="bilinear", align_corners=False).
 * Contract: pure; n×h×w → n×H×W. Pixel centres lie at halves; beyond the outermost ones values are held.
 */
import { areaOf, type ImageSize } from "../image-size.js";

export function resizeBilinear(maps: Float32Array, n: number, from: ImageSize, to: ImageSize): Float32Array {
  const rows = weightsOf(from.height, to.height);
  const columns = weightsOf(from.width, to.width);
  const [source, target] = [areaOf(from), areaOf(to)];
  const out = new Float32Array(n * target);
  for (let i = 0; i < n; i++)
    for (let r = 0; r < to.height; r++) {
      const [top, bottom, down] = rows[r];
      for (let c = 0; c < to.width; c++) {
        const [left, right, across] = columns[c];
        const at = (row: number, column: number) => maps[i * source + row * from.width + column];
        const upper = at(top, left) * (1 - across) + at(top, right) * across;
        const lower = at(bottom, left) * (1 - across) + at(bottom, right) * across;
        out[i * target + r * to.width + c] = upper * (1 - down) + lower * down;
      }
    }
  return out;
}

/** Of each target index: the two source indices that it lies between, and the share of the second. */
function weightsOf(from: number, to: number): [number, number, number][] {
  return Array.from({ length: to }, (_, i) => {
    const place = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const first = Math.min(Math.floor(place), from - 1);
    return [first, Math.min(first + 1, from - 1), place - first];
  });
}
