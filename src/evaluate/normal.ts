/**
 * The standard normal distribution: its cumulative function and quantile, as `scipy.stats.norm.cdf` and `.ppf`. Near 0
 * a power series, whose terms are all positive; beyond, the continued fraction of the tail, so that a small p keeps its
 * digits.
 * Reference: Abramowitz & Stegun 1964, 26.2.11 (the series) and 26.2.14 (the fraction).
 */

/** @throws RangeError where `z` is NaN */
export function normalCdf(z: number): number {
  if (Number.isNaN(z)) throw new RangeError("normalCdf: z is NaN");
  const tail = upperTail(Math.abs(z));
  return z > 0 ? 1 - tail : tail;
}

/**
 * @param p in 0…1; 0 and 1 give −∞ and ∞
 * @throws RangeError where `p` is not in 0…1
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`normalQuantile: p is ${p}`);
  if (p === 0 || p === 1) return p === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (p === 0.5) return 0;
  const tail = Math.min(p, 1 - p);
  let low = 0;
  let high = 40; // the tail beyond is less than the smallest number
  // halved until there is no number between the two
  for (let middle = 20; middle > low && middle < high; middle = low + (high - low) / 2) {
    if (upperTail(middle) > tail) low = middle;
    else high = middle;
  }
  return p < 0.5 ? -high : high;
}

/** Probability of a value greater than z ≥ 0. */
function upperTail(z: number): number {
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z < 2) {
    let sum = 0;
    for (let term = z, n = 3; term > sum * Number.EPSILON; n += 2) {
      sum += term;
      term *= (z * z) / n;
    }
    return 0.5 - density * sum;
  }
  if (density === 0) return 0;
  let fraction = z; // z + 1/(z + 2/(z + 3/(…))), from the inside; at z = 2, 150 terms are enough
  for (let n = 150; n > 0; n--) fraction = z + n / fraction;
  return density / fraction;
}
