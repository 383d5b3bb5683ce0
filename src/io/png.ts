/**
 * PNG files, 8-bit RGB, lossless: decode(encode(x)) equals x. Read by fast-png, loaded when first used.
 * Format: https://www.w3.org/TR/png-3/
 */
import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { CellhueError } from "../errors.js";

const deflated = promisify(deflate);
const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
/** Images are of 1,024 pixels a side at most. */
const MOST_PIXELS = 2 ** 22;

/**
 * Deflated by Node's zlib on its own threads: preprocess writes one file a sample, and that takes a third of the time of
 * libvips, and fast-png has but one thread.
 * @param rgb height × width × 3, row-major
 * @param dpi pixels an inch, which the file then states
 * @returns the bytes of a PNG file; the same pixels give the same bytes
 */
export async function encodePng(
  rgb: Uint8Array,
  width: number,
  height: number,
  dpi?: number,
): Promise<Buffer> {
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
    ...(dpi === undefined ? [] : chunk("pHYs", density(dpi))),
    ...chunk("IDAT", data),
    ...chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Pixels a metre across and down. */
function density(dpi: number): Buffer {
  const data = Buffer.alloc(9, 1); // the last byte: metres
  for (const at of [0, 4]) data.writeUInt32BE(Math.round(dpi / 0.0254), at);
  return data;
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
  const { convertIndexedToRgb, decode } = await import("fast-png");
  try {
    // a small file can claim a giant picture
    const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!signature.equals(file.subarray(0, 8)) || file.length < 33) throw new Error("not PNG's signature");
    const [across, down] = [file.readUInt32BE(16), file.readUInt32BE(20)];
    if (across * down > MOST_PIXELS) throw new Error(`an image of ${across} × ${down} pixels`);
    const image = decode(bytes);
    const { width, height, depth, palette } = image;
    if (depth < 8 && !palette) throw new Error(`${depth} bits a pixel`);
    const data = palette ? convertIndexedToRgb(image) : image.data;
    const channels = data.length / (width * height);
    const grey = channels < 3;
    const rgb = new Uint8Array(width * height * 3);
    for (let p = 0; p < width * height; p++)
      for (let c = 0; c < 3; c++)
        rgb[3 * p + c] = data[p * channels + (grey ? 0 : c)] >> (data instanceof Uint16Array ? 8 : 0);
    return { width, height, rgb };
  } catch (cause) {
    throw new CellhueError("the image cannot be decoded", {
      found: cause instanceof Error ? cause.message : String(cause),
      expected: "a PNG file",
      cause,
    });
  }
}
