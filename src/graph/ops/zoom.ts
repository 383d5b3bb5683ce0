/** Role: images enlarged by whole factors, every pixel a block of equal ones; differentiable. Contract: N may be symbolic. */
import type { Graph, Value } from "../graph.js";

/** N×C×h×w → N×C×(h·factor)×(w·factor); the gradient of a pixel is the sum over its block. */
export function zoom(g: Graph, x: Value, factor: number): Value {
  if (!(Number.isInteger(factor) && factor > 0)) throw new RangeError(`zoom: no enlargement by ${factor}`);
  if (factor === 1) return x;
  const n = x.dims[0];
  const [c, h, w] = x.dims.slice(1) as number[];
  const apart = g.op("Reshape", [x, g.ints([-1, c, h, 1, w, 1])], [n, c, h, 1, w, 1]);
  const blocks = g.op("Expand", [apart, g.ints([1, 1, 1, factor, 1, factor])], [n, c, h, factor, w, factor]);
  const [height, width] = [h * factor, w * factor];
  const y = g.op("Reshape", [blocks, g.ints([-1, c, height, width])], [n, c, height, width]);
  g.record("zoom", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    const parts = g.op("Reshape", [dy, g.ints([-1, c, h, factor, w, factor])], [n, c, h, factor, w, factor]);
    return [g.op("ReduceSum", [parts, g.ints([3, 5])], [n, c, h, w], { keepdims: 0 })];
  });
  return y;
}
