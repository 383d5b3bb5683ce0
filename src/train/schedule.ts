/**
 * Role: the learning rate of every step of a training.
 * Contract: a pure function of the step's number, so that a resumed training needs no state for it. Steps are batches.
 * Reference: Loshchilov & Hutter 2017 (cosine, without restarts); Smith & Topin 2018 (one cycle), as PyTorch's
 * CosineAnnealingLR(T_max = steps) and OneCycleLR(cycle_momentum=False), each stepped after every batch.
 */

export type Schedule = "constant" | "cosine" | "one-cycle";

/** PyTorch's defaults: share of the rise, and how far below the top it begins and ends. */
const rise = 0.3;
const startDivisor = 25;
const endDivisor = 1e4;

/**
 * @param lr the rate of "constant", the first of "cosine", the highest of "one-cycle"
 * @param step steps done before this one: 0…steps − 1
 * @param steps planned, all epochs together
 * @throws RangeError where the step is none of these
 */
export function learningRate(schedule: Schedule, lr: number, step: number, steps: number): number {
  if (!Number.isInteger(step) || step < 0 || step >= steps)
    throw new RangeError(`learningRate: step ${step} of ${steps}`);
  if (schedule === "constant") return lr;
  if (schedule === "cosine") return descend(lr, 0, step / steps);
  const start = lr / startDivisor;
  const top = rise * steps - 1;
  return step <= top
    ? descend(start, lr, step / top)
    : descend(lr, start / endDivisor, (step - top) / (steps - 1 - top));
}

/** From one value to another along half a cosine. */
function descend(from: number, to: number, done: number): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * done));
}
