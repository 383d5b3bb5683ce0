/** Role: maps side by side, differentiable. Contract: N×C×H×W with any C each → N×ΣC×H×W (torch.cat, dim 1). */
import type { Graph, Value } from "../graph.js";
import { blocked, plain } from "./layout.js";

/** Blocked where all parts are, of whole blocks each. */
export function concatChannels(g: Graph, maps: readonly Value[]): Value {
  const sizes = maps.map((x) => x.dims[1] as number);
  const inBlocks = maps.every((x, i) => x.blocked && sizes[i] % g.block === 0);
  const parts = maps.map((x) => (inBlocks ? blocked(g, x) : plain(g, x)));
  const [n, , h, w] = parts[0].dims;
  const y = g.op(
    "Concat",
    parts,
    [n, sizes.reduce((a, b) => a + b), h, w],
    { axis: 1 },
    {
      blocked: inBlocks,
    },
  );
  g.record("concatChannels", parts, [y], ([dy]) =>
    dy === undefined
      ? []
      : g.multi(
          "Split",
          [dy, g.ints(sizes)],
          parts.map(({ dims }) => ({ dims })),
          { axis: 1 },
          { blocked: inBlocks },
        ),
  );
  return y;
}
