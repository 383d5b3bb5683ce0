/**
 * What the splitters share: the fold, the seed, and codes made ready to count. A splitter is a pure function of codes
 * and a seed; it knows rows by number only.
 */
import { RandomState } from "../../random.js";

/** Row numbers, rising; no row is in two parts. */
export interface Fold {
  train: Int32Array;
  test: Int32Array;
}

/** A fold with rows set aside from its training part, to stop or tune by. */
export interface Parts extends Fold {
  /** Rising; empty where there is none. */
  validation: Int32Array;
}

/** As scikit-learn's `random_state`: a 32-bit unsigned integer, or a state that is drawn from where it stands. */
export type Seed = number | RandomState;

/** @throws RangeError where the number is no 32-bit unsigned integer */
export function randomFrom(seed: Seed, who: string): RandomState {
  if (seed instanceof RandomState) return seed;
  requireSeed(seed, who);
  return new RandomState(seed);
}

/** @throws RangeError where it is no 32-bit unsigned integer */
export function requireSeed(seed: number, who: string): void {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    throw new RangeError(`${who}: seed ${seed} is no integer in 0…4294967295`);
}

/** @throws RangeError where it is no number of folds */
export function requireFoldCount(folds: number, who: string): void {
  if (!Number.isInteger(folds) || folds < 2) throw new RangeError(`${who}: ${folds} folds; at least 2`);
}

export interface Ranked {
  /** Per row, the rank of its code among the different codes: 0, 1, … */
  ranks: Int32Array;
  /** Rows per rank. */
  counts: Int32Array;
  /** The different codes, rising. */
  values: Int32Array;
}

/**
 * Codes that need not be contiguous, as ranks (numpy's `unique` with inverse and counts).
 * @throws RangeError where a code is negative, which stands for a missing value
 */
export function rankCodes(codes: Int32Array, kind: "class" | "group", who: string): Ranked {
  const missing = codes.findIndex((code) => code < 0);
  if (missing >= 0) throw new RangeError(`${who}: row ${missing} has no ${kind} (code ${codes[missing]})`);
  const values = Int32Array.from(new Set(codes)).sort();
  const rankOf = new Map(Array.from(values, (code, rank) => [code, rank]));
  const counts = new Int32Array(values.length);
  const ranks = codes.map((code) => {
    const rank = rankOf.get(code) as number;
    counts[rank]++;
    return rank;
  });
  return { ranks, counts, values };
}

/** @throws RangeError where the two are not of one length */
export function requireSameLength(codes: Int32Array, groups: Int32Array, who: string): void {
  if (codes.length !== groups.length)
    throw new RangeError(`${who}: ${codes.length} class codes, ${groups.length} group codes`);
}

/** Every fold once as the test part. @param foldOf fold of each row; −1: in training always */
export function foldsFrom(foldOf: Int32Array, folds: number): Fold[] {
  return Array.from({ length: folds }, (_, fold) => {
    let size = 0;
    for (const its of foldOf) if (its === fold) size++;
    const test = new Int32Array(size);
    const train = new Int32Array(foldOf.length - size);
    for (let row = 0, i = 0, j = 0; row < foldOf.length; row++) {
      if (foldOf[row] === fold) test[i++] = row;
      else train[j++] = row;
    }
    return { train, test };
  });
}

/** The values of some rows. */
export function take(values: Int32Array, rows: Int32Array): Int32Array {
  return rows.map((row) => values[row]);
}
