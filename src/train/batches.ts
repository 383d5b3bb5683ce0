/** Role: images as bytes to batches as the networks read them. Contract: pure; no copies but the batch itself. */
import { areaOf, type ImageSize } from "../image-size.js";

/**
 * @param images n images of height × width × 3 bytes (RGB, row-major, as PNGs hold them), one after another
 * @param rows which images, in this order
 * @param into rows.length × 3 × height × width; values 0…1 (byte / 255), as torchvision's ToTensor
 */
export function fillBatch(
  images: Uint8Array,
  rows: ArrayLike<number>,
  size: ImageSize,
  into: Float32Array,
): void {
  const area = areaOf(size);
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i] * area * 3;
    const to = i * area * 3;
    for (let p = 0; p < area; p++) {
      into[to + p] = images[from + 3 * p] / 255;
      into[to + area + p] = images[from + 3 * p + 1] / 255;
      into[to + 2 * area + p] = images[from + 3 * p + 2] / 255;
    }
  }
}
