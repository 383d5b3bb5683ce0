/**
 * Role: the expression matrix of a run before its normalisation, which is the first thing that every fold fits.
 * Contract: where nothing is fitted (`none`, `log1p-cp10k`, `log1p-cpm`), the matrix is normalised once and all folds get
 * that one; by size factors each fold gets its own.
 */
import type { Matrix } from "../matrix.js";
import type { Progress } from "../progress.js";
import { type Normalization, normalizeByFactors, normalizeMatrix, requireCounts } from "./normalize.js";
import { fitSizeFactors, type Remarks, type SizeFactors } from "./size-factors.js";

export interface Expression {
  /**
   * What these samples (null: all) fit.
   * @returns null where there is nothing to fit
   */
  fit(
    rows: Int32Array | null,
    options: { progress?: Progress; signal?: AbortSignal },
  ): Promise<(SizeFactors & { remarks: Remarks }) | null>;
  /** All samples × genes, normalised. */
  normalised(fit: SizeFactors | null): Matrix;
}

/**
 * @param matrix samples × genes; held, where size factors are asked for
 * @throws CellhueError where it does not hold counts; of a stored matrix when it is read
 */
export function expressionOf(matrix: Matrix, how: Normalization): Expression {
  if (how !== "log1p-scran") {
    const normalised = normalizeMatrix(matrix, how);
    return { fit: async () => null, normalised: () => normalised };
  }
  if (matrix.kind === "stored") throw new RangeError("expressionOf: size factors of a stored matrix");
  requireCounts(matrix, how);
  return {
    fit: (rows, options) => fitSizeFactors(matrix, rows, options),
    normalised(fit) {
      if (fit === null) throw new RangeError("expressionOf: no size factors");
      return normalizeByFactors(matrix, fit.factors);
    },
  };
}
