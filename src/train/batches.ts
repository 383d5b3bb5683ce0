/**
 * Role: what a batch is: how many an epoch has, and images as bytes to what the networks read.
 * Contract: pure.
 */
import { areaOf, type ImageSize } from "../image-size.js";
import { type ImageSource, takeImages } from "../image-source.js";

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

/** The same from images that may have to be read first. */
export async function loadBatch(
  images: ImageSource,
  rows: ArrayLike<number>,
  size: ImageSize,
  into: Float32Array,
): Promise<void> {
  if (images instanceof Uint8Array) return fillBatch(images, rows, size, into);
  const taken = await takeImages(images, rows, areaOf(size) * 3);
  fillBatch(
    taken,
    Array.from(rows, (_, i) => i),
    size,
    into,
  );
}

/**
 * Batches of an epoch. Samples beyond the last full one make a batch of their own where they are at least a quarter of one:
 * the running statistics of batch norm give every batch the same weight, and those of two or three samples upset them. Fewer
 * are left out, other ones in every epoch, as its order is drawn anew.
 */
export function stepsPerEpoch(samples: number, batch: number): number {
  const full = Math.floor(samples / batch);
  const rest = samples - full * batch;
  const least = full === 0 ? 2 : Math.max(2, batch / 4);
  return rest >= least ? full + 1 : full;
}
