/** What the two ways to principal components (krylov.ts, gram.ts) are asked and answer. */
import type { RandomState } from "../random.js";

export interface Search {
  /** Directions sought, fewer than samples and genes. */
  k: number;
  /** Draws the first block. */
  random: RandomState;
  threads?: number;
  /** Told often: directions that have converged, and where the work stands. May throw, which ends the search. */
  report: (converged: number, at: string) => void;
}

export interface Directions {
  /** Eigenvalues of XᵀX (X centred), falling, k of them. */
  values: Float64Array;
  /** k × genes, orthonormal rows. */
  loadings: Float32Array;
  /** Samples × k. */
  scores: Float32Array;
}

/** Columns kept: those sought and some spare ones, which speed up the last of them. A multiple of 16 fills the vector units. */
export const withSpare = (k: number): number => Math.ceil((k + OVERSAMPLING) / 16) * 16;
const OVERSAMPLING = 10;
