/**
 * Role: the normalisation of io/normalize.ts as a graph, for the model file: raw expression in.
 * Contract: N×genes, float32, NaN where a gene was not measured → the same, normalised and rounded to float32 as the
 * training's was; what is NaN stays NaN. Genes that were not measured are taken to have their usual share of a sample's
 * total, so that the measured ones get the values that they would have had beside them.
 */
import type { Graph, Value } from "../graph/graph.js";
import { cast } from "../graph/ops/cast.js";
import { add, div, log, mul, relu, sub } from "../graph/ops/elementwise.js";
import { rowSum } from "../graph/ops/reduce.js";
import { zeroMissing } from "../graph/ops/zero-missing.js";
import { type Normalization, normalizationTotals } from "../io/normalize.js";

/**
 * Keeps a sample without counts from dividing 0 by 0; lost beside any sum of counts. onnxruntime takes an addend that is
 * 0 as float32 for nothing, also in float64.
 */
const LEAST = 1e-30;

/** @param shares each gene's share of all counts in training; they sum to 1 */
export function normalizeGraph(
  g: Graph,
  expression: Value,
  how: Normalization,
  shares: Float32Array | null,
): Value {
  if (how === "none") return expression;
  if (shares === null) throw new RangeError(`normalizeGraph: ${how} without the genes' shares of the counts`);
  const number = (x: number) => g.constant(Float64Array.of(x), []);
  const x = cast(g, expression, "float64");
  const missing = g.op("IsNaN", [x], x.dims, {}, { type: "bool" });
  const usual = cast(g, g.initializer("gene_shares", shares, [1, shares.length]), "float64");
  const lost = rowSum(g, g.op("Where", [missing, usual, number(0)], x.dims, {}, { type: "float64" }));
  // Exactly the sample's own total where all genes were measured.
  const measured = add(g, relu(g, sub(g, number(1), lost)), number(LEAST));
  const total = div(g, add(g, rowSum(g, zeroMissing(g, x)), number(LEAST)), measured);
  const scaled = div(g, mul(g, x, number(normalizationTotals[how])), total);
  return cast(g, log(g, add(g, scaled, number(1))), "float32");
}
