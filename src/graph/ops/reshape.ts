/** Role: the same values under other dims, differentiable. One dim may be symbolic (the batch). */
import type { Dim, Graph, Value } from "../graph.js";
import { plain } from "./layout.js";

export function reshape(g: Graph, map: Value, dims: readonly Dim[]): Value {
  const x = plain(g, map);
  const shape = (to: readonly Dim[]) => g.ints(to.map((d) => (typeof d === "number" ? d : -1)));
  const y = g.op("Reshape", [x, shape(dims)], dims);
  g.record("reshape", [x], [y], ([dy]) => [dy && g.op("Reshape", [dy, shape(x.dims)], x.dims)]);
  return y;
}
