/**
 * Clopper and Pearson's upper limit of an error rate: the greatest rate at which so few errors are still seen with the
 * given probability. It is exact: whatever the true rate, the limit is below it with at most 1 − confidence.
 * scipy: `binomtest(errors, n, alternative="less").proportion_ci(confidence, method="exact").high`.
 * Reference: Clopper & Pearson 1934, "The use of confidence or fiducial limits illustrated in the case of the binomial".
 */

/**
 * @param errors of `n` independent samples
 * @param confidence one-sided, in 0…1, e.g. 0.95
 * @returns the limit, to 1e-15; 1 where there are no samples or all are errors
 * @throws RangeError where the counts or the confidence do not fit
 */
export function clopperPearsonUpper(errors: number, n: number, confidence: number): number {
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`the confidence ${confidence} is not in 0…1`);
  if (errors === n) return 1;
  let low = 0;
  let high = 1;
  while (high - low > 1e-15) {
    const middle = (low + high) / 2;
    if (binomialCdf(errors, n, middle) > 1 - confidence) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * Probability of at most `k` successes of `n`, each with probability `p`. Sums outwards from k towards the side of the
 * smaller tail, where the terms fall at least geometrically.
 *
 * @throws RangeError where 0 ≤ k ≤ n or 0 ≤ p ≤ 1 does not hold
 */
export function binomialCdf(k: number, n: number, p: number): number {
  if (!(Number.isInteger(k) && Number.isInteger(n) && k >= 0 && k <= n && p >= 0 && p <= 1))
    throw new RangeError(`no binomial distribution has k = ${k}, n = ${n}, p = ${p}`);
  if (k === n || p === 0) return 1;
  if (p === 1) return 0;
  // up to the mean the lower tail is the smaller one; beyond it the upper tail, as failures
  if (k > n * p) return 1 - lowerTail(n - k - 1, n, 1 - p);
  return lowerTail(k, n, p);
}

function lowerTail(k: number, n: number, p: number): number {
  let log = k * Math.log(p) + (n - k) * Math.log1p(-p);
  const fewer = Math.min(k, n - k);
  for (let i = 1; i <= fewer; i++) log += Math.log((n - fewer + i) / i); // n over k
  let term = 1;
  let sum = 1;
  for (let i = k; i > 0 && term > 1e-18 * sum; i--) {
    term *= (i / (n - i + 1)) * ((1 - p) / p);
    sum += term;
  }
  return Math.exp(log) * sum;
}
