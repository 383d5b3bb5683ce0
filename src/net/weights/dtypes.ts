/**
 * Element types that weight files use, each read from little-endian bytes as a JavaScript number. What a float32
 * cannot hold (float64, int64) is rounded when it is stored; torch rounds the same way in `.float()`.
 */
export type DType =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "I64"
  | "I32"
  | "I16"
  | "I8"
  | "U64"
  | "U32"
  | "U16"
  | "U8"
  | "BOOL";

/** Reads the element at a byte offset. */
export type ElementReader = (view: DataView, at: number) => number;

const scratch = new DataView(new ArrayBuffer(4));

/** The value of an IEEE half-precision bit pattern. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function bfloat16ToNumber(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

const types: Record<DType, { size: number; read: ElementReader }> = {
  F64: { size: 8, read: (view, at) => view.getFloat64(at, true) },
  F32: { size: 4, read: (view, at) => view.getFloat32(at, true) },
  F16: { size: 2, read: (view, at) => halfToNumber(view.getUint16(at, true)) },
  BF16: { size: 2, read: (view, at) => bfloat16ToNumber(view.getUint16(at, true)) },
  I64: { size: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  I32: { size: 4, read: (view, at) => view.getInt32(at, true) },
  I16: { size: 2, read: (view, at) => view.getInt16(at, true) },
  I8: { size: 1, read: (view, at) => view.getInt8(at) },
  U64: { size: 8, read: (view, at) => Number(view.getBigUint64(at, true)) },
  U32: { size: 4, read: (view, at) => view.getUint32(at, true) },
  U16: { size: 2, read: (view, at) => view.getUint16(at, true) },
  U8: { size: 1, read: (view, at) => view.getUint8(at) },
  BOOL: { size: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
};

/** Bytes of one element. */
export const itemSize = (dtype: DType): number => types[dtype].size;

export const elementReader = (dtype: DType): ElementReader => types[dtype].read;

export const isDType = (name: unknown): name is DType =>
  typeof name === "string" && Object.hasOwn(types, name);
