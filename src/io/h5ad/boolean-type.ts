/**
 * Booleans as h5py writes them: an enumeration FALSE = 0, TRUE = 1 over int8. h5wasm reads that type but cannot make it
 * (https://github.com/usnistgov/h5wasm/issues/22), so an int8 dataset that h5wasm has just written is given the type
 * in its object header: a longer datatype message, at the cost of the empty space (NIL message) that HDF5 leaves there.
 * Only headers of version 2 are changed, whose checksum is verified first: a header of any other make is refused.
 * Reference: HDF5 File Format Specification 3.0, IV.A.1.b "Version 2 Data Object Header Prefix", IV.A.2.d "Datatype".
 */
import { lookup3 } from "./lookup3.js";

/** Bytes from the address of a header that hold all of it, where it is a small dataset's. */
export const HEADER_BYTES = 1024;

const INT8 = [0x10, 0x08, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0];
/** Version 1, class 8 (enumeration), two members, 1 byte; the base type; names filled up to 8 bytes; values. */
const BOOLEAN = [0x18, 2, 0, 0, 1, 0, 0, 0, ...INT8, ...padded("FALSE"), ...padded("TRUE"), 0, 1];

function padded(name: string): number[] {
  return Array.from({ length: 8 }, (_, i) => (i < name.length ? name.charCodeAt(i) : 0));
}

const NIL = 0;
const DATATYPE = 3;

interface Message {
  type: number;
  /** Type, size, flags and, where the header has it, the order of creation. */
  head: Uint8Array;
  body: Uint8Array;
}

/**
 * @param bytes HEADER_BYTES (or all there are) from the header's address on
 * @returns the header with the boolean type, as many bytes as it had
 * @throws Error where it is not the header of an int8 dataset with the space that HDF5 leaves
 */
export function withBooleanType(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (why: string) => new Error(`HDF5 object header: ${why}`);
  if (bytes.length < 16 || view.getUint32(0) !== 0x4f484452 /* OHDR */ || bytes[4] !== 2)
    throw refuse("not of version 2");
  const flags = bytes[5];
  const sizeBytes = 1 << (flags & 3);
  let start = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const size = sizeBytes === 1 ? bytes[start] : sizeBytes === 2 ? view.getUint16(start, true) : 0;
  start += sizeBytes;
  const end = start + size;
  if (size === 0 || end + 4 > bytes.length) throw refuse("of an unexpected size");
  if (lookup3(bytes.subarray(0, end)) !== view.getUint32(end, true)) throw refuse("a wrong checksum");

  const headBytes = 4 + (flags & 4 ? 2 : 0);
  const messages: Message[] = [];
  let at = start;
  while (end - at >= headBytes) {
    const body = at + headBytes;
    const next = body + view.getUint16(at + 1, true);
    if (next > end) throw refuse("a message beyond its end");
    messages.push({ type: bytes[at], head: bytes.slice(at, body), body: bytes.slice(body, next) });
    at = next;
  }
  const type = messages.find((m) => m.type === DATATYPE);
  if (type === undefined || !INT8.every((b, i) => type.body[i] === b) || type.body.length !== INT8.length)
    throw refuse("not of an int8 dataset");
  const growth = BOOLEAN.length - INT8.length;
  const space = messages.find((m) => m.type === NIL && m.body.length >= growth);
  if (space === undefined) throw refuse("no space left in it");
  type.body = Uint8Array.from(BOOLEAN);
  space.body = space.body.slice(growth);

  const out = bytes.slice(0, end + 4);
  let to = start;
  for (const { head, body } of messages) {
    new DataView(head.buffer).setUint16(1, body.length, true);
    out.set(head, to);
    out.set(body, to + headBytes);
    to += headBytes + body.length;
  }
  new DataView(out.buffer).setUint32(end, lookup3(out.subarray(0, end)), true);
  return out;
}
