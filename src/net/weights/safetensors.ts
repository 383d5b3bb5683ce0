/**
 * The safetensors format: 8 bytes of header length (little-endian), a JSON header, then the raw tensors.
 * Bytes in and out, nothing else. Reference: https://github.com/huggingface/safetensors ("Format").
 */
import { CellhueError } from "../../errors.js";
import type { Tensor, Tensors } from "../tensors.js";
import { type DType, elementReader, isDType, itemSize } from "./dtypes.js";
import { quoted, shapeText } from "./text.js";

/** The format's own bound on the header, in bytes. */
const MAX_HEADER = 100_000_000;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Whether the bytes begin as a safetensors file does: a header length that fits, then an opening brace. */
export function isSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < 9 || bytes[8] !== 0x7b) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  return length >= 2n && length <= BigInt(MAX_HEADER);
}

/**
 * Reads a safetensors file whole.
 * @param where names the file in errors
 * @returns the tensors as float32 in the header's order (integer-like names first, as JavaScript keeps them; integers
 *   and other floats are converted), and the metadata
 * @throws CellhueError for a header or an offset that the format does not allow, before any tensor is allocated
 */
export function readSafetensors(
  bytes: Uint8Array,
  where: string,
): { tensors: Tensors; metadata: Record<string, string> } {
  const fail: (found: string) => never = (found) => {
    throw new CellhueError("not a valid safetensors file", {
      where,
      found,
      remedy: "download or save the file again; this copy may be cut short",
    });
  };
  if (!isSafetensors(bytes)) fail("no safetensors header at its start");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  const dataStart = 8 + headerLength;
  if (dataStart > bytes.length) {
    fail(`a header of ${headerLength} bytes in a file of ${bytes.length} bytes`);
  }
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, dataStart)));
  } catch {
    fail("a header that is not JSON");
  }
  if (!isRecord(header)) fail("a header that is not a JSON object");

  const metadata: Record<string, string> = {};
  const entries: {
    name: string;
    dims: number[];
    dtype: DType;
    begin: number;
    end: number;
  }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (!isRecord(entry)) fail(`${quoted(name)} without a description`);
    if (name === "__metadata__") {
      for (const [key, value] of Object.entries(entry)) {
        if (typeof value !== "string") fail(`metadata ${quoted(key)} that is not text`);
        Object.defineProperty(metadata, key, { value, enumerable: true, configurable: true, writable: true });
      }
      continue;
    }
    const { dtype, shape, data_offsets: offsets } = entry;
    if (!isDType(dtype)) fail(`tensor ${quoted(name)} of type ${quoted(String(dtype))}, which is not read`);
    if (!Array.isArray(shape) || !shape.every(isSize)) fail(`tensor ${quoted(name)} without a valid shape`);
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
      fail(`tensor ${quoted(name)} without valid data_offsets`);
    }
    const [begin, end] = offsets as [number, number];
    const bytesNeeded = (shape as number[]).reduce((n, d) => n * d, itemSize(dtype));
    if (end - begin !== bytesNeeded) {
      fail(`tensor ${quoted(name)} of shape ${shapeText(shape)} in ${end - begin} bytes, not ${bytesNeeded}`);
    }
    entries.push({ name, dims: shape, dtype, begin, end });
  }
  // The tensors fill the rest of the file without a hole or an overlap, so what is allocated is bounded by the file.
  let at = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) fail(`a hole or an overlap before tensor ${quoted(name)}`);
    at = end;
  }
  if (dataStart + at !== bytes.length) {
    fail(`${bytes.length - dataStart} bytes of tensors where the header describes ${at}`);
  }

  const tensors: Tensors = new Map();
  for (const { name, dims, dtype, begin, end } of entries) {
    const size = itemSize(dtype);
    const read = elementReader(dtype);
    const data = new Float32Array((end - begin) / size);
    for (let i = 0; i < data.length; i++) data[i] = read(view, dataStart + begin + i * size);
    tensors.set(name, { dims, data });
  }
  return { tensors, metadata };
}

/**
 * Writes tensors as float32 in the map's order; the same input gives the same bytes.
 * Python's `safetensors` loads the result.
 */
export function writeSafetensors(tensors: Tensors, metadata: Record<string, string> = {}): Uint8Array {
  // Built by hand: a JavaScript object would move names such as "0" to the front.
  const fields: string[] = [];
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) {
    const pairs = keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`);
    fields.push(`"__metadata__":{${pairs.join(",")}}`);
  }
  let at = 0;
  for (const [name, { dims, data }] of tensors) {
    const count = dims.reduce((n, d) => n * d, 1);
    if (name === "__metadata__" || count !== data.length) {
      throw new RangeError(`writeSafetensors: ${name} of shape [${dims}] with ${data.length} values`);
    }
    fields.push(
      `${JSON.stringify(name)}:{"dtype":"F32","shape":[${dims.join(",")}],"data_offsets":[${at},${at + count * 4}]}`,
    );
    at += count * 4;
  }
  const header = new TextEncoder().encode(`{${fields.join(",")}}`);
  const headerLength = Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + at).fill(0x20, 8, 8 + headerLength);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(headerLength), true);
  bytes.set(header, 8);
  let offset = 8 + headerLength;
  for (const { data } of tensors.values() as Iterable<Tensor>) {
    for (let i = 0; i < data.length; i++, offset += 4) view.setFloat32(offset, data[i], true);
  }
  return bytes;
}
