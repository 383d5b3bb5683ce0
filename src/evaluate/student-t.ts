/**
 * Student's t distribution: its cumulative function and quantile, for any number of degrees of freedom > 0. The area
 * is a regularised incomplete beta function: near 0 its power series, whose terms are all positive, so that no digits
 * cancel; beyond, the continued fraction of the tail, so that a small p keeps its digits.
 * It gives what `scipy.stats.t.cdf` and `.ppf` give; the tail has a relative error of less than 1e-10 up to a million
 * degrees of freedom, beyond which it grows in proportion.
 * Reference: NIST Digital Library of Mathematical Functions, 8.17.22 (the fraction) and 5.11.13 (the ratio of Γ).
 */

/**
 * @param t may be infinite
 * @param df degrees of freedom, > 0 and finite, not necessarily whole
 * @returns the probability of a value of at most `t`
 * @throws RangeError where `df` is not positive and finite, or `t` is NaN
 */
export function studentTCdf(t: number, df: number): number {
  if (!(df > 0 && df < Number.POSITIVE_INFINITY))
    throw new RangeError(`studentTCdf: ${df} degrees of freedom`);
  if (Number.isNaN(t)) throw new RangeError("studentTCdf: t is NaN");
  const tail = upperTail(Math.abs(t), df);
  return t > 0 ? 1 - tail : tail;
}

/**
 * @param p in 0…1; 0 and 1 give −∞ and ∞
 * @param df as for `studentTCdf`
 * @returns the t below which a value lies with probability `p`
 * @throws RangeError where `p` is not in 0…1 or `df` not positive and finite
 */
export function studentTQuantile(p: number, df: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`studentTQuantile: p is ${p}`);
  if (!(df > 0 && df < Number.POSITIVE_INFINITY))
    throw new RangeError(`studentTQuantile: ${df} degrees of freedom`);
  if (p === 0 || p === 1) return p === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (p === 0.5) return 0;
  const tail = Math.min(p, 1 - p);
  let high = 1;
  while (upperTail(high, df) > tail) high *= 2; // ends at ∞ at the latest, where the tail is 0
  let low = high === 1 ? 0 : high / 2;
  // halved until there is no number between the two
  for (let middle = low + (high - low) / 2; middle > low && middle < high; middle = low + (high - low) / 2) {
    if (upperTail(middle, df) > tail) low = middle;
    else high = middle;
  }
  return p < 0.5 ? -high : high;
}

/** Probability of a value greater than t ≥ 0. */
function upperTail(t: number, df: number): number {
  if (t === Number.POSITIVE_INFINITY) return 0;
  const r = t / Math.sqrt(df);
  // log(1 + t²/df); to 1e16 the 1 is nothing, and a square may overflow
  const log = r > 1e8 ? 2 * Math.log(t) - Math.log(df) : Math.log1p(r * r);
  const x = Math.exp(-log); // df / (df + t²)
  const y = -Math.expm1(-log); // t² / (df + t²)
  const front = Math.exp((-df / 2) * log) * Math.sqrt(y) * inverseBeta(df / 2);
  return t * t * (df + 2) > 3 * df ? (front * fraction(x, df / 2)) / df : (1 - 2 * front * series(y, df)) / 2;
}

/** Sum of the powers of y: I_y(½, df/2) = 2 · front · sum. */
function series(y: number, df: number): number {
  let sum = 1;
  let term = 1;
  for (let n = 0; term > sum * Number.EPSILON; n++) {
    term *= (y * (n + (df + 1) / 2)) / (n + 1.5);
    sum += term;
  }
  return sum;
}

/** I_x(a, ½) = front / a · fraction, by Lentz's method; it converges the faster the further out x lies. */
function fraction(x: number, a: number): number {
  const b = 0.5;
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; ; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    const change = d * c;
    value *= change;
    if (Math.abs(change - 1) <= Number.EPSILON) return value;
  }
}

/** 1 / B(a, ½) = Γ(a + ½) / (Γ(a) · √π): Stirling's series of the ratio, carried down to a by recurrence. */
function inverseBeta(a: number): number {
  let factor = 1;
  while (a < 30) {
    factor *= a / (a + 0.5);
    a++;
  }
  const z = 1 / (8 * a);
  // 1 − 1/8a + 1/128a² + 5/1024a³ − 21/32768a⁴ − 399/262144a⁵ + 869/4194304a⁶ + 39325/33554432a⁷ in powers of 1/8a
  const ratio =
    1 + z * (-1 + z * (0.5 + z * (2.5 + z * (-2.625 + z * (-49.875 + z * (54.3125 + z * 2457.8125))))));
  return (factor * ratio * Math.sqrt(a)) / Math.sqrt(Math.PI);
}
