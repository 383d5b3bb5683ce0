/**
 * The rank-sum test of some of the values against all others, by the normal approximation with corrections for ties and
 * continuity, two-sided: `scipy.stats.mannwhitneyu(…, method="asymptotic")`. Optionally the values of the one part are
 * correlated with each other, which makes their rank sum vary more than that of independent ones.
 * Reference: Mann & Whitney 1947; Barry, Nobel & Wright 2008, "A statistical framework for testing functional categories
 * in microarray data" (the variance under correlation, which limma's `rankSumTestWithCorrelation` has as well).
 */
import { normalCdf } from "./normal.js";
import { averageRanks } from "./ranks.js";

export interface RankedValues {
  /** Mean ranks from 1. */
  ranks: Float64Array;
  /** Σ t³ − t over the groups of t equal values. */
  ties: number;
}

/** Ranks values once for many tests. @throws RangeError where one is NaN */
export function rankedValues(values: ArrayLike<number>): RankedValues {
  const ranks = averageRanks(values);
  const sorted = ranks.slice().sort();
  let ties = 0;
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1;
    while (to < sorted.length && sorted[to] === sorted[from]) to++;
    ties += (to - from) ** 3 - (to - from);
    from = to;
  }
  return { ranks, ties };
}

export interface MannWhitney {
  /** How often a member is greater than another value, of all pairs; a tie counts half. */
  u: number;
  /** u as a share, 0.5 by chance. */
  auc: number;
  /** > 0 where members are the greater ones; 0 where all values are equal. */
  z: number;
  /** Two-sided. */
  p: number;
}

/**
 * @param members indices of the values of the one part, none twice; neither none nor all
 * @param correlation between two members, on average; 0 for independent ones
 * @throws RangeError where a part is empty, or the correlation is not in 0…1
 */
export function mannWhitney(
  { ranks, ties }: RankedValues,
  members: ArrayLike<number>,
  correlation = 0,
): MannWhitney {
  const n = ranks.length;
  const own = members.length;
  const rest = n - own;
  if (own === 0 || rest <= 0) throw new RangeError(`mannWhitney: ${own} of ${n} values are members`);
  if (!(correlation >= 0 && correlation <= 1))
    throw new RangeError(`mannWhitney: a correlation of ${correlation} is not in 0…1`);
  let sum = 0;
  for (let i = 0; i < own; i++) sum += ranks[members[i]];
  const u = sum - (own * (own + 1)) / 2;
  const gap = u - (own * rest) / 2;
  // pairs of comparisons: the same, of one member, of one other value, of neither
  const variance =
    ((own * rest) / (2 * Math.PI)) *
    (Math.PI / 2 +
      (Math.PI / 6) * (rest - 1) +
      Math.asin((1 + correlation) / 2) * (own - 1) +
      Math.asin(correlation / 2) * (own - 1) * (rest - 1)) *
    (1 - ties / (n * (n * n - 1)));
  const reach = Math.max(0, Math.abs(gap) - 0.5);
  const z = reach === 0 || variance <= 0 ? 0 : (Math.sign(gap) * reach) / Math.sqrt(variance);
  return { u, auc: u / (own * rest), z, p: 2 * normalCdf(-Math.abs(z)) };
}
