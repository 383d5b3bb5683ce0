/**
 * Benjamini and Hochberg's step-up adjustment of p values: among the tests whose adjusted p (q) is at most a level, the
 * expected share of false ones is at most the level, where tests are independent or positively dependent. As
 * `scipy.stats.false_discovery_control` and statsmodels' `multipletests(…, method="fdr_bh")`.
 * Reference: Benjamini & Hochberg 1995, "Controlling the false discovery rate".
 */

/**
 * @param p values in 0…1, in any order
 * @returns q of each, in the same order
 * @throws RangeError where a value is not in 0…1
 */
export function benjaminiHochberg(p: ArrayLike<number>): Float64Array {
  const n = p.length;
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    if (!(p[i] >= 0 && p[i] <= 1)) throw new RangeError(`benjaminiHochberg: p value ${i} is ${p[i]}`);
    order[i] = i;
  }
  order.sort((i, j) => p[i] - p[j]);
  const q = new Float64Array(n);
  let smallest = 1;
  for (let rank = n; rank > 0; rank--) {
    const i = order[rank - 1];
    smallest = Math.min(smallest, p[i] * (n / rank));
    q[i] = smallest;
  }
  return q;
}
