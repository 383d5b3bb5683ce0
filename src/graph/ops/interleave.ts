/** Role: values put together and taken apart at a stride along the middle axis of A×L×B: long pieces, no strided reading. */
import { type Graph, staticDims, type Value } from "../graph.js";

/** A×(L·stride)×B → those at q, q + stride, …: A×L×B. */
export function phase(g: Graph, x: Value, stride: number, q: number): Value {
  if (stride === 1) return x;
  const [a, size, inner] = staticDims(x);
  const length = size / stride;
  const flat = g.op("Reshape", [x, g.ints([a * length, stride * inner])], [a * length, stride * inner]);
  const ends = [g.ints([q * inner]), g.ints([(q + 1) * inner])];
  const part = g.op("Slice", [flat, ...ends, g.ints([1])], [a * length, inner]);
  return g.op("Reshape", [part, g.ints([a, length, inner])], [a, length, inner]);
}

/** The other way: all phases A×L×B → A×(L·stride)×B. */
export function together(g: Graph, parts: readonly Value[]): Value {
  if (parts.length === 1) return parts[0];
  const [a, length, inner] = staticDims(parts[0]);
  const flat = parts.map((part) => g.op("Reshape", [part, g.ints([a * length, inner])], [a * length, inner]));
  const width = parts.length * inner;
  const all = g.op("Concat", flat, [a * length, width], { axis: 1 });
  const dims = [a, length * parts.length, inner];
  return g.op("Reshape", [all, g.ints(dims)], dims);
}

/** The middle axis with so many more values before and after it; fewer where negative. */
export function framed(g: Graph, v: Value, before: number, after: number, value = 0): Value {
  if (before === 0 && after === 0) return v;
  const [a, size, inner] = staticDims(v);
  const ends = g.ints([0, before, 0, 0, after, 0]);
  return g.op("Pad", [v, ends, g.scalar(value)], [a, size + before + after, inner]);
}
