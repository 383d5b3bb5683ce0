/**
 * Role: the spectral painter made smooth, for gradients: a sample's four numbers → image. The published painter truncates
 * places and colours, so that its gradient is 0 almost everywhere; this one leaves out the truncation, and lets the square's
 * edges fall off over a pixel.
 * Contract: float64 up to the square's edges; numbers beyond the training range are clipped to it and have no gradient. The
 * square lies half a pixel before its unrounded place, where truncation puts it on average.
 */
import type { Graph, Value } from "../graph/graph.js";
import { cast } from "../graph/ops/cast.js";
import { clip } from "../graph/ops/clip.js";
import { add, div, mul, sigmoid, sub } from "../graph/ops/elementwise.js";
import { gatherColumns } from "../graph/ops/gather-columns.js";
import { reshape } from "../graph/ops/reshape.js";
import { EPSILON } from "./spectral.js";
import type { SpectralPainter } from "./spectral-graph.js";

/**
 * Scale of the logistic edge in pixels: it falls from 0.9 to 0.1 within 4.4 times that, 1.5 pixels. Sharper, and the gradient
 * would depend on where within a pixel a sample lies (by 14 % at 0.25, 4 % here).
 */
const EDGE = 1 / 3;

/**
 * @param numbers N×4, float32, as SPECTRAL_NUMBERS
 * @returns N×3×height×width in 0…1: colour · row edge · column edge; with u = share · (side − 1) − ½ of an axis, the edge at pixel
 *   i is σ((i − u + reach) / EDGE) · σ((u + reach − i) / EDGE), where reach = pointSize + ½
 */
export function smoothSpectralGraph(g: Graph, painter: SpectralPainter, numbers: Value): Value {
  const { size, pointSize, low, high } = painter;
  const [n] = numbers.dims;
  const number = (x: number) => g.constant(Float64Array.of(x), []);
  const row = (values: Float64Array) => g.constant(values, [1, values.length]);
  const spans = Float64Array.from(high, (v, i) => v - low[i] + EPSILON);
  const shifted = sub(g, cast(g, numbers, "float64"), row(Float64Array.from(low)));
  const share = clip(g, div(g, shifted, row(spans)), 0, 1);
  /** Near 1 within the square's reach along one axis, else near 0: N×side. */
  const band = (axis: number, side: number) => {
    const centre = sub(g, mul(g, gatherColumns(g, share, [axis]), number(side - 1)), number(0.5));
    const gap = sub(g, row(Float64Array.from({ length: side }, (_, i) => i)), centre);
    const reach = number(pointSize + 0.5);
    const edge = (distance: Value) => sigmoid(g, mul(g, distance, number(1 / EDGE)));
    const both = mul(g, edge(sub(g, reach, gap)), edge(add(g, reach, gap)));
    return cast(g, both, "float32");
  };
  const columns = reshape(g, band(0, size.width), [n, 1, 1, size.width]);
  const rows = reshape(g, band(1, size.height), [n, 1, size.height, 1]);
  const colours = cast(g, gatherColumns(g, share, [0, 2, 3]), "float32");
  return mul(g, reshape(g, colours, [n, 3, 1, 1]), mul(g, rows, columns));
}
