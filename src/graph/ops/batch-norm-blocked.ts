/**
 * Role: batch normalisation of blocked maps, with what often follows (addition of a shortcut, ReLU or ReLU6) in the same pass.
 * Contract: activation(batchNorm(x) + added), as batch-norm.ts and elementwise.ts one after another.
 */
import { type Graph, sizeOf, staticDims, type Value } from "../graph.js";
import { type BatchNormParams, type BatchNormTraining, blend } from "./batch-norm.js";
import { masked } from "./elementwise.js";
import { channelConstant, dots, fillVector, overSamples, scaled, sums, unfilled } from "./layout.js";

export interface Following {
  /** A blocked map of x's dims. */
  added?: Value;
  activation?: "relu" | "relu6";
}

export function batchNormTrainingBlocked(
  g: Graph,
  x: Value,
  p: BatchNormParams,
  { added, activation }: Following = {},
): BatchNormTraining {
  const [n, c, h, w] = staticDims(x);
  const count = sizeOf([n, h, w]);
  const total = overSamples(g, sums(g, x));
  const vector = total.dims;
  const share = g.scalar(1 / count);
  const mean = g.op("Mul", [total, share], vector);
  // The centred x is kept: E[x²] − E[x]² would cancel where a channel is nearly constant, as on mostly black images.
  const shift = g.op("Neg", [mean], vector);
  const centred = scaled(g, x, channelConstant(g, c, 1), { shift });
  const squares = overSamples(g, dots(g, centred, centred));
  const variance = g.op("Mul", [squares, share], vector);
  const deviation = g.op("Sqrt", [g.op("Add", [variance, g.scalar(p.eps)], vector)], vector);
  const inverse = g.op("Reciprocal", [deviation], vector);
  const scale = g.op("Mul", [fillVector(g, p.weight), inverse], vector);
  const y = scaled(g, centred, scale, { shift: fillVector(g, p.bias), added, activation });
  const inputs = [x, p.weight, p.bias, ...(added ? [added] : [])];
  g.record("batchNorm", inputs, [y], ([arriving], [needX, needWeight, needBias]) => {
    if (arriving === undefined) return [];
    const dy = masked(g, arriving, y, activation);
    const sumDy = overSamples(g, sums(g, dy));
    const dWeight = g.op("Mul", [overSamples(g, dots(g, dy, centred)), inverse], vector);
    let dx: Value | undefined;
    if (needX) {
      // dx = scale · (dy − mean(dy) − centred · inverse² · mean(dy · centred))
      const rate = g.op("Mul", [scale, g.scalar(-1 / count)], vector);
      const slope = g.op("Mul", [g.op("Mul", [dWeight, inverse], vector), rate], vector);
      const first = scaled(g, dy, scale, { shift: g.op("Mul", [sumDy, rate], vector) });
      dx = scaled(g, centred, slope, { added: first });
    }
    return [
      dx,
      needWeight ? unfilled(g, dWeight, c) : undefined,
      needBias ? unfilled(g, sumDy, c) : undefined,
      dy,
    ];
  });
  const unbiased = g.op("Mul", [squares, g.scalar(1 / Math.max(count - 1, 1))], vector);
  return {
    y,
    runningMean: blend(g, p.runningMean, unfilled(g, mean, c), p.momentum),
    runningVar: blend(g, p.runningVar, unfilled(g, unbiased, c), p.momentum),
  };
}

/** By the running statistics. */
export function batchNormEvaluationBlocked(
  g: Graph,
  x: Value,
  p: BatchNormParams,
  { added, activation }: Following = {},
): Value {
  const { dims } = p.weight;
  const deviation = g.op("Sqrt", [g.op("Add", [p.runningVar, g.scalar(p.eps)], dims)], dims);
  const slope = g.op("Div", [p.weight, deviation], dims);
  const shift = g.op("Sub", [p.bias, g.op("Mul", [p.runningMean, slope], dims)], dims);
  const scale = fillVector(g, slope);
  const y = scaled(g, x, scale, { shift: fillVector(g, shift), added, activation });
  // Explanations need the gradient by x alone; training never runs through the running statistics.
  g.record("batchNormEvaluation", added ? [x, added] : [x], [y], ([arriving], [needX]) => {
    if (arriving === undefined) return [];
    const dy = masked(g, arriving, y, activation);
    return [needX ? scaled(g, dy, scale) : undefined, dy];
  });
  return y;
}
