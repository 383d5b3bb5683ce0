/** Role: matrices side by side, differentiable. Contract: N×K each, K known, of one type → N×(sum of the K). */
import type { Graph, Value } from "../graph.js";

export function concatColumns(g: Graph, parts: readonly Value[]): Value {
  const [n] = parts[0].dims;
  const widths = parts.map((v) => v.dims[1] as number);
  const ends = widths.map((_, i) => widths.slice(0, i + 1).reduce((a, b) => a + b));
  const y = g.op("Concat", parts, [n, ends[ends.length - 1]], { axis: 1 });
  g.record("concatColumns", parts, [y], ([dy], needed) =>
    parts.map((part, i) => {
      if (!needed[i] || dy === undefined) return undefined;
      return g.op("Slice", [dy, g.ints([ends[i] - widths[i]]), g.ints([ends[i]]), g.ints([1])], part.dims);
    }),
  );
  return y;
}
