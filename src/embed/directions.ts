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

export interface Moments {
  /** Of each gene. */
  mean: Float64Array;
  /** Variance (ddof 1) summed over all genes. */
  totalVariance: number;
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

/** For products of some 40 rows and more, see SessionOptions.mostThreads. */
export const MOST_THREADS = 16;

export type Precision = "float32" | "float64";
export type Floats = Float32Array | Float64Array;

export const floats = (precision: Precision, length: number): Floats =>
  precision === "float32" ? new Float32Array(length) : new Float64Array(length);

export const precisionOf = (values: Floats): Precision =>
  values instanceof Float32Array ? "float32" : "float64";
