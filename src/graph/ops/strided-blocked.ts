/**
 * Role: gradient by the input of a strided convolution (dense or depthwise), blocked. The rows and columns of dx fall into
 * stride × stride phases; each sees its own part of the kernel, and is a convolution of dy at stride 1.
 * Contract: `kernels` holds the positions of the kernel as … × kh × kw × inner; a phase's part of it is turned by 180°.
 */
import { type Adding, type Graph, nchwc, staticDims, type Value } from "../graph.js";
import type { Geometry } from "./conv2d.js";
import { framed, together } from "./interleave.js";
import { asMap, filled, stored } from "./layout.js";
import { denseConv } from "./small-maps.js";

/** What one phase of an axis sees: positions first, first + stride, … of the kernel, and the padding of dy. */
interface Phase {
  first: number;
  count: number;
  before: number;
  after: number;
}

/** The phases of an axis; undefined where one would have to leave out rows of dy. */
function phasesOf(
  size: number,
  out: number,
  kernel: number,
  stride: number,
  pad: number,
): Phase[] | undefined {
  const length = Math.ceil(size / stride);
  const phases = Array.from({ length: stride }, (_, at) => {
    const first = (at + pad) % stride;
    const count = Math.max(Math.ceil((kernel - first) / stride), 0);
    const before = count - 1 - Math.floor((at + pad) / stride);
    return { first, count, before, after: length + count - 1 - out - before };
  });
  return phases.every(({ count, before, after }) => count === 0 || (before >= 0 && after >= 0))
    ? phases
    : undefined;
}

/**
 * @param groups C filled, where depthwise
 * @returns undefined where the geometry has no such form
 */
export function stridedInputGradient(
  g: Graph,
  x: Value,
  dy: Value,
  kernels: Value,
  s: Geometry,
  groups = 1,
): Value | Adding | undefined {
  const { stride, h, w, oh, ow } = s;
  const rows = phasesOf(h, oh, s.kh, stride, s.pads[0]);
  const columns = phasesOf(w, ow, s.kw, stride, s.pads[1]);
  if (rows === undefined || columns === undefined) return undefined;
  const dims = staticDims(x);
  const [n, c] = dims;
  const [u, v] = [Math.ceil(h / stride), Math.ceil(w / stride)];
  const all = filled(g, c);
  const { block: b } = g;
  const [outer, , , inner] = staticDims(kernels);
  const outputs = filled(g, dy.dims[1] as number);
  const storage = stored(g, dy, [n, outputs, oh, ow]);
  const flat = stored(g, kernels, [outer, s.kh * s.kw, inner]);
  const phase = (row: Phase, column: Phase, sofar?: Value): Value => {
    if (row.count === 0 || column.count === 0)
      return g.op("Expand", [g.scalar(0), g.ints([n, all, u, v])], [n, all, u, v]);
    const positions: number[] = []; // from the last to the first
    for (let i = row.count - 1; i >= 0; i--)
      for (let j = column.count - 1; j >= 0; j--)
        positions.push((row.first + i * stride) * s.kw + column.first + j * stride);
    const part = g.op("Gather", [flat, g.ints(positions)], [outer, positions.length, inner], { axis: 1 });
    const shape = [all, groups === 1 ? outputs : 1, row.count, column.count];
    const pads = [row.before, column.before, row.after, column.after];
    const kernel = [row.count, column.count] as const;
    const added = sofar && stored(g, sofar, [n, all, u, v]);
    if (groups === 1)
      return denseConv(
        g,
        storage,
        stored(g, part, shape),
        { kernel, stride: 1, pads, out: [u, v] },
        { added },
      );
    return g.op(
      "Conv",
      [storage, stored(g, part, shape), ...(added ? [null, added] : [])],
      [n, all, u, v],
      {
        kernel_shape: kernel,
        pads,
        group: groups,
      },
      { domain: nchwc },
    );
  };
  if (stride === 1) return (sofar) => asMap(g, phase(rows[0], columns[0], sofar), dims);
  const maps = (n * all) / b;
  const lines = rows.map((row) => {
    const parts = columns.map((column) => stored(g, phase(row, column), [maps * u, v, b]));
    return stored(g, framed(g, together(g, parts), 0, w - v * stride), [maps, u, w * b]);
  });
  return asMap(g, framed(g, together(g, lines), 0, h - u * stride), dims);
}
