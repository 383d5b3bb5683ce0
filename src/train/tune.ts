/**
 * Role: the candidates of nested cross-validation and the choice among them.
 * Contract: pure. What an inner score is, the caller says; the outer test samples are never a part of it.
 * Reference: Varma & Simon 2006, "Bias in error estimation when using cross-validation for model selection".
 */
import type { Tuning } from "../config.js";

export type Candidate = { readonly [K in keyof Tuning]: number };

/** All combinations, the last setting changing fastest; one empty candidate where nothing is to be chosen. */
export function candidates(tune: Tuning): Candidate[] {
  return Object.entries(tune).reduce<Candidate[]>(
    (sofar, [name, values]) => sofar.flatMap((c) => values.map((value) => ({ ...c, [name]: value }))),
    [{}],
  );
}

/** Index of the best candidate by its mean score over the inner folds; of equal ones the first. */
export function bestCandidate(scores: readonly (readonly number[])[]): number {
  const means = scores.map((folds) => folds.reduce((sum, s) => sum + s, 0) / folds.length);
  return means.indexOf(Math.max(...means));
}
