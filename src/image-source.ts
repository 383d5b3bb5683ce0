/** Images of samples, RGB as bytes: all in memory, or read by number where they are too many for that. */
export interface StoredImages {
  /** @returns rows.length × height × width × 3 bytes, in this order */
  read(rows: ArrayLike<number>): Promise<Uint8Array>;
}

/** Held: n × height × width × 3 bytes. */
export type ImageSource = Uint8Array | StoredImages;

/**
 * The images of these samples, in this order.
 * @param bytes of one image
 */
export async function takeImages(
  images: ImageSource,
  rows: ArrayLike<number>,
  bytes: number,
): Promise<Uint8Array> {
  if (!(images instanceof Uint8Array)) return images.read(rows);
  const taken = new Uint8Array(rows.length * bytes);
  for (let i = 0; i < rows.length; i++)
    taken.set(images.subarray(rows[i] * bytes, (rows[i] + 1) * bytes), i * bytes);
  return taken;
}
