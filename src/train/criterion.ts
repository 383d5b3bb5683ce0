/**
 * Role: what the loss holds predictions to: target rows with class weights and label smoothing folded in.
 * Contract: the mean over the rows of −Σ target · log p is torch.nn.CrossEntropyLoss(weight, label_smoothing), whose mean
 * divides by the summed weights of the batch. Without either, a row is one-hot.
 * Reference: Szegedy et al. 2016, §7 (label smoothing); PyTorch's documentation of CrossEntropyLoss.
 */

export interface Criterion {
  /** Weight of every class; default: 1. */
  readonly weights?: ArrayLike<number>;
  /** Share of a target that is spread over all classes, 0…1; default: 0. */
  readonly smoothing?: number;
}

/**
 * @param codes class of each sample, 0…classes − 1
 * @returns n×classes, row-major
 * @throws RangeError where the smoothing is outside of 0…1
 */
export function targetRows(codes: ArrayLike<number>, classes: number, criterion: Criterion): Float32Array {
  const { weights, smoothing = 0 } = criterion;
  if (!(smoothing >= 0 && smoothing <= 1))
    throw new RangeError(`targetRows: label smoothing ${smoothing} is not in 0…1`);
  const n = codes.length;
  const weightOf = (c: number) => weights?.[c] ?? 1;
  let total = 0;
  for (let i = 0; i < n; i++) total += weightOf(codes[i]);
  const rows = new Float32Array(n * classes);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < classes; c++) {
      const share = (c === codes[i] ? 1 - smoothing : 0) + smoothing / classes;
      rows[i * classes + c] = share * weightOf(c) * (n / total);
    }
  return rows;
}

/** The smallest probability that a float32 softmax tells from 0. */
const smallest = 2 ** -126;

/**
 * The loss of class probabilities. A probability of 0 counts as 2^-126, so that the loss is always a number.
 * @param probabilities n×classes, row-major, n ≥ 1
 */
export function lossOf(
  probabilities: Float32Array,
  codes: ArrayLike<number>,
  classes: number,
  criterion: Criterion,
): number {
  const target = targetRows(codes, classes, criterion);
  let sum = 0;
  for (let j = 0; j < target.length; j++) sum -= target[j] * Math.log(Math.max(probabilities[j], smallest));
  return sum / codes.length;
}
