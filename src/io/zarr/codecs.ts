/**
 * Bounds around zarrita's decompressors: a chunk may not unpack to more than its shape says, and what it says is looked up
 * in the compressed bytes before anything is allocated. gzip and zlib are Node's own, which stop at a given length and
 * check the checksum.
 */
import { gunzipSync, inflateSync } from "node:zlib";
import type { registry as Registry } from "zarrita";
import { SMALL } from "../limits.js";

type CodecEntry = Awaited<ReturnType<NonNullable<ReturnType<(typeof Registry)["get"]>>>>;
interface Meta {
  dataType: string;
  shape: readonly number[];
}
interface BytesCodec {
  kind: "bytes_to_bytes";
  encode(data: Uint8Array): Promise<Uint8Array>;
  decode(data: Uint8Array): Promise<Uint8Array> | Uint8Array;
}

const bounded = new WeakSet<object>();

/** Puts the bounds into zarrita's registry of codecs, once. */
export function boundCodecs(registry: typeof Registry): void {
  if (bounded.has(registry)) return;
  bounded.add(registry);
  for (const [id, inflate] of [
    ["gzip", gunzipSync],
    ["zlib", inflateSync],
  ] as const) {
    const codec = {
      fromConfig: (_: unknown, meta: Meta): BytesCodec => ({
        kind: "bytes_to_bytes",
        encode: readOnly,
        // a copy of its own: Node cuts small buffers out of a shared one
        decode: (data) => new Uint8Array(inflate(data, { maxOutputLength: mostBytes(meta) })),
      }),
    };
    for (const name of [id, `numcodecs.${id}`])
      registry.set(name, async () => codec as unknown as CodecEntry);
  }
  for (const [id, claim] of [
    ["blosc", claimOfBlosc],
    ["lz4", claimOfLz4],
    ["zstd", claimOfZstd],
  ] as const) {
    const load = registry.get(id);
    if (load === undefined) throw new Error(`zarrita has no codec '${id}'`);
    const wrapped = async () => {
      const inner = (await load()) as unknown as { fromConfig(config: unknown, meta: Meta): BytesCodec };
      return {
        fromConfig(config: unknown, meta: Meta): BytesCodec {
          const codec = inner.fromConfig(config, meta);
          return {
            kind: "bytes_to_bytes",
            encode: readOnly,
            decode(data) {
              const claimed = claim(data);
              if (claimed === null) throw new Error(`a chunk that is not ${id}`);
              if (claimed > mostBytes(meta)) throw new Error(`a chunk of ${claimed} bytes`);
              return codec.decode(data);
            },
          };
        },
      } as unknown as CodecEntry;
    };
    for (const name of [id, `numcodecs.${id}`]) registry.set(name, wrapped);
  }
}

function readOnly(): never {
  throw new Error("zarr is read, not written");
}

/** What a chunk may unpack to: its shape says, a little more for checksums; text may be of any length up to SMALL. */
function mostBytes({ dataType, shape }: Meta): number {
  const bits = /^(?:u?int|float)(\d+)$/.exec(dataType);
  const text = /^v2:([US])(\d+)$/.exec(dataType);
  const each = bits
    ? Number(bits[1]) / 8
    : text
      ? (text[1] === "U" ? 4 : 1) * Number(text[2])
      : dataType === "bool"
        ? 1
        : null;
  return each === null ? SMALL : shape.reduce((a, b) => a * b, each) + 64;
}

const u32 = (data: Uint8Array, at: number) =>
  (data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24)) >>> 0;

/** Blosc 1: a header of 16 bytes, unpacked and packed size in it. */
function claimOfBlosc(data: Uint8Array): number | null {
  return data.length < 16 || u32(data, 12) > data.length ? null : u32(data, 4);
}

/** numcodecs' lz4: the unpacked size, then the block. */
function claimOfLz4(data: Uint8Array): number | null {
  return data.length < 5 ? null : u32(data, 0);
}

/** Zstandard's frame header (RFC 8878, 3.1.1.1). A size that is not told counts as 0: the decoder then stops by itself. */
function claimOfZstd(data: Uint8Array): number | null {
  if (data.length < 6 || u32(data, 0) !== 0xfd2fb528) return null;
  const descriptor = data[4];
  const single = (descriptor >> 5) & 1;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3];
  const width = [single, 2, 4, 8][descriptor >> 6];
  if (at + width > data.length) return null;
  if (width === 0) return 0;
  if (width === 1) return data[at];
  if (width === 2) return 256 + data[at] + 256 * data[at + 1];
  return u32(data, at) + (width === 8 ? u32(data, at + 4) * 2 ** 32 : 0);
}
