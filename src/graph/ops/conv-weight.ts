/**
 * Role: gradient of a dense convolution by its weight, as matrix products of dy by what each position of the kernel sees.
 * Contract: as conv2d with groups = 1; x and dy plain or blocked. Both are brought channel by channel, so that sums run
 * along memory; the longer side of every product is its first, as matmul.ts asks for.
 */
import { type Graph, staticDims, type Value } from "../graph.js";
import { blockedWeightGradient, cutChannels, plainKernels, suitsBlocked } from "./conv-weight-blocked.js";
import type { Geometry, Pads } from "./conv2d.js";
import { framed as framedAxis, phase } from "./interleave.js";
import { asKernels, blocksTogether, channelMajor, fromBlocks } from "./layout.js";
import { productTransposed, transpose } from "./matmul.js";

/**
 * dW at stride 1. Position (i, j) of the kernel sees x moved by i rows and j columns. Rows are moved in x, columns the other
 * way in dy, all with zeros for what lies outside, so that kh + kw copies do for kh·kw positions: one product for each i,
 * of all moved dy (kw·K × N·OH·W) by the moved x (C × N·OH·W), transposed.
 */
export function denseWeightGradient(g: Graph, x: Value, weight: Value, dy: Value, s: Geometry): Value {
  const [k, c] = staticDims(weight);
  if (suitsBlocked(g, x, dy, s)) {
    const found = blockedWeightGradient(g, x, dy, s);
    return weight.blocked ? asKernels(g, found, [k, c, s.kh, s.kw]) : plainKernels(g, found, k, c);
  }
  if (s.stride > 1) return stridedWeightGradient(g, x, weight, dy, s);
  const xs = channelMajor(g, x);
  const ds = channelMajor(g, dy);
  const [inputs, n] = staticDims(xs);
  const [outputs] = staticDims(ds);
  const columns = n * s.oh * s.w;
  const moved: Value[] = [];
  for (let j = 0; j < s.kw; j++) {
    const left = j - s.pads[1];
    moved.push(framed(g, ds, [0, left, 0, s.w - s.ow - left]));
  }
  const stacked = s.kw === 1 ? moved[0] : g.op("Concat", moved, [s.kw * outputs, n, s.oh, s.w], { axis: 0 });
  const rows = g.op("Reshape", [stacked, g.ints([s.kw * outputs, columns])], [s.kw * outputs, columns]);
  const products: Value[] = [];
  for (let i = 0; i < s.kh; i++) {
    const top = s.pads[0] - i;
    const seen = framed(g, xs, [top, 0, s.oh - s.h - top, 0]);
    const matrix = g.op("Reshape", [seen, g.ints([inputs, columns])], [inputs, columns]);
    products.push(productTransposed(g, rows, matrix));
  }
  return byKernel(g, products, s.kh * s.kw, [outputs, inputs], [k, c, s.kh, s.kw]);
}

/** Products by position of the kernel, one under another, each K×C → K×C×kh×kw, without what filled up the blocks. */
function byKernel(
  g: Graph,
  products: readonly Value[],
  positions: number,
  [outputs, inputs]: readonly number[],
  dims: readonly number[],
): Value {
  const [k, c] = dims;
  const size = positions * outputs;
  const all = products.length === 1 ? products[0] : g.op("Concat", products, [size, inputs], { axis: 0 });
  const flat = g.op("Reshape", [all, g.ints([positions, outputs * inputs])], [positions, outputs * inputs]);
  const last = positions === 1 ? flat : transpose(g, flat);
  const whole = [outputs, inputs, dims[2], dims[3]];
  const full = g.op("Reshape", [last, g.ints(whole)], whole);
  return cutChannels(g, full, k, c);
}

/** Zeros around each map, or, where a number is negative, so many rows and columns fewer. */
function framed(g: Graph, v: Value, [top, left, bottom, right]: Pads): Value {
  if (top === 0 && left === 0 && bottom === 0 && right === 0) return v;
  const [a, b, h, w] = staticDims(v);
  const dims = [a, b, h + top + bottom, w + left + right];
  return g.op("Pad", [v, g.ints([0, 0, top, left, 0, 0, bottom, right])], dims);
}

/**
 * dW at other strides. Every stride-th row and column makes a smaller map; each position of the kernel sees one of these,
 * moved. Where channels are many there is a product a position. An image has few: there the columns are put under one
 * another, with a product a row of the kernel.
 */
function stridedWeightGradient(g: Graph, x: Value, weight: Value, dy: Value, s: Geometry): Value {
  const [k, c] = staticDims(weight);
  const ds = channelMajor(g, dy);
  const [outputs, n] = staticDims(ds);
  const columns = n * s.oh * s.ow;
  const rows = g.op("Reshape", [ds, g.ints([outputs, columns])], [outputs, columns]);
  const phases = new Phases(g, x, s.stride);
  const { inputs, height, width } = phases;
  const seen = (i: number, pad: number) => {
    const at = Math.floor((i - pad) / s.stride);
    return { at, q: i - pad - at * s.stride };
  };
  const across = Array.from({ length: s.kw }, (_, j) => seen(j, s.pads[1]));
  const products: Value[] = [];
  const few = inputs < 16;
  const stacks = new Map<number, Value>(); // by the phase of the rows: kw·C × N × height × OW
  for (let i = 0; i < s.kh; i++) {
    const { at, q } = seen(i, s.pads[0]);
    const down: Pads = [-at, 0, at + s.oh - height, 0];
    const moved = (of: Value, to: { at: number }, [top, , bottom]: Pads = [0, 0, 0, 0]) =>
      framed(g, of, [top, -to.at, bottom, to.at + s.ow - width]);
    const byDy = (maps: Value, count: number) => {
      const matrix = g.op("Reshape", [maps, g.ints([count, columns])], [count, columns]);
      products.push(productTransposed(g, rows, matrix));
    };
    if (!few) {
      for (const to of across) byDy(moved(phases.get(q, to.q), to, down), inputs);
      continue;
    }
    let stack = stacks.get(q);
    if (stack === undefined) {
      const parts = across.map((to) => moved(phases.get(q, to.q), to));
      stack = g.op("Concat", parts, [s.kw * inputs, n, height, s.ow], { axis: 0 });
      stacks.set(q, stack);
    }
    byDy(framed(g, stack, down), s.kw * inputs);
  }
  if (!few) return byKernel(g, products, s.kh * s.kw, [outputs, inputs], [k, c, s.kh, s.kw]);
  const all = g.op("Concat", products, [s.kh * outputs, s.kw * inputs], { axis: 0 });
  const apart = g.op("Reshape", [all, g.ints([s.kh, outputs, s.kw, inputs])], [s.kh, outputs, s.kw, inputs]);
  const dims = [outputs, inputs, s.kh, s.kw];
  return cutChannels(g, g.op("Transpose", [apart], dims, { perm: [1, 3, 0, 2] }), k, c);
}

/** The smaller maps of every stride-th row and column, channel by channel: C × N × height × width. */
class Phases {
  readonly inputs: number;
  readonly height: number;
  readonly width: number;
  private readonly n: number;
  /** Pieces of one pixel. */
  private readonly inner: number;
  private readonly whole: Value;
  private readonly byColumn = new Map<number, Value>();
  private readonly done = new Map<string, Value>();

  constructor(
    private readonly g: Graph,
    x: Value,
    private readonly stride: number,
  ) {
    const maps = x.blocked ? blocksTogether(g, x) : channelMajor(g, x);
    const [outer, n, h, w] = staticDims(maps);
    this.n = n;
    this.inner = staticDims(maps)[4] ?? 1;
    this.inputs = outer * this.inner;
    this.height = Math.ceil(h / stride);
    this.width = Math.ceil(w / stride);
    const lines = reshaped(g, maps, [outer * n, h, w * this.inner]);
    const tall = framedAxis(g, lines, 0, this.height * stride - h);
    const pixels = reshaped(g, tall, [outer * n * this.height * stride, w, this.inner]);
    this.whole = framedAxis(g, pixels, 0, this.width * stride - w);
  }

  get(row: number, column: number): Value {
    const key = `${row} ${column}`;
    let found = this.done.get(key);
    if (found === undefined) {
      const { g, n, inner, inputs, height, width, stride } = this;
      let columns = this.byColumn.get(column);
      if (columns === undefined) {
        columns = phase(g, this.whole, stride, column);
        this.byColumn.set(column, columns);
      }
      const outer = inputs / inner;
      const part = phase(g, reshaped(g, columns, [outer * n, height * stride, width * inner]), stride, row);
      found = inner === 1 ? part : fromBlocks(g, part, [outer, n, height * width]);
      found = reshaped(g, found, [inputs, n, height, width]);
      this.done.set(key, found);
    }
    return found;
  }
}

const reshaped = (g: Graph, v: Value, dims: readonly number[]): Value =>
  g.op("Reshape", [v, g.ints(dims)], dims);
