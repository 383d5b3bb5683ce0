/**
 * The distribution behind exact paired tests: every value keeps or loses its sign with equal chance, and the sum of those
 * that stay positive is looked at. Wilcoxon's test is this over ranks, McNemar's over ones, the test of grouped
 * samples over the groups' differences.
 * Reference: Fisher 1935, "The design of experiments", §21; Pitman 1937.
 */

/**
 * Probability that the positive ones sum to `limit` or less. All terms are positive, so no digits cancel. Steps grow as
 * values × limit.
 *
 * @param values whole numbers ≥ 0
 * @param limit a whole number ≥ 0
 */
export function signFlipTail(values: ArrayLike<number>, limit: number): number {
  const probability = new Float64Array(limit + 1); // of each sum, after the values so far
  probability[0] = 1;
  let reach = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === 0) continue; // has no sign
    reach = Math.min(limit, reach + value);
    for (let sum = reach; sum >= 0; sum--)
      probability[sum] = (probability[sum] + (sum >= value ? probability[sum - value] : 0)) / 2;
  }
  return probability.reduce((total, value) => total + value, 0);
}
