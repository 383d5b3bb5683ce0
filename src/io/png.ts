/**
 * PNG files, 8-bit RGB, lossless: decode(encode(x)) equals x. Read by sharp (libvips), loaded when first used.
 * Format: https://www.w3.org/TR/png-3/
 */
import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { CellhueError } from "../errors.js";

/** sharp is native code: `--help` must not pay for it. */
const sharp = async () => (await import("sharp")).default;

const deflated = promisify(deflate);
const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/**
 * Deflated by zlib on its own threads, in a third of the time that it takes by way of sharp's pipeline: preprocess writes one file a sample.
 * @param rgb height × width × 3, row-major
 * @returns the bytes of a PNG file; the same pixels give the same bytes
 */
export async function encodePng(rgb: Uint8Array, width: number, height: number): Promise<Buffer> {
  if (rgb.length !== width * height * 3)
    throw new RangeError(`encodePng: ${rgb.length} bytes are not ${width} × ${height} × 3`);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8); // bits a channel, RGB; deflate, adaptive filters and no interlace are 0
  const row = 3 * width;
  const lines = Buffer.alloc(height * (row + 1)); // before each row its filter: none
  for (let y = 0; y < height; y++) lines.set(rgb.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  const data = await deflated(lines);
  return Buffer.concat([
    signature,
    ...chunk("IHDR", header),
    ...chunk("IDAT", data),
    ...chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Length, type and data, checksum of both. */
function chunk(type: string, data: Uint8Array): Uint8Array[] {
  const ends = [Buffer.alloc(8), Buffer.alloc(4)];
  ends[0].writeUInt32BE(data.length, 0);
  ends[0].write(type, 4, "latin1");
  ends[1].writeUInt32BE(crc32(data, crc32(ends[0].subarray(4))), 0);
  return [ends[0], data, ends[1]];
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** PNG's checksum (ISO 3309); Node 20.15 and later have one of their own. */
function crc32(bytes: Uint8Array, before = 0): number {
  let c = ~before;
  for (const byte of bytes) c = crcTable[(c ^ byte) & 255] ^ (c >>> 8);
  return ~c >>> 0;
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
