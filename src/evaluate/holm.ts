/**
 * Holm's step-down adjustment of p values: each adjusted p may be held against the level as if it were alone, and the
 * chance of even one false rejection among all stays below the level, however the tests depend on each other. As
 * statsmodels' `multipletests(…, method="holm")`.
 * Reference: Holm 1979, "A simple sequentially rejective multiple test procedure".
 */

/**
 * @param p values in 0…1, in any order
 * @returns the adjusted ones, in the same order
 * @throws RangeError where a value is not in 0…1
 */
export function holm(p: readonly number[]): number[] {
  const bad = p.findIndex((value) => !(value >= 0 && value <= 1));
  if (bad >= 0) throw new RangeError(`holm: p value ${bad} is ${p[bad]}`);
  const order = p.map((_, i) => i).sort((i, j) => p[i] - p[j]);
  const adjusted = new Array<number>(p.length);
  let largest = 0;
  order.forEach((i, rank) => {
    largest = Math.max(largest, Math.min(1, (p.length - rank) * p[i]));
    adjusted[i] = largest;
  });
  return adjusted;
}
