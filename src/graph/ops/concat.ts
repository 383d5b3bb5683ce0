/** Role: maps side by side, differentiable. Contract: N×C×H×W with any C each → N×ΣC×H×W (torch.cat, dim 1). */
import type { Graph, Value } from "../graph.js";

export function concatChannels(g: Graph, parts: readonly Value[]): Value {
  const sizes = parts.map((x) => x.dims[1] as number);
  const [n, , h, w] = parts[0].dims;
  const y = g.op("Concat", parts, [n, sizes.reduce((a, b) => a + b), h, w], { axis: 1 });
  g.record("concatChannels", parts, [y], ([dy]) =>
    dy === undefined
      ? []
      : g.multi(
          "Split",
          [dy, g.ints(sizes)],
          parts.map(({ dims }) => ({ dims })),
          { axis: 1 },
        ),
  );
  return y;
}
