/**
 * Role: the painter of genes (paint.ts) as a graph, differentiable: brightness of genes → image, to the last bit what
 * `renderGenes` draws.
 * A scatter adds up the genes of each used pixel, another puts the means into the image. For 64 samples of 20,000 genes on
 * 227×227 pixels that takes 45 ms on one core, of which 30 are the writing of the 39 MB alone. Gathers of the genes by
 * rank in their pixel took twice as long to sum, and one gather into the whole image 100 ms.
 */
import type { Graph, Value } from "../../graph/graph.js";
import { cast } from "../../graph/ops/cast.js";
import { gatherColumns } from "../../graph/ops/gather-columns.js";
import { areaOf } from "../../image-size.js";
import { checkPainter, type GenePlacings } from "./paint.js";
import type { Placing } from "./points.js";

/**
 * @param values N×genes in 0…1, float32 or float64; N may be symbolic
 * @returns N×3×height×width, float32
 */
export function paintGraph(g: Graph, painter: GenePlacings, values: Value): Value {
  checkPainter(painter);
  const { size, placings } = painter;
  const n = values.dims[0];
  const wide = cast(g, values, "float64");
  const drawn = placings.map((placing) => channel(g, placing, areaOf(size), wide));
  const channels = drawn.length === 1 ? [drawn[0], drawn[0], drawn[0]] : drawn;
  const flat = g.op("Concat", channels, [n, 3 * areaOf(size)], { axis: 1 });
  const dims = [n, 3, size.height, size.width];
  const image = g.op("Reshape", [flat, g.ints([-1, 3, size.height, size.width])], dims);
  g.record("paint", [wide], [image], ([dy]) => [dy && backward(g, painter, wide, dy)]);
  return image;
}

/** One channel: N×area, float32. */
function channel(g: Graph, placing: Placing, area: number, values: Value): Value {
  const n = values.dims[0];
  const painted = indicesWhere(placing, (p) => p >= 0);
  const used = [...new Set(painted.map((j) => placing[j]))].sort((a, b) => a - b);
  const rank = new Map(used.map((p, r) => [p, r]));
  const ranks = painted.map((j) => rank.get(placing[j]) as number);
  const counts = new Float64Array(used.length);
  for (const r of ranks) counts[r]++;

  const rows = g.op("Shape", [values], [1], { start: 0, end: 1 }, { type: "int64" });
  const shape = (columns: number) =>
    g.op("Concat", [rows, g.ints([columns])], [2], { axis: 0 }, { type: "int64" });
  const spread = (row: Value, columns: number) => g.op("Expand", [row, shape(columns)], [n, columns]);
  const index = (columns: number[]) =>
    spread(g.constant(BigInt64Array.from(columns, BigInt), [1, columns.length]), columns.length);

  const all = painted.length === placing.length;
  const taken = all ? values : gatherColumns(g, values, painted);
  const sums = g.op(
    "ScatterElements",
    [spread(g.constant(Float64Array.of(0), [1, 1]), used.length), index(ranks), taken],
    [n, used.length],
    { axis: 1, reduction: "add" },
  );
  const means = g.op("Div", [sums, g.constant(counts, [1, used.length])], [n, used.length]);
  const black = spread(g.constant(Float32Array.of(0), [1, 1]), area);
  return g.op("ScatterElements", [black, index(used), cast(g, means, "float32")], [n, area], { axis: 1 });
}

/** The gradient by a gene is that by its pixel, shared by the pixel's genes; over the channels it is summed. */
function backward(g: Graph, { size, placings }: GenePlacings, values: Value, dy: Value): Value {
  const [n, genes] = values.dims as [number, number];
  const area = areaOf(size);
  const pixels: number[] = [];
  const shares = new Float64Array(3 * genes);
  for (let c = 0; c < 3; c++) {
    const placing = placings[c] ?? placings[0];
    const count = new Int32Array(area);
    for (const p of placing) if (p >= 0) count[p]++;
    placing.forEach((p, j) => {
      pixels.push(c * area + Math.max(0, p));
      if (p >= 0) shares[c * genes + j] = 1 / count[p];
    });
  }
  const flat = g.op("Reshape", [dy, g.ints([-1, 3 * area])], [n, 3 * area]);
  const arriving = cast(g, g.op("Gather", [flat, g.ints(pixels)], [n, 3 * genes], { axis: 1 }), "float64");
  const shared = g.op("Mul", [arriving, g.constant(shares, [1, 3 * genes])], [n, 3 * genes]);
  const byChannel = g.op("Reshape", [shared, g.ints([-1, 3, genes])], [n, 3, genes]);
  return g.op("ReduceSum", [byChannel, g.ints([1])], [n, genes], { keepdims: 0 });
}

function indicesWhere(placing: Placing, holds: (pixel: number) => boolean): number[] {
  const found: number[] = [];
  placing.forEach((p, j) => {
    if (holds(p)) found.push(j);
  });
  return found;
}
