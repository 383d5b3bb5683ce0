/**
 * Role: maps in onnxruntime's blocked layout: to it and back, and the few kernels that all ops on it are made of.
 * Contract: a blocked value's storage is N × Cf/b × H × W × b, Cf being C filled up to whole blocks; what is beyond C is 0
 * and stays 0. Values by channel, filled, are plain vectors: in order they are what a blocked map of 1×1 is.
 */
import { type Attribute, type Graph, nchwc, staticDims, type Value } from "../graph.js";

/** Channels, filled up to whole blocks. */
export const filled = (g: Graph, channels: number): number => Math.ceil(channels / g.block) * g.block;

/** The map as N×C×H×W, differentiable. */
export function plain(g: Graph, x: Value): Value {
  if (!x.blocked) return x;
  const y = g.toPlain(x);
  g.record("plain", [x], [y], ([dy]) => [dy && g.toBlocked(dy)]);
  return y;
}

/** The map in the blocked layout, differentiable. */
export function blocked(g: Graph, x: Value): Value {
  if (x.blocked) return x;
  const y = g.toBlocked(x);
  g.record("blocked", [x], [y], ([dy]) => [dy && g.toPlain(dy)]);
  return y;
}

/** The storage of a value (blocked or plain) under other dims: no copy. */
export const stored = (g: Graph, v: Value, dims: readonly number[]): Value =>
  g.op("Reshape", [v, g.ints(dims)], dims, {}, { blocked: false });

/** Storage as the blocked map of these dims: no copy. */
export function asMap(g: Graph, v: Value, dims: readonly number[]): Value {
  const [n, c, h, w] = dims;
  return g.op("Reshape", [v, g.ints([n, filled(g, c), h, w])], dims, {}, { blocked: true });
}

/** Values in the order of kernel-layout.ts as the weight of these dims: no copy. */
export const asKernels = (g: Graph, v: Value, dims: readonly number[]): Value =>
  g.op("Reshape", [v, g.ints(dims)], dims, {}, { blocked: "kernels" });

/** A vector by channel, filled up with zeros. */
export function fillVector(g: Graph, v: Value): Value {
  const [c] = staticDims(v);
  const all = filled(g, c);
  return all === c ? v : g.op("Pad", [v, g.ints([0, all - c])], [all]);
}

/** The other way: the first channels of a vector, or of the rows of a matrix. */
export function unfilled(g: Graph, v: Value, channels: number): Value {
  const dims = staticDims(v);
  const last = dims.length - 1;
  if (dims[last] === channels) return v;
  const cut = [...dims.slice(0, last), channels];
  return g.op("Slice", [v, g.ints([0]), g.ints([channels]), g.ints([last])], cut);
}

export interface ScaleOptions {
  /** One a channel; left out: 0. */
  shift?: Value;
  /** A blocked map that is added. */
  added?: Value;
  activation?: "relu" | "relu6";
  /** Scale and shift are one a channel of each sample (N·Cf) rather than one a channel (Cf). */
  bySample?: boolean;
}

/** activation(x · scale + shift + added) in one pass: a depthwise convolution with kernels of 1×1. */
export function scaled(g: Graph, x: Value, scale: Value, options: ScaleOptions = {}): Value {
  const { shift, added, activation, bySample = false } = options;
  const dims = staticDims(x);
  const [n, c, h, w] = dims;
  const all = filled(g, c);
  // a map is one row: the kernel is called row by row
  const flat = bySample ? [1, n * all, 1, h * w] : [n, all, 1, h * w];
  const attributes: Record<string, Attribute> = { kernel_shape: [1, 1], group: flat[1] };
  if (activation === "relu") attributes.activation = "Relu";
  if (activation === "relu6") {
    attributes.activation = "Clip";
    attributes.activation_params = { floats: [0, 6] };
  }
  const inputs: (Value | null)[] = [stored(g, x, flat), stored(g, scale, [flat[1], 1, 1, 1])];
  if (shift || added) inputs.push(shift ?? null);
  if (added) inputs.push(stored(g, added, flat));
  const y = g.op("Conv", inputs, flat, attributes, { domain: nchwc });
  return asMap(g, y, dims);
}

/** Rows of a map in one sum of `dots`: short sums, so that roundings stay small. */
function rowsTogether(h: number, w: number): number {
  let rows = h;
  while (rows % 2 === 0 && rows * w > 512) rows /= 2;
  return rows;
}

/**
 * Σ a·b over each map: → N×Cf. A depthwise convolution of a by b: every map is its own group's kernel, so that the product
 * is never written.
 */
export function dots(g: Graph, a: Value, b: Value): Value {
  const [n, c, h, w] = staticDims(a);
  const all = filled(g, c);
  const rows = rowsTogether(h, w);
  const parts = h / rows;
  const groups = n * all * parts;
  const found = g.op(
    "Conv",
    [stored(g, a, [1, groups, rows, w]), stored(g, b, [groups, 1, rows, w])],
    [1, groups, 1, 1],
    { kernel_shape: [rows, w], group: groups },
    { domain: nchwc },
  );
  if (parts === 1) return stored(g, found, [n, all]);
  const split = stored(g, found, [(n * all) / g.block, parts, g.block]);
  return stored(g, g.op("ReduceSum", [split, g.ints([1])], [(n * all) / g.block, g.block], { keepdims: 0 }), [
    n,
    all,
  ]);
}

/** Σ over each map: → N×Cf. */
export function sums(g: Graph, x: Value): Value {
  const [n, c, h, w] = staticDims(x);
  const all = filled(g, c);
  const rows = rowsTogether(h, w);
  const blocks = (n * all) / g.block;
  const maps = stored(g, x, [(blocks * h) / rows, rows * w, g.block]);
  const part = g.op("ReduceSum", [maps, g.ints([1])], [(blocks * h) / rows, g.block], { keepdims: 0 });
  if (rows === h) return stored(g, part, [n, all]);
  const split = stored(g, part, [blocks, h / rows, g.block]);
  return stored(g, g.op("ReduceSum", [split, g.ints([1])], [blocks, g.block], { keepdims: 0 }), [n, all]);
}

/** Σ over the samples: N×Cf → Cf. */
export const overSamples = (g: Graph, v: Value): Value =>
  g.op("ReduceSum", [v, g.ints([0])], [staticDims(v)[1]], { keepdims: 0 });

/** A constant by channel: `value` for the first `channels`, 0 beyond. */
export function channelConstant(g: Graph, channels: number, value: number): Value {
  const data = new Float32Array(filled(g, channels));
  return g.constant(data.fill(value, 0, channels));
}

/** A blocked map with each block of all samples together: C/b × N × H × W × b, moved as long pieces. */
export function blocksTogether(g: Graph, v: Value): Value {
  const [n, c, h, w] = staticDims(v);
  const blocks = filled(g, c) / g.block;
  const order = Array.from({ length: blocks * n }, (_, i) => (i % n) * blocks + Math.floor(i / n));
  const together = gathered(g, stored(g, v, [n * blocks, h * w * g.block]), order, order.length);
  return stored(g, together, [blocks, n, h, w, g.block]);
}

/** Storage C/b × N × map × b → Cf × N × map, plain. */
export function fromBlocks(g: Graph, v: Value, [blocks, n, map]: readonly number[]): Value {
  const dims = [blocks, g.block, n, map];
  const apart = g.op("ReorderOutput", [stored(g, v, dims)], dims, { channels: g.block }, { domain: nchwc });
  return stored(g, apart, [blocks * g.block, n, map]);
}

/** A map channel by channel, plain: C × N × H × W, of a blocked one Cf × N × H × W, of which the first C are the channels. */
export function channelMajor(g: Graph, v: Value): Value {
  const [n, c, h, w] = staticDims(v);
  if (!v.blocked) return g.op("Transpose", [v], [c, n, h, w], { perm: [1, 0, 2, 3] });
  const all = filled(g, c);
  return stored(g, fromBlocks(g, blocksTogether(g, v), [all / g.block, n, h * w]), [all, n, h, w]);
}

/** The pieces `order` of a value of `count` equal ones, by Gather, which uses all threads; consecutive ones go together. */
export function gathered(g: Graph, v: Value, order: readonly number[], count: number): Value {
  if (order.length === count && order.every((from, i) => from === i)) return v;
  const runs = (m: number) =>
    count % m === 0 && order.every((from, i) => (i % m === 0 ? from % m === 0 : from === order[i - 1] + 1));
  const broken = order.findIndex((from, i) => i > 0 && from !== order[i - 1] + 1);
  let m = broken < 0 ? order.length : broken;
  while (order.length % m > 0 || !runs(m)) m--;
  const piece = staticDims(v).reduce((a, p) => a * p, 1) / count;
  const starts = order.filter((_, i) => i % m === 0).map((from) => from / m);
  const pieces = stored(g, v, [count / m, m * piece]);
  return g.op("Gather", [pieces, g.ints(starts)], [starts.length, m * piece], { axis: 0 });
}

/** Zeros around every map of a blocked value, written by a convolution with 1: unlike Pad it uses all threads. */
export function padded(g: Graph, v: Value, pads: readonly number[]): Value {
  if (pads.every((p) => p === 0)) return v;
  const [n, c, h, w] = staticDims(v);
  const ones = g.constant(new Float32Array(c).fill(1), [c, 1, 1, 1]);
  const dims = [n, c, h + pads[0] + pads[2], w + pads[1] + pads[3]];
  return g.op("Conv", [v, ones], dims, { kernel_shape: [1, 1], group: c, pads }, { domain: nchwc });
}
