/**
 * Wilcoxon's signed-rank test of paired values, two-sided and exact: the distribution of the rank sum over all 2^n
 * signs of the differences, by dynamic programming, ties included. Pairs that are equal are dropped (Wilcoxon's way).
 *
 * It gives what `scipy.stats.wilcoxon(a, b)` gives wherever that is exact: without ties and zeros up to 50 pairs, with
 * them up to 13 pairs (scipy 1.13 and later enumerate the signs there). Beyond, scipy takes the normal approximation
 * and this function stays exact; scipy's `method="exact"` in turn is not exact with ties. As in scipy, two differences
 * are tied where they are equal as floating-point numbers.
 * Reference: Wilcoxon 1945, "Individual comparisons by ranking methods"; Pratt & Gibbons 1981 for the conditional
 * distribution under ties.
 */
export interface WilcoxonResult {
  /** The smaller of the two rank sums. */
  statistic: number;
  /** Two-sided p value. */
  p: number;
  /** The smallest p that `n` pairs can give, 2 / 2^n: no difference, however large, gets below it. */
  pAttainable: number;
  /** Pairs that differ. */
  n: number;
  method: "exact";
  /** What a reader should know beside p, in one sentence. */
  note?: string;
}

/**
 * @param a finite values, one a pair
 * @param b as `a`
 * @throws RangeError where the lengths differ or a value is not finite
 */
export function wilcoxonSignedRank(a: readonly number[], b: readonly number[]): WilcoxonResult {
  if (a.length !== b.length)
    throw new RangeError(`wilcoxonSignedRank: ${a.length} values against ${b.length}`);
  const differences = a.map((value, i) => value - b[i]);
  const bad = differences.findIndex((d) => !Number.isFinite(d));
  if (bad >= 0) throw new RangeError(`wilcoxonSignedRank: pair ${bad} is ${a[bad]} and ${b[bad]}`);

  const nonzero = differences.filter((d) => d !== 0);
  const n = nonzero.length;
  if (n === 0)
    return {
      statistic: 0,
      p: 1,
      pAttainable: 1,
      n,
      method: "exact",
      note: a.length === 0 ? "There are no pairs." : "All pairs are equal.",
    };

  const ranks = doubledRanks(nonzero.map(Math.abs));
  let plus = 0;
  let total = 0;
  for (let i = 0; i < n; i++) {
    total += ranks[i];
    if (nonzero[i] > 0) plus += ranks[i];
  }
  const smaller = Math.min(plus, total - plus);
  const equal = a.length - n;
  const result: WilcoxonResult = {
    statistic: smaller / 2,
    p: Math.min(1, 2 * lowerTail(ranks, smaller)), // the distribution is symmetric
    pAttainable: 2 ** (1 - n),
    n,
    method: "exact",
  };
  if (equal > 0)
    result.note = `${equal} of ${a.length} pairs ${equal === 1 ? "is" : "are"} equal and dropped; without equal pairs the smallest attainable p is ${2 ** (1 - a.length)}.`;
  return result;
}

/** Twice the rank (from 1) of each value; equal values share their mean rank, so doubled ranks are whole. */
function doubledRanks(values: readonly number[]): Float64Array {
  const order = values.map((_, i) => i).sort((i, j) => values[i] - values[j]);
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let i = from; i < to; i++) ranks[order[i]] = from + 1 + to; // 2 · mean of from + 1 … to
    from = to;
  }
  return ranks;
}

/**
 * Probability that the ranks with a positive sign sum to `limit` or less, each sign being + or − with equal chance.
 * Sums above `limit` are never needed. All terms are positive, so no digits cancel. Steps grow as n³: 0.1 s for 500.
 */
function lowerTail(ranks: Float64Array, limit: number): number {
  const probability = new Float64Array(limit + 1); // of each sum, after the ranks so far
  probability[0] = 1;
  let reach = 0;
  for (const rank of ranks) {
    reach = Math.min(limit, reach + rank);
    for (let sum = reach; sum >= 0; sum--)
      probability[sum] = (probability[sum] + (sum >= rank ? probability[sum - rank] : 0)) / 2;
  }
  return probability.reduce((total, value) => total + value, 0);
}
