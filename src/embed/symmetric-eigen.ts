/** Role: all eigenpairs of a small symmetric matrix, in float64, falling. */
import { Matrix as Dense, EigenvalueDecomposition } from "ml-matrix";

export interface Eigen {
  /** Falling. */
  values: Float64Array;
  /** m × m row-major; column i belongs to values[i]. */
  vectors: Float64Array;
}

/** Rows of a square matrix, as an integer: loops over a number that V8 holds to be a double take several times as long. */
export const orderOf = (a: ArrayLike<number>): number => Math.sqrt(a.length) | 0;

/** @param a symmetric, m × m row-major */
export function symmetricEigen(a: Float64Array): Eigen {
  const m = orderOf(a);
  const symmetric = new Float64Array(m * m);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < m; j++) symmetric[i * m + j] = (a[i * m + j] + a[j * m + i]) / 2;
  const evd = new EigenvalueDecomposition(Dense.from1DArray(m, m, symmetric), { assumeSymmetric: true });
  const all = evd.realEigenvalues;
  const order = all.map((_, i) => i).sort((p, q) => all[q] - all[p] || p - q);
  const columns = evd.eigenvectorMatrix.to1DArray();
  const vectors = new Float64Array(m * m);
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) vectors[i * m + j] = columns[i * m + order[j]];
  return { values: Float64Array.from(order, (i) => all[i]), vectors };
}
