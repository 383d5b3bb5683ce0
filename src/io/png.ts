/**
 * PNG in and out by sharp (libvips), loaded when first used. 8-bit RGB, lossless: decode(encode(x)) equals x.
 */
import { CellhueError } from "../errors.js";

/** sharp is native code: `--help` must not pay for it. */
const sharp = async () => (await import("sharp")).default;

/**
 * @param rgb height × width × 3, row-major
 * @returns the bytes of a PNG file; the same pixels give the same bytes
 */
export async function encodePng(rgb: Uint8Array, width: number, height: number): Promise<Buffer> {
  if (rgb.length !== width * height * 3)
    throw new RangeError(`encodePng: ${rgb.length} bytes are not ${width} × ${height} × 3`);
  return (await sharp())(rgb, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 6, palette: false })
    .toBuffer();
}

/**
 * Reads a PNG as RGB: grey is copied to three channels, transparency is dropped, 16 bits become 8.
 * @throws CellhueError where the bytes are not an image
 */
export async function decodePng(
  bytes: Uint8Array,
): Promise<{ width: number; height: number; rgb: Uint8Array }> {
  try {
    const image = (await sharp())(bytes).removeAlpha().toColourspace("srgb");
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels`);
    return { width: info.width, height: info.height, rgb: new Uint8Array(data) };
  } catch (cause) {
    throw new CellhueError("the image cannot be decoded", {
      found: cause instanceof Error ? cause.message : String(cause),
      expected: "a PNG file",
      cause,
    });
  }
}
