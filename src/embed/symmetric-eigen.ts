/** Role: all eigenpairs of a small symmetric matrix, in float64, falling. */
import { Matrix as Dense, EigenvalueDecomposition } from "ml-matrix";

export interface Eigen {
  /** Falling. */
  values: Float64Array;
  /** m × m row-major; column i belongs to values[i]. */
  vectors: Float64Array;
}

/** @param a symmetric, m × m row-major */
export function symmetricEigen(a: Float64Array): Eigen {
  const m = Math.sqrt(a.length);
  const dense = new Dense(m, m);
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) dense.set(i, j, (a[i * m + j] + a[j * m + i]) / 2);
  const evd = new EigenvalueDecomposition(dense, { assumeSymmetric: true });
  const order = evd.realEigenvalues.map((_, i) => i);
  order.sort((p, q) => evd.realEigenvalues[q] - evd.realEigenvalues[p] || p - q);
  const vectors = new Float64Array(m * m);
  const columns = evd.eigenvectorMatrix;
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) vectors[i * m + j] = columns.get(i, order[j]);
  return { values: Float64Array.from(order, (i) => evd.realEigenvalues[i]), vectors };
}
