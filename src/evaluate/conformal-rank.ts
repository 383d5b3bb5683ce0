/**
 * The rank that makes a quantile of n calibration scores hold for the next one: with all n + 1 exchangeable, the new
 * score is at most the ⌈(n + 1)(1 − α)⌉-th smallest with a probability of 1 − α or more.
 * Reference: Vovk, Gammerman & Shafer 2005, "Algorithmic learning in a random world".
 */

/** A product like 100 · 0.29 falls short of the whole number by rounding alone. */
const rounding = 1e-9;

/**
 * @returns the rank from 1; n + 1 where n scores are too few for this α
 * @throws RangeError where α is not in 0…1
 */
export function conformalRank(n: number, alpha: number): number {
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`alpha is ${alpha}, not in 0…1`);
  return n + 1 - Math.floor((n + 1) * alpha + rounding);
}

/** The least number of scores for which `conformalRank` is no more than their number. */
export function scoresNeeded(alpha: number): number {
  return Math.ceil(1 / alpha - rounding) - 1;
}
