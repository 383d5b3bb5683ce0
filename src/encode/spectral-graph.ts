/**
 * Role: the published image (spectral.ts) as a graph: a sample's four numbers → image, byte for byte what
 * `renderSpectral` draws. Piecewise constant, as the published formula truncates; so it has no gradient.
 * Contract: float64 until the bytes; numbers beyond the training range are clipped to it.
 */

import type { Graph, Value } from "../graph/graph.js";
import { cast } from "../graph/ops/cast.js";
import type { ImageSize } from "../image-size.js";
import { EPSILON } from "./spectral.js";

/** Order of the four numbers everywhere. */
export const SPECTRAL_NUMBERS = ["tsne1", "tsne2", "pc1", "umap1"] as const;

export interface SpectralPainter {
  readonly kind: "spectral";
  readonly size: ImageSize;
  readonly pointSize: number;
  /** Least and greatest value of each of the four numbers in training. */
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/**
 * @param numbers N×4, float32, as SPECTRAL_NUMBERS
 * @returns N×3×height×width in 0…1: bytes / 255, as PNGs are read for the networks
 */
export function spectralGraph(g: Graph, painter: SpectralPainter, numbers: Value): Value {
  const { size, pointSize, low, high } = painter;
  const [n] = numbers.dims;
  const number = (x: number) => g.constant(Float64Array.of(x), []);
  const wide = (values: Float64Array, dims: number[]) => g.constant(values, dims);
  const spans = Float64Array.from(high, (v, i) => v - low[i] + EPSILON);
  const values = cast(g, numbers, "float64");
  const shifted = g.op("Sub", [values, wide(Float64Array.from(low), [1, 4])], [n, 4]);
  const share = g.op(
    "Clip",
    [g.op("Div", [shifted, wide(spans, [1, 4])], [n, 4]), number(0), number(1)],
    [n, 4],
  );
  const column = (i: number) => g.op("Gather", [share, g.ints([i])], [n, 1], { axis: 1 });
  const pixel = (i: number, side: number) =>
    g.op("Floor", [g.op("Mul", [column(i), number(side - 1)], [n, 1])], [n, 1]);
  /** 1 within the square's reach along one axis, else 0: N×side. */
  const band = (centre: Value, side: number) => {
    const line = wide(
      Float64Array.from({ length: side }, (_, i) => i),
      [1, side],
    );
    const gap = g.op("Abs", [g.op("Sub", [line, centre], [n, side])], [n, side]);
    const inside = g.op("LessOrEqual", [gap, number(pointSize)], [n, side], {}, { type: "bool" });
    return cast(g, inside, "float32");
  };
  const columns = g.op(
    "Reshape",
    [band(pixel(0, size.width), size.width), g.ints([-1, 1, 1, size.width])],
    [n, 1, 1, size.width],
  );
  const rows = g.op(
    "Reshape",
    [band(pixel(1, size.height), size.height), g.ints([-1, 1, size.height, 1])],
    [n, 1, size.height, 1],
  );
  const square = g.op("Mul", [rows, columns], [n, 1, size.height, size.width]);
  const colours = g.op("Gather", [share, g.ints([0, 2, 3])], [n, 3], { axis: 1 });
  const bytes = g.op("Floor", [g.op("Mul", [colours, number(255)], [n, 3])], [n, 3]);
  const shade = g.op("Div", [cast(g, bytes, "float32"), g.scalar(255)], [n, 3]);
  const spread = g.op("Reshape", [shade, g.ints([-1, 3, 1, 1])], [n, 3, 1, 1]);
  return g.op("Mul", [spread, square], [n, 3, size.height, size.width]);
}
