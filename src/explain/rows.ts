/**
 * Role: runs a model on inputs that a method makes of its samples, a batch at a time, so that memory does not grow with
 * their number.
 * Contract: row r is written by `make` into an array of one input; its result is handed to `take`, in order.
 */
import { sizeOf } from "../graph/graph.js";
import type { ScoreModel } from "./score-model.js";

/** Inputs that are too many to hold, or held elsewhere: training samples. */
export interface Rows {
  readonly count: number;
  /** Writes one of them. */
  fill(row: number, into: Float32Array): void;
}

export async function eachGradient(
  model: ScoreModel,
  count: number,
  make: (row: number, into: Float32Array) => void,
  codeOf: (row: number) => number,
  take: (row: number, gradient: Float32Array) => void,
): Promise<void> {
  await eachBatch(model, count, make, async (x, first, rows) => {
    const codes = Int32Array.from({ length: rows }, (_, i) => codeOf(first + i));
    const { gradient } = await model.gradient(x, codes);
    const width = x.length / rows;
    for (let i = 0; i < rows; i++) take(first + i, gradient.subarray(i * width, (i + 1) * width));
  });
}

/** @param take gets the row's score of its class */
export async function eachScore(
  model: ScoreModel,
  count: number,
  make: (row: number, into: Float32Array) => void,
  codeOf: (row: number) => number,
  take: (row: number, score: number) => void,
): Promise<void> {
  await eachBatch(model, count, make, async (x, first, rows) => {
    const scores = await model.scores(x);
    for (let i = 0; i < rows; i++) take(first + i, scores[i * model.classes + codeOf(first + i)]);
  });
}

async function eachBatch(
  model: ScoreModel,
  count: number,
  make: (row: number, into: Float32Array) => void,
  run: (x: Float32Array, first: number, rows: number) => Promise<void>,
): Promise<void> {
  const width = sizeOf(model.dims);
  const x = new Float32Array(Math.min(count, model.batch) * width);
  for (let first = 0; first < count; first += model.batch) {
    const rows = Math.min(model.batch, count - first);
    for (let i = 0; i < rows; i++) make(first + i, x.subarray(i * width, (i + 1) * width));
    await run(x.subarray(0, rows * width), first, rows);
  }
}

/**
 * Samples in x.
 * @throws RangeError where x, the classes and the baseline do not fit the model
 */
export function samplesOf(
  model: ScoreModel,
  x: Float32Array,
  codes: ArrayLike<number>,
  baseline?: Float32Array,
): number {
  const width = sizeOf(model.dims);
  if (x.length !== codes.length * width || (baseline !== undefined && baseline.length !== width))
    throw new RangeError(
      `${x.length} values, ${codes.length} classes and a baseline of ${baseline?.length ?? "none"} ` +
        `do not fit inputs of [${model.dims.join(", ")}]`,
    );
  return codes.length;
}
