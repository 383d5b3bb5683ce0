/**
 * Role: weights that let every class count the same in the loss, however rare.
 * Reference: scikit-learn's compute_class_weight("balanced"); King & Zeng 2001.
 */

/**
 * n / (classes present · count of the class). A class without samples, which scikit-learn refuses, has weight 1, the mean
 * weight of a sample: it stays a number where one turns up in validation.
 *
 * @param codes class of every training sample, 0…classes − 1
 */
export function balancedWeights(codes: ArrayLike<number>, classes: number): Float64Array {
  const counts = new Int32Array(classes);
  for (let i = 0; i < codes.length; i++) counts[codes[i]]++;
  const present = counts.filter((count) => count > 0).length;
  return Float64Array.from(counts, (count) => (count > 0 ? codes.length / (present * count) : 1));
}
