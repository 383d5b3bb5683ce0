/**
 * Role: expression → principal components, fitted on some samples and applied to any: gene choice, scaling and
 * centring in one linear map, as plain arrays and as a graph.
 * Contract: the graph computes in float64 and rounds its scores to float32, so that a sample's scores do not depend on
 * what stands beside it in a batch, on its order or on the threads.
 */
import type { Graph, Value } from "../graph/graph.js";
import { cast } from "../graph/ops/cast.js";
import { div, sub } from "../graph/ops/elementwise.js";
import { gatherColumns } from "../graph/ops/gather-columns.js";
import { matMul } from "../graph/ops/matmul.js";
import { zeroMissing } from "../graph/ops/zero-missing.js";

export interface Projection {
  /** Genes of the expression that goes in. */
  readonly genes: number;
  /** The genes that are used, rising; null: all. Their number is d. */
  readonly chosen: Int32Array | null;
  /** Divisor of each used gene (its standard deviation in training), d; null: not scaled. */
  readonly scale: Float32Array | null;
  /** Mean of each used gene after scaling, d. */
  readonly mean: Float32Array;
  /** components × d, orthonormal rows. */
  readonly loadings: Float32Array;
  readonly components: number;
}

/**
 * Expression N×genes, float32 → scores N×components, float32. NaN stands for a gene that was not measured: it takes the
 * training mean, so that it moves no score.
 */
export function projectionGraph(g: Graph, p: Projection, expression: Value): Value {
  const { components: k, chosen, scale, mean, loadings } = p;
  const d = mean.length;
  const wide = (name: string, data: Float32Array, dims: number[]) =>
    cast(g, g.initializer(name, data, dims), "float64");
  const used = cast(g, chosen === null ? expression : gatherColumns(g, expression, chosen), "float64");
  const scaled = scale === null ? used : div(g, used, wide("gene_scale", scale, [1, d]));
  const centred = zeroMissing(g, sub(g, scaled, wide("gene_mean", mean, [1, d])));
  return cast(g, matMul(g, centred, wide("loadings", transposed(loadings, k, d), [d, k])), "float32");
}

function transposed(a: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(a.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) out[j * rows + i] = a[i * cols + j];
  return out;
}
