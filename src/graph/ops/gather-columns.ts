/** Role: some columns of a matrix, differentiable. Contract: x N×K, columns without repetition → N×columns. */
import { type Graph, staticDims, type Value } from "../graph.js";

export function gatherColumns(g: Graph, x: Value, columns: ArrayLike<number>): Value {
  const [n, k] = x.dims;
  const pick = (from: Value, which: readonly number[]) =>
    g.op("Gather", [from, g.ints(which)], [n, which.length], { axis: 1 });
  const y = pick(x, Array.from(columns));
  g.record("gatherColumns", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    // Every column of x takes its place in dy, or the column of zeros appended to it.
    const [rows] = staticDims(x);
    const zeros = x.type === "float64" ? new Float64Array(rows) : new Float32Array(rows);
    const source = new Array<number>(k as number).fill(columns.length);
    for (let i = 0; i < columns.length; i++) source[columns[i]] = i;
    const padded = g.op("Concat", [dy, g.constant(zeros, [rows, 1])], [n, columns.length + 1], { axis: 1 });
    return [pick(padded, source)];
  });
  return y;
}
