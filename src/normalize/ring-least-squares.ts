/**
 * Role: the values on a ring whose sums over windows are known (of every length given, one from every place on), by least
 * squares, with one weak equation a place that draws it to `level` and makes the solution unique.
 * Contract: the matrix of the normal equations is circulant, so the Fourier transform solves them exactly; float64,
 * deterministic. What is solved for are the differences from `level`, so that a system which the windows hardly
 * determine loses no digits.
 * Reference: the linear system of Lun, Bach & Marioni 2016; Davis 1979 for circulant matrices.
 */
import { type Complex, fourierTransform } from "../encode/genes/fft.js";

/**
 * @param sums for each length, in its order, the sum of the window that begins at place 0, 1, …, n − 1
 * @param weight of the weak equations, squared (scuttle's 1e-6)
 */
export function ringLeastSquares(
  lengths: readonly number[],
  sums: readonly Float64Array[],
  n: number,
  level: number,
  weight: number,
): Float64Array {
  if (n === 0) return new Float64Array(0);
  const right: Complex = { re: new Float64Array(n), im: new Float64Array(n) };
  lengths.forEach((length, s) => {
    for (let i = 0; i < n; i++) {
      // Each place lies in the windows that begin at it or at one of the length − 1 places before.
      let total = 0;
      for (let back = 0; back < length; back++) total += sums[s][(i - back + n) % n] - length * level;
      right.re[i] += total;
    }
  });
  const transform = fourierTransform(n);
  transform(right);
  for (let k = 0; k < n; k++) {
    let eigenvalue = weight;
    for (const length of lengths) eigenvalue += windowPower(length, k, n);
    right.re[k] /= eigenvalue;
    right.im[k] /= -eigenvalue; // conjugated, so that the same transform leads back
  }
  transform(right);
  return right.re.map((difference) => level + difference / n);
}

/** |Σ exp(2πi jk / n)|² over j = 0 … length − 1. */
function windowPower(length: number, k: number, n: number): number {
  if (k === 0) return length * length;
  const ratio = Math.sin((Math.PI * ((k * length) % n)) / n) / Math.sin((Math.PI * k) / n);
  return ratio * ratio;
}
