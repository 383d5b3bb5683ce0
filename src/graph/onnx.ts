/**
 * Role: writes and reads the ONNX file format (protobuf) for the subset that cellhue uses.
 * Contract: plain records in, bytes out; field numbers are those of onnx.proto (IR version 9).
 * Reference: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import protobuf from "protobufjs/minimal.js";
import { CellhueError } from "../errors.js";

export type ElementType = "float32" | "float64" | "int32" | "int64" | "bool" | "uint8";
export type TypedArray = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;
/** A size, or the name of one that is known only when the graph runs (e.g. the batch). */
export type Dim = number | string;

/** TensorProto.DataType */
export const dataTypes: Record<ElementType, number> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
};

export interface TensorRecord {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}
/** number and number[] are integers; floats are marked, since protobuf keeps them apart. */
export type Attribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: TensorRecord };
export interface NodeRecord {
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}
export interface ValueRecord {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly Dim[];
  /**
   * Held in onnxruntime's own layout (graph.ts), or as weights in that of kernel-layout.ts; dims are those of the plain value
   * all the same.
   */
  readonly blocked?: boolean | "kernels";
  /** A sequence of such tensors. */
  readonly sequence?: true;
}
export interface ModelRecord {
  readonly graphName: string;
  readonly nodes: readonly NodeRecord[];
  readonly inputs: readonly ValueRecord[];
  readonly outputs: readonly ValueRecord[];
  readonly initializers: readonly TensorRecord[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly producer: { readonly name: string; readonly version: string };
}

const OPSET = 18;
const IR_VERSION = 9;
const varint = 0;
const fixed32 = 5;
const bytes = 2;
type Writer = protobuf.Writer;
const tag = (w: Writer, field: number, wire: number): Writer => w.uint32((field << 3) | wire);

function nested(w: Writer, field: number, write: (w: Writer) => void): void {
  tag(w, field, bytes).fork();
  write(w);
  w.ldelim();
}

function writeTensor(w: Writer, t: TensorRecord): void {
  for (const d of t.dims) tag(w, 1, varint).int64(d);
  tag(w, 2, varint).int32(dataTypes[t.type]);
  if (t.name !== "") tag(w, 8, bytes).string(t.name);
  tag(w, 9, bytes).bytes(new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength));
}

function writeAttribute(w: Writer, name: string, value: Attribute): void {
  tag(w, 1, bytes).string(name);
  if (typeof value === "number") {
    tag(w, 3, varint).int64(value);
    tag(w, 20, varint).int32(2);
  } else if (typeof value === "string") {
    tag(w, 4, bytes).bytes(new TextEncoder().encode(value));
    tag(w, 20, varint).int32(3);
  } else if ("float" in value) {
    tag(w, 2, fixed32).float(value.float);
    tag(w, 20, varint).int32(1);
  } else if ("floats" in value) {
    for (const x of value.floats) tag(w, 7, fixed32).float(x);
    tag(w, 20, varint).int32(6);
  } else if ("tensor" in value) {
    nested(w, 5, (u) => writeTensor(u, value.tensor));
    tag(w, 20, varint).int32(4);
  } else {
    for (const i of value) tag(w, 8, varint).int64(i);
    tag(w, 20, varint).int32(7);
  }
}

function writeValue(w: Writer, v: ValueRecord): void {
  tag(w, 1, bytes).string(v.name);
  if (v.sequence) {
    const element = (of: Writer) =>
      nested(of, 1, (tensor) => tag(tensor, 1, varint).int32(dataTypes[v.type]));
    nested(w, 2, (type) => nested(type, 4, (sequence) => nested(sequence, 1, element)));
    return;
  }
  nested(w, 2, (type) =>
    nested(type, 1, (tensor) => {
      tag(tensor, 1, varint).int32(dataTypes[v.type]);
      nested(tensor, 2, (shape) => {
        for (const d of v.dims)
          nested(shape, 1, (dim) => {
            if (typeof d === "number") tag(dim, 1, varint).int64(d);
            else tag(dim, 2, bytes).string(d);
          });
      });
    }),
  );
}

/** Encodes a model; the bytes depend on the record alone. */
export function encodeModel(model: ModelRecord): Uint8Array {
  const w = protobuf.Writer.create();
  tag(w, 1, varint).int64(IR_VERSION);
  tag(w, 2, bytes).string(model.producer.name);
  tag(w, 3, bytes).string(model.producer.version);
  nested(w, 7, (g) => {
    for (const n of model.nodes)
      nested(g, 1, (u) => {
        for (const i of n.inputs) tag(u, 1, bytes).string(i);
        for (const o of n.outputs) tag(u, 2, bytes).string(o);
        tag(u, 4, bytes).string(n.opType);
        for (const [name, value] of Object.entries(n.attributes))
          nested(u, 5, (a) => writeAttribute(a, name, value));
        if (n.domain !== "") tag(u, 7, bytes).string(n.domain);
      });
    tag(g, 2, bytes).string(model.graphName);
    for (const t of model.initializers) nested(g, 5, (u) => writeTensor(u, t));
    for (const v of model.inputs) nested(g, 11, (u) => writeValue(u, v));
    for (const v of model.outputs) nested(g, 12, (u) => writeValue(u, v));
  });
  const domains: [string, number][] = [["", OPSET]];
  if (model.nodes.some((n) => n.domain === "com.microsoft")) domains.push(["com.microsoft", 1]);
  for (const [domain, version] of domains)
    nested(w, 8, (u) => {
      if (domain !== "") tag(u, 1, bytes).string(domain);
      tag(u, 2, varint).int64(version);
    });
  for (const [key, value] of Object.entries(model.metadata))
    nested(w, 14, (u) => {
      tag(u, 1, bytes).string(key);
      tag(u, 2, bytes).string(value);
    });
  return w.finish();
}

/** Reads the metadata (string → string) of an ONNX file without decoding its graph. */
export function readMetadata(file: Uint8Array, where: string): Map<string, string> {
  const found = new Map<string, string>();
  let graph = false;
  try {
    const r = protobuf.Reader.create(file);
    while (r.pos < r.len) {
      const key = r.uint32();
      graph ||= key === ((7 << 3) | bytes);
      if (key !== ((14 << 3) | bytes)) {
        r.skipType(key & 7);
        continue;
      }
      const end = r.uint32() + r.pos;
      let name = "";
      let value = "";
      while (r.pos < end) {
        const inner = r.uint32();
        if (inner >>> 3 === 1) name = r.string();
        else if (inner >>> 3 === 2) value = r.string();
        else r.skipType(inner & 7);
      }
      found.set(name, value);
    }
    if (!graph) throw new Error("no graph in it");
  } catch (cause) {
    throw new CellhueError("not a readable ONNX file", {
      where,
      found: cause instanceof Error ? cause.message : String(cause),
      expected: "an .onnx model",
      remedy: "copy the file again; this one may be cut short",
      cause,
    });
  }
  return found;
}

/** A part of a protobuf message: its field, and the message in it (empty where it is none). */
function* fields(message: Uint8Array): Generator<{ field: number; value: number; content: Uint8Array }> {
  const r = protobuf.Reader.create(message);
  while (r.pos < r.len) {
    const key = r.uint32();
    if ((key & 7) === bytes) yield { field: key >>> 3, value: 0, content: r.bytes() };
    else if ((key & 7) === varint)
      yield { field: key >>> 3, value: Number(r.uint64()), content: new Uint8Array(0) };
    else r.skipType(key & 7);
  }
}

const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;
const isElsewhere = (tensor: Uint8Array): boolean =>
  [...fields(tensor)].some((t) => t.field === EXTERNAL_DATA || (t.field === DATA_LOCATION && t.value !== 0));

/**
 * A model file comes from somebody else, and a graph is a program. This finds what none of ours has: loops and branches
 * (which need not end), functions, operators of others, tensors that are read from other files.
 * @returns what it is, null where the graph is plain
 * @throws where the bytes are no protobuf
 */
export function foreignPart(file: Uint8Array): string | null {
  for (const part of fields(file)) {
    if (part.field === 20) return "a graph for training";
    if (part.field === 25) return "functions";
    if (part.field !== 7) continue;
    for (const { field, content } of fields(part.content)) {
      if (field === 15) return "sparse tensors";
      if (field === 5 && isElsewhere(content)) return "a tensor that is in another file";
      const found = field === 1 ? foreignNode(content) : null;
      if (found !== null) return found;
    }
  }
  return null;
}

function foreignNode(node: Uint8Array): string | null {
  const text = new TextDecoder();
  const parts = [...fields(node)];
  const op = text.decode(parts.find(({ field }) => field === 4)?.content);
  const domain = text.decode(parts.find(({ field }) => field === 7)?.content);
  const isOurs =
    domain === "" || domain === "ai.onnx" || (domain === "com.microsoft" && op === "FusedMatMul");
  if (!isOurs) return `an operator of ${domain}: ${op}`;
  for (const { field, content } of parts) {
    if (field !== 5) continue;
    for (const attribute of fields(content)) {
      if (attribute.field === 6 || attribute.field === 11) return `a graph within the graph: ${op}`;
      const isTensor = attribute.field === 5 || attribute.field === 10;
      if (isTensor && isElsewhere(attribute.content)) return "a tensor that is in another file";
    }
  }
  return null;
}
