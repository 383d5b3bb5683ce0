/**
 * Role: builds an ONNX graph node by node and keeps, beside it, the tape from which `gradients` differentiates.
 * Contract: a Value is a name with a type and dims; ops append nodes and return Values. An op that can be
 * differentiated records a vector–Jacobian product (`record`); the files in ops/ hold forward and backward together.
 * Values with symbolic dims (strings) run forward; differentiation needs numbers. Feature maps may be held in onnxruntime's
 * own layout ("blocked": N × C/b × H × W × b, where b channels fill a vector register), and weights of convolutions in that of
 * kernel-layout.ts; only ops that say so take them.
 */

import {
  type Attribute,
  type Dim,
  type ElementType,
  encodeModel,
  type NodeRecord,
  type TensorRecord,
  type TypedArray,
  type ValueRecord,
} from "./onnx.js";
import { simplified } from "./simplify.js";

export type { Attribute, Dim, ElementType, TypedArray } from "./onnx.js";
export type Value = ValueRecord;

/** Operators of the blocked layout. */
export const nchwc = "com.microsoft.nchwc";

interface OpOptions {
  domain?: string;
  type?: ElementType;
  /** The layout of the output, from an op that takes blocked values; left out, it takes none. */
  blocked?: boolean | "kernels";
}

/** A gradient that adds itself to what has come by other ways so far, in one pass. */
export type Adding = (sofar: Value | undefined) => Value;

/**
 * Vector–Jacobian product of one recorded op.
 * @param outputGrads gradient of the loss by each output, undefined where the loss does not depend on it
 * @param needed which inputs want a gradient (others may be left undefined)
 */
export type Vjp = (
  outputGrads: readonly (Value | undefined)[],
  needed: readonly boolean[],
) => (Value | Adding | undefined)[];

export interface TapeEntry {
  readonly what: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly vjp: Vjp;
}

export class Graph {
  readonly nodes: NodeRecord[] = [];
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  readonly tape: TapeEntry[] = [];
  private readonly initializers: TensorRecord[] = [];
  private readonly exposed: string[] = [];
  private readonly shared = new Map<string, Value>();
  /** Dims of what is computed, by name, where they are those of the storage. */
  private readonly sizes = new Map<string, string>();
  /** Constants of `ints`, by name. */
  private readonly shapes = new Map<string, readonly number[]>();
  private count = 0;

  /**
   * @param block channels in a block of onnxruntime's own layout on this processor (`channelBlock` of session.ts), for
   * graphs that run here and now; 1 keeps to standard operators, as files must
   */
  constructor(
    readonly name = "cellhue",
    readonly block = 1,
  ) {}

  private fresh(prefix: string): string {
    this.count += 1;
    return `${prefix}_${this.count}`;
  }

  /**
   * A value fed at run time.
   * @param kernels a weight of a dense convolution that is fed in the order of kernel-layout.ts
   */
  input(name: string, dims: readonly Dim[], type: ElementType = "float32", kernels = false): Value {
    const value: Value = { name, type, dims, ...(kernels && { blocked: "kernels" }) };
    this.sizes.set(name, dims.join());
    this.inputs.push(value);
    return value;
  }

  /** A named tensor stored in the graph (weights of a model file). The data is not copied. */
  initializer(name: string, data: TypedArray, dims: readonly number[]): Value {
    const type = elementType(data);
    // onnxruntime would take one of the two without a word where their shapes agree.
    if (this.initializers.some((other) => other.name === name))
      throw new RangeError(`Graph: there is an initializer '${name}' already`);
    this.initializers.push({ name, type, dims, data });
    return { name, type, dims };
  }

  /** A small constant; equal ones are stored once. */
  constant(data: TypedArray, dims: readonly number[] = [data.length]): Value {
    const key = `${elementType(data)}|${dims.join()}|${data.join()}`;
    let value = this.shared.get(key);
    if (value === undefined) {
      value = this.initializer(this.fresh("const"), data, dims);
      this.shared.set(key, value);
    }
    return value;
  }

  /** A float32 scalar constant. */
  scalar(x: number): Value {
    return this.constant(Float32Array.of(x), []);
  }

  /** A 1-D int64 constant (shapes, axes, offsets). */
  ints(values: readonly number[]): Value {
    const value = this.constant(BigInt64Array.from(values, BigInt), [values.length]);
    this.shapes.set(value.name, values);
    return value;
  }

  /**
   * Appends a node with one output.
   * @param dims dims of the output; the caller states them, onnxruntime checks them
   */
  op(
    opType: string,
    inputs: readonly (Value | null)[],
    dims: readonly Dim[],
    attributes: Record<string, Attribute> = {},
    { domain, type = inputs[0]?.type ?? "float32", blocked }: OpOptions = {},
  ): Value {
    return this.multi(opType, inputs, [{ dims, type }], attributes, { domain, blocked })[0];
  }

  /** Appends a node with several outputs. A null input is an omitted optional one. */
  multi(
    opType: string,
    inputs: readonly (Value | null)[],
    outputs: readonly { dims: readonly Dim[]; type?: ElementType }[],
    attributes: Record<string, Attribute> = {},
    { domain = "", blocked }: Omit<OpOptions, "type"> = {},
  ): Value[] {
    if (blocked === undefined && inputs.some((v) => v?.blocked))
      throw new Error(`${opType} does not take values in the blocked layout`);
    const values = outputs.map(({ dims, type }) => ({
      name: this.fresh(opType),
      type: type ?? "float32",
      dims,
      ...(blocked && { blocked }),
    }));
    for (const { name, dims } of values)
      if (!blocked || (dims[1] as number) % this.block === 0) this.sizes.set(name, dims.join());
    this.nodes.push({
      opType,
      domain,
      inputs: inputs.map((v) => v?.name ?? ""),
      outputs: values.map((v) => v.name),
      attributes,
    });
    return values;
  }

  /** Records how the outputs depend on the inputs, for `gradients`. */
  record(what: string, inputs: readonly Value[], outputs: readonly Value[], vjp: Vjp): void {
    this.tape.push({ what, inputs, outputs, vjp });
  }

  /** A map in the blocked layout, its channels filled up to whole blocks with zeros. Not differentiable (ops/layout.ts is). */
  toBlocked(v: Value): Value {
    if (v.blocked) return v;
    const [n, c, ...map] = staticDims(v);
    const rest = (4 - (c % 4)) % 4; // the operator takes multiples of 4, and fills up what is left
    const whole =
      rest === 0 ? v : this.op("Pad", [v, this.ints([0, 0, 0, 0, 0, rest, 0, 0])], [n, c + rest, ...map]);
    return this.op("ReorderInput", [whole], v.dims, {}, { domain: nchwc, blocked: true });
  }

  /** A map as N×C×H×W. Not differentiable (ops/layout.ts is). */
  toPlain(v: Value): Value {
    if (!v.blocked) return v;
    if (v.blocked === "kernels") throw new Error(`'${v.name}' is held as kernels, not as maps`);
    const channels = v.dims[1] as number;
    return this.op("ReorderOutput", [v], v.dims, { channels }, { domain: nchwc, blocked: false });
  }

  /** Names a value as an output of the graph; a blocked one leaves it plain. */
  output(name: string, of: Value): void {
    const value = this.toPlain(of);
    this.outputs.push({ name, type: value.type, dims: value.dims });
    this.exposed.push(value.name);
  }

  /**
   * The ONNX file.
   * @param before name of an output before all others, an empty sequence (session.ts says what for)
   */
  encode(
    metadata: Record<string, string> = {},
    producer = { name: "cellhue", version: "" },
    before?: string,
  ): Uint8Array {
    const nodes = this.withOutputNames(simplified(this.nodes, this.exposed, this.shapes, this.sizes));
    if (before)
      nodes.push({ opType: "SequenceEmpty", domain: "", inputs: [], outputs: [before], attributes: {} });
    const first: Value[] = before ? [{ name: before, type: "float32", dims: [], sequence: true }] : [];
    const used = new Set(nodes.flatMap((node) => node.inputs));
    const constants = new Set([...this.shared.values()].map(({ name }) => name));
    return encodeModel({
      graphName: this.name,
      nodes,
      inputs: this.inputs,
      outputs: [...first, ...this.outputs],
      initializers: this.initializers.filter(({ name }) => used.has(name) || !constants.has(name)),
      metadata,
      producer,
    });
  }

  /**
   * Nodes that give output values their public names. A computed value is renamed (an Identity node would copy it, for
   * all parameters of a network at every step); one that is an input, an initializer or exposed twice gets an Identity.
   */
  private withOutputNames(of: readonly NodeRecord[]): NodeRecord[] {
    const renamed = new Map<string, string>();
    const computed = new Set(of.flatMap((n) => n.outputs));
    const copies: NodeRecord[] = [];
    this.exposed.forEach((inner, i) => {
      const { name } = this.outputs[i];
      if (computed.has(inner) && !renamed.has(inner)) renamed.set(inner, name);
      else {
        const source = renamed.get(inner) ?? inner;
        copies.push({ opType: "Identity", domain: "", inputs: [source], outputs: [name], attributes: {} });
      }
    });
    const rename = (names: readonly string[]) => names.map((n) => renamed.get(n) ?? n);
    const nodes = of.map((n) => ({ ...n, inputs: rename(n.inputs), outputs: rename(n.outputs) }));
    return [...nodes, ...copies];
  }
}

function elementType(data: TypedArray): ElementType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Int32Array) return "int32";
  return "uint8";
}

/** The dims of a value whose sizes are all known; throws where one is symbolic. */
export function staticDims(value: Value): number[] {
  return value.dims.map((d) => {
    if (typeof d === "number") return d;
    throw new Error(`'${value.name}' has the symbolic dimension '${d}', a size is needed here`);
  });
}

/** Number of elements. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1);
}
