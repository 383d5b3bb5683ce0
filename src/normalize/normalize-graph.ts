/**
 * Role: the normalisation as a graph, for the model file: raw expression in.
 * Contract: N×genes, float32, NaN where a gene was not measured → the same, normalised and rounded to float32 as the
 * training's was; what is NaN stays NaN. Genes that were not measured are taken to have their usual share of a sample's
 * total, so that the measured ones get the values that they would have had beside them; medians leave them out. By size
 * factors every sample counts as new (place-size-factors.ts).
 */
import type { Graph, Value } from "../graph/graph.js";
import { cast } from "../graph/ops/cast.js";
import { add, div, log, mul, relu, sub } from "../graph/ops/elementwise.js";
import { gatherColumns } from "../graph/ops/gather-columns.js";
import { rowSum } from "../graph/ops/reduce.js";
import { zeroMissing } from "../graph/ops/zero-missing.js";
import { type Normalization, normalizationTotals } from "./normalize.js";
import type { SizeFactorRule } from "./place-size-factors.js";

/**
 * Keeps a sample without counts from dividing 0 by 0; lost beside any sum of counts. onnxruntime takes an addend that is
 * 0 as float32 for nothing, also in float64.
 */
const LEAST = 1e-30;

/**
 * @param shares each gene's share of all counts in training; they sum to 1
 * @param rule of log1p-scran
 */
export function normalizeGraph(
  g: Graph,
  expression: Value,
  how: Normalization,
  shares: Float32Array | null,
  rule: SizeFactorRule | null = null,
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
  if (how === "log1p-scran") {
    if (rule === null) throw new RangeError(`normalizeGraph: ${how} without its rule`);
    return cast(g, log(g, add(g, div(g, x, sizeFactors(g, x, total, rule)), number(1))), "float32");
  }
  const scaled = div(g, mul(g, x, number(normalizationTotals[how])), total);
  return cast(g, log(g, add(g, scaled, number(1))), "float32");
}

/** Size factors of N samples: N×1. */
function sizeFactors(g: Graph, x: Value, total: Value, rule: SizeFactorRule): Value {
  const { genes, reference, pools, scale, least } = rule;
  const width = genes.length;
  const number = (value: number) => g.constant(Float64Array.of(value), []);
  const library = div(g, total, number(rule.total));
  if (width === 0) return library;
  const inverse = Float64Array.from(reference, (mean) => 1 / mean);
  const relative = mul(
    g,
    mul(g, gatherColumns(g, x, genes), div(g, number(rule.total), total)),
    g.initializer("size_factor_reference", inverse, [1, width]),
  );
  const { median, none } = medians(g, relative);
  const count = pools.length / width;
  let sum: Value | undefined;
  for (let p = 0; p < count; p++) {
    const data = pools.subarray(p * width, (p + 1) * width);
    const pool = cast(g, g.initializer(`size_factor_pool_${p}`, data, [1, width]), "float64");
    const added = sub(g, median(add(g, relative, pool)), median(pool));
    sum = sum === undefined ? added : add(g, sum, added);
  }
  if (sum === undefined) return library;
  const own = g.op("Max", [mul(g, sum, number(scale / count)), number(least)], sum.dims);
  return mul(g, library, g.op("Where", [none, number(1), own], own.dims, {}, { type: "float64" }));
}

/**
 * Medians of rows without what is NaN in `pattern`, N×K: those entries are put last of falling values, of which the first half
 * is looked at.
 * @returns the median of each row, N×1, of values N×K or 1×K; and where a row has no value to take it of, N×1
 */
function medians(g: Graph, pattern: Value): { median: (values: Value) => Value; none: Value } {
  const [n, k] = pattern.dims;
  const number = (value: number) => g.constant(Float64Array.of(value), []);
  const missing = g.op("IsNaN", [pattern], pattern.dims, {}, { type: "bool" });
  const present = g.op("Not", [missing], pattern.dims, {}, { type: "bool" });
  const ones = g.op("Cast", [present], pattern.dims, { to: 7 }, { type: "int64" });
  const count = g.op("ReduceSum", [ones, g.ints([1])], [n, 1], { keepdims: 1 }, { type: "int64" });
  const half = (of: Value) => g.op("Div", [of, g.ints([2])], [n, 1], {}, { type: "int64" });
  const first = half(g.op("Max", [g.op("Sub", [count, g.ints([1])], [n, 1]), g.ints([0])], [n, 1]));
  const second = half(count);
  const most = Math.floor((k as number) / 2) + 1;
  const median = (values: Value): Value => {
    const shown = g.op(
      "Where",
      [missing, number(Number.NEGATIVE_INFINITY), values],
      [n, k],
      {},
      {
        type: "float64",
      },
    );
    const [falling] = g.multi(
      "TopK",
      [shown, g.ints([most])],
      [
        { dims: [n, most], type: "float64" },
        { dims: [n, most], type: "int64" },
      ],
      { axis: 1, largest: 1, sorted: 1 },
    );
    const at = (index: Value) => g.op("GatherElements", [falling, index], [n, 1], { axis: 1 });
    return mul(g, add(g, at(first), at(second)), number(0.5));
  };
  return { median, none: g.op("Equal", [count, g.ints([0])], [n, 1], {}, { type: "bool" }) };
}
