/** Role: the triangular factor that makes a block's columns orthonormal, from their Gram matrix (Cholesky QR). */
import { orderOf } from "./symmetric-eigen.js";

/**
 * @param gram s × s, symmetric
 * @param least what must be left of each column's squared length when the columns before are taken out of it; the new columns are
 * orthonormal but for 1e-16 of its inverse
 * @returns R⁻¹ of RᵀR = gram, upper triangular; null where there is less
 */
export function inverseCholesky(gram: Float64Array, least: number): Float64Array | null {
  const s = orderOf(gram);
  const r = gram.slice();
  for (let i = 0; i < s; i++) {
    const row = i * s;
    if (!(r[row + i] > least * gram[row + i])) return null;
    const scale = 1 / Math.sqrt(r[row + i]);
    for (let j = i; j < s; j++) r[row + j] *= scale;
    for (let q = i + 1; q < s; q++) {
      const factor = r[row + q];
      for (let j = q; j < s; j++) r[q * s + j] -= factor * r[row + j];
    }
  }
  const inverse = new Float64Array(s * s);
  for (let i = s - 1; i >= 0; i--) {
    const row = i * s;
    inverse[row + i] = 1;
    for (let p = i + 1; p < s; p++) {
      const factor = r[row + p];
      for (let j = p; j < s; j++) inverse[row + j] -= factor * inverse[p * s + j];
    }
    const scale = 1 / r[row + i];
    for (let j = i; j < s; j++) inverse[row + j] *= scale;
  }
  return inverse;
}
