/**
 * Which genes score higher than chance allows: the scores of models that were trained on permuted labels are the null. A
 * gene's p is the share of null scores that are at least as large in size, with the observed one counted among them, so
 * that it is never 0 and valid with any number of permutations; q is Benjamini and Hochberg's.
 *
 * Own null: each gene against its own B null scores; valid whatever a gene is like, but p is 1/(B + 1) at the least, and
 * with some 20,000 genes and some ten permutations no q gets small. Pooled: against the null scores of all genes, down to
 * 1/(B · genes + 1); it takes for granted that all genes have the same null distribution, so that scores should be on one
 * scale (a gene of great variance has greater scores by chance as well).
 * Reference: Phipson & Smyth 2010, "Permutation p-values should never be zero"; Tusher, Tibshirani & Chu 2001 (pooling).
 */
import { benjaminiHochberg } from "../evaluate/benjamini-hochberg.js";
import { lowerBound } from "../evaluate/sorted.js";

export interface NullComparison {
  /** Of each gene: how often chance gives so large a score. */
  p: Float64Array;
  /** False-discovery rate of the genes down to this one. */
  q: Float64Array;
  /** The smallest p that the null can give. */
  resolution: number;
}

/**
 * @param observed scores of one class, one a gene; their sign does not matter
 * @param nulls the same of each model that was trained on permuted labels
 * @param pool compare with the null scores of all genes, not the gene's own
 * @throws RangeError where there is no null, lengths differ or a score is NaN
 */
export function compareWithNull(
  observed: ArrayLike<number>,
  nulls: readonly ArrayLike<number>[],
  pool: boolean,
): NullComparison {
  const genes = observed.length;
  if (nulls.length === 0) throw new RangeError("compareWithNull: no null scores");
  for (const scores of [observed, ...nulls]) {
    if (scores.length !== genes)
      throw new RangeError(`compareWithNull: ${scores.length} scores for ${genes} genes`);
    for (let gene = 0; gene < genes; gene++)
      if (Number.isNaN(scores[gene])) throw new RangeError(`compareWithNull: a score of gene ${gene} is NaN`);
  }
  const p = pool ? pooled(observed, nulls) : own(observed, nulls);
  const resolution = 1 / (nulls.length * (pool ? genes : 1) + 1);
  return { p, q: benjaminiHochberg(p), resolution };
}

function own(observed: ArrayLike<number>, nulls: readonly ArrayLike<number>[]): Float64Array {
  return Float64Array.from(observed, (score, gene) => {
    let above = 0;
    for (const scores of nulls) if (Math.abs(scores[gene]) >= Math.abs(score)) above++;
    return (1 + above) / (1 + nulls.length);
  });
}

function pooled(observed: ArrayLike<number>, nulls: readonly ArrayLike<number>[]): Float64Array {
  const genes = observed.length;
  const all = new Float64Array(nulls.length * genes);
  nulls.forEach((scores, b) => {
    for (let gene = 0; gene < genes; gene++) all[b * genes + gene] = Math.abs(scores[gene]);
  });
  all.sort();
  return Float64Array.from(
    observed,
    (score) => (1 + all.length - lowerBound(all, Math.abs(score))) / (1 + all.length),
  );
}
