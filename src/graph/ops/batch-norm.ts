/**
 * Role: batch normalisation over N, H and W, as torch.nn.BatchNorm2d.
 * Contract: plain maps (blocked ones: batch-norm-blocked.ts). Training: normalises by the batch and returns the updated running statistics (the variance with
 * Bessel's correction, as PyTorch keeps it). Evaluation: normalises by the running statistics.
 * Reference: Ioffe & Szegedy 2015.
 */
import { type Graph, sizeOf, staticDims, type Value } from "../graph.js";

export interface BatchNormParams {
  weight: Value;
  bias: Value;
  runningMean: Value;
  runningVar: Value;
  /** Added to the variance; 1e-5 in torchvision's nets. */
  eps: number;
  /** Share of the new batch in the running statistics; 0.1 in torchvision's nets. */
  momentum: number;
}

export interface BatchNormTraining {
  y: Value;
  runningMean: Value;
  runningVar: Value;
}

export function batchNormTraining(g: Graph, x: Value, p: BatchNormParams): BatchNormTraining {
  const [n, c, h, w] = staticDims(x);
  const count = sizeOf([n, h, w]);
  const axes = g.ints([0, 2, 3]);
  const column = [1, c, 1, 1];
  const asColumn = (v: Value) => g.op("Reshape", [v, g.ints(column)], column);
  const asVector = (v: Value) => g.op("Reshape", [v, g.ints([c])], [c]);
  // The centred x is kept: E[x²] − E[x]² would cancel where a channel is nearly constant, as on mostly black images.
  const mean = g.op("ReduceMean", [x, axes], column, { keepdims: 1 });
  const centred = g.op("Sub", [x, mean], x.dims);
  const squares = g.op("ReduceSumSquare", [centred, axes], column, { keepdims: 1 });
  const variance = g.op("Mul", [squares, g.scalar(1 / count)], column);
  const inverse = g.op(
    "Reciprocal",
    [g.op("Sqrt", [g.op("Add", [variance, g.scalar(p.eps)], column)], column)],
    column,
  );
  const scale = g.op("Mul", [asColumn(p.weight), inverse], column);
  const y = g.op("Add", [g.op("Mul", [centred, scale], x.dims), asColumn(p.bias)], x.dims);
  g.record("batchNorm", [x, p.weight, p.bias], [y], ([dy], [needX, needWeight, needBias]) => {
    if (dy === undefined) return [];
    const sumDy = g.op("ReduceSum", [dy, axes], column, { keepdims: 1 });
    const sumDyCentred = g.op("ReduceSum", [g.op("Mul", [dy, centred], x.dims), axes], column, {
      keepdims: 1,
    });
    const dWeight = g.op("Mul", [sumDyCentred, inverse], column);
    let dx: Value | undefined;
    if (needX) {
      // dx = scale · (dy − mean(dy) − centred · inverse² · mean(dy · centred))
      const slope = g.op("Mul", [g.op("Mul", [dWeight, inverse], column), g.scalar(1 / count)], column);
      const offset = g.op("Mul", [sumDy, g.scalar(1 / count)], column);
      const pulled = g.op(
        "Sub",
        [g.op("Sub", [dy, offset], x.dims), g.op("Mul", [centred, slope], x.dims)],
        x.dims,
      );
      dx = g.op("Mul", [pulled, scale], x.dims);
    }
    return [dx, needWeight ? asVector(dWeight) : undefined, needBias ? asVector(sumDy) : undefined];
  });
  const unbiased = g.op("Mul", [squares, g.scalar(1 / Math.max(count - 1, 1))], column);
  return {
    y,
    runningMean: blend(g, p.runningMean, asVector(mean), p.momentum),
    runningVar: blend(g, p.runningVar, asVector(unbiased), p.momentum),
  };
}

export function blend(g: Graph, old: Value, fresh: Value, momentum: number): Value {
  const kept = g.op("Mul", [old, g.scalar(1 - momentum)], old.dims);
  return g.op("Add", [kept, g.op("Mul", [fresh, g.scalar(momentum)], old.dims)], old.dims);
}

export function batchNormEvaluation(g: Graph, x: Value, p: BatchNormParams): Value {
  const y = g.op("BatchNormalization", [x, p.weight, p.bias, p.runningMean, p.runningVar], x.dims, {
    epsilon: { float: p.eps },
  });
  // Explanations need the gradient by x alone; training never runs through the running statistics.
  g.record("batchNormEvaluation", [x], [y], ([dy]) => {
    if (dy === undefined) return [];
    const dims = p.weight.dims;
    const sd = g.op("Sqrt", [g.op("Add", [p.runningVar, g.scalar(p.eps)], dims)], dims);
    const column = [1, dims[0], 1, 1];
    const scale = g.op("Reshape", [g.op("Div", [p.weight, sd], dims), g.ints([1, -1, 1, 1])], column);
    return [g.op("Mul", [dy, scale], x.dims)];
  });
  return y;
}
