/**
 * Role: expression → the brightness of each gene, fitted on training samples and applied to any.
 * Contract: v = clip(f(max(x, minimum) + offset) · slope + intercept, 0, 1), where f is the natural logarithm or nothing
 * and all else is one number a gene. Plain float32 arrays, so that a fit is the same before and after it was stored;
 * computed in float64. NaN (not measured) counts as the training mean. A gene that does not vary in training is one shade.
 *
 * norm2    logarithm of x + |training minimum of the gene| + 1, divided by the training maximum over all genes; x below
 *          the gene's training minimum counts as that minimum (DeepInsight's "norm-2", METHOD §4)
 * minmax   training minimum of the gene → 0, training maximum → 1; a constant gene is 0
 * zscore   (x − mean) / standard deviation (ddof 1) of the gene, clipped at ±3, then −3 → 0, 3 → 1; a constant gene is
 *          0.5, as its mean is
 * global   least value of the whole training matrix → 0, greatest → 1: genes keep their levels
 */
import { geneExtremes, geneMoments } from "../../embed/scale.js";
import type { Graph, Value } from "../../graph/graph.js";
import { cast } from "../../graph/ops/cast.js";
import { clip } from "../../graph/ops/clip.js";
import { add, log, mul, sub } from "../../graph/ops/elementwise.js";
import { zeroMissing } from "../../graph/ops/zero-missing.js";
import type { Matrix, PassOptions } from "../../matrix.js";

export const scalings = ["norm2", "minmax", "zscore", "global"] as const;
export type ScalingName = (typeof scalings)[number];

/** One number a gene in each array. */
export interface Scaling {
  /** Whether the logarithm is taken. */
  readonly log: boolean;
  /** What x is raised to before all else, with a logarithm; null: x is taken as it is. */
  readonly minimum: Float32Array | null;
  readonly offset: Float32Array;
  readonly slope: Float32Array;
  readonly intercept: Float32Array;
  /** Training mean, which stands for a gene that was not measured. */
  readonly mean: Float32Array;
}

/** Standard deviations that fill the range from 0 to 1, each way. */
const DEVIATIONS = 3;

/**
 * @param x training samples × genes, finite
 * @throws RangeError where there are no samples, or a value is not finite
 */
export async function fitScaling(x: Matrix, how: ScalingName, options?: PassOptions): Promise<Scaling> {
  const { mean, variance } = await geneMoments(x, options);
  if (!variance.every(Number.isFinite))
    throw new RangeError("fitScaling: the matrix has values that are not finite");
  const { minimum, maximum } = await geneExtremes(x, options);
  const genes = x.cols;
  const same = (value: number) => new Float32Array(genes).fill(value);
  const linear = { log: false, minimum: null, mean: Float32Array.from(mean) };
  const from0 = { ...linear, offset: minimum.map((v) => -v), intercept: same(0) };
  switch (how) {
    case "minmax":
      return { ...from0, slope: maximum.map((v, j) => reciprocal(v - minimum[j])) };
    case "zscore": {
      const slope = Float32Array.from(variance, (v) => reciprocal(2 * DEVIATIONS * Math.sqrt(v)));
      return { ...linear, offset: linear.mean.map((v) => -v), slope, intercept: same(0.5) };
    }
    case "global": {
      const least = minimum.reduce((a, b) => Math.min(a, b), Infinity);
      const greatest = maximum.reduce((a, b) => Math.max(a, b), -Infinity);
      return { ...from0, offset: same(-least), slope: same(reciprocal(greatest - least)) };
    }
    case "norm2": {
      const offset = minimum.map((v) => Math.abs(v) + 1);
      const greatest = maximum.reduce((most, v, j) => Math.max(most, Math.log(v + offset[j])), 0);
      return { ...from0, log: true, minimum, offset, slope: same(reciprocal(greatest)) };
    }
  }
}

/**
 * 1 / range, rounded to float32 downwards, so that the training maximum is not clipped and keeps its gradient; 0 for a
 * range of 0, or too small to have one.
 */
function reciprocal(range: number): number {
  const nearest = Math.fround(1 / range);
  if (!Number.isFinite(nearest)) return 0;
  return nearest * range <= 1 ? nearest : Math.fround(nearest * (1 - 2 ** -23));
}

/**
 * The slow obvious way.
 * @param block samples × genes, row-major; NaN where a gene was not measured
 * @param into the same shape, in 0…1; may be the block itself
 * @returns `into`
 */
export function applyScaling<T extends Float32Array | Float64Array>(
  block: Float32Array,
  scaling: Scaling,
  into: T,
): T {
  const { minimum, offset, slope, intercept, mean } = scaling;
  const genes = mean.length;
  if (genes === 0 ? block.length > 0 : block.length % genes !== 0)
    throw new RangeError(`applyScaling: ${block.length} values are no rows of ${genes} genes`);
  for (let first = 0; first < block.length; first += genes)
    for (let j = 0; j < genes; j++) {
      const value = block[first + j];
      const x = Number.isNaN(value) ? mean[j] : value;
      const raised = minimum === null ? x : Math.max(x, minimum[j]);
      const shifted = scaling.log ? Math.log(raised + offset[j]) : raised + offset[j];
      into[first + j] = Math.min(1, Math.max(0, shifted * slope[j] + intercept[j]));
    }
  return into;
}

/**
 * @param expression N×genes, float32, normalised as in training; NaN where a gene was not measured
 * @returns N×genes in 0…1, float64; a gene that was not measured has no gradient
 */
export function scalingGraph(g: Graph, scaling: Scaling, expression: Value): Value {
  const genes = scaling.mean.length;
  const wide = (name: string, data: Float32Array) =>
    cast(g, g.initializer(name, data, [1, genes]), "float64");
  const x = cast(g, expression, "float64");
  // Added to 0 where it is missing, so that what was measured is not rounded.
  const missing = g.op("IsNaN", [x], x.dims, {}, { type: "bool" });
  const zero = g.constant(Float64Array.of(0), []);
  const mean = wide("value_mean", scaling.mean);
  const usual = g.op("Where", [missing, mean, zero], x.dims, {}, { type: "float64" });
  let v = add(g, zeroMissing(g, x), usual);
  const offset = wide("value_offset", scaling.offset);
  if (scaling.minimum === null) v = add(g, v, offset);
  else {
    const minimum = wide("value_minimum", scaling.minimum);
    v = add(g, clip(g, sub(g, v, minimum), 0, Infinity), add(g, minimum, offset));
  }
  if (scaling.log) v = log(g, v);
  v = mul(g, v, wide("value_slope", scaling.slope));
  return clip(g, add(g, v, wide("value_intercept", scaling.intercept)), 0, 1);
}
