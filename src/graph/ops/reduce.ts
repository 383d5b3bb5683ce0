/** Role: sums along the rows of a matrix, and its smallest entries, differentiable. Contract: x N×K, float32 or 64. */
import type { Graph, Value } from "../graph.js";

/** N×K → N×1 */
export function rowSum(g: Graph, x: Value): Value {
  const [n] = x.dims;
  const y = g.op("ReduceSum", [x, g.ints([1])], [n, 1], { keepdims: 1 });
  g.record("rowSum", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    return [g.op("Expand", [dy, g.op("Shape", [x], [2], {}, { type: "int64" })], x.dims)];
  });
  return y;
}

/** The k smallest entries of each row, rising: N×K → N×k. Of equal ones the first is taken, for the gradient too. */
export function rowSmallest(g: Graph, x: Value, k: number): Value {
  const dims = [x.dims[0], k];
  const [y, indices] = g.multi(
    "TopK",
    [x, g.ints([k])],
    [
      { dims, type: x.type },
      { dims, type: "int64" },
    ],
    { axis: 1, largest: 0, sorted: 1 },
  );
  g.record("rowSmallest", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    const zeros = g.op("Sub", [x, x], x.dims);
    return [g.op("ScatterElements", [zeros, indices, dy], x.dims, { axis: 1 })];
  });
  return y;
}
