/**
 * How far several rankings of the same genes (of folds, of seeds) agree: the mean Spearman correlation and the mean Jaccard
 * index of the top k over all pairs, and for each gene the share of rankings that have it among their top k.
 * Folds share most of their training samples, so agreement over folds says less than agreement over independent sets.
 * Reference: Kalousis, Prados & Hilario 2007, "Stability of feature selection algorithms".
 */
import { averageRanks, descending } from "./ranks.js";
import { rankCorrelation } from "./spearman.js";

export interface RankStability {
  /** Mean over all pairs of rankings; null where there is one ranking or none. */
  spearman: number | null;
  /** |A ∩ B| / |A ∪ B| of the top k of two rankings, mean over all pairs (1 where both are empty); null as `spearman`. */
  jaccard: number | null;
  /** For each gene the share of rankings that have it among their top k. */
  share: Float64Array;
  rankings: number;
  /** The k that was used: at most the number of genes. */
  k: number;
}

/**
 * @param scores one vector a ranking, one score a gene, greatest first; of equal ones the first gene is first. A gene of score 0
 *   is in no top: its place among others of score 0 would be that in the file
 * @param k of the top; all genes where there are fewer
 * @throws RangeError where there is no ranking, lengths differ, a score is NaN or k is not a whole number above 0
 */
export function rankStability(scores: readonly ArrayLike<number>[], k: number): RankStability {
  if (!(Number.isInteger(k) && k > 0)) throw new RangeError(`rankStability: k is ${k}`);
  if (scores.length === 0) throw new RangeError("rankStability: no rankings");
  const genes = scores[0].length;
  const odd = scores.findIndex((one) => one.length !== genes);
  if (odd >= 0)
    throw new RangeError(`rankStability: ranking ${odd} has ${scores[odd].length} scores, not ${genes}`);

  const most = Math.min(k, genes);
  const tops = scores.map(
    (one) =>
      new Set(
        descending(one)
          .subarray(0, most)
          .filter((gene) => one[gene] !== 0),
      ),
  );
  const share = new Float64Array(genes);
  for (const top of tops) for (const gene of top) share[gene]++;
  for (let gene = 0; gene < genes; gene++) share[gene] /= scores.length;

  const ranks = scores.map(averageRanks);
  let correlations = 0;
  let overlaps = 0;
  let pairs = 0;
  for (let a = 0; a < scores.length; a++)
    for (let b = a + 1; b < scores.length; b++) {
      let common = 0;
      for (const gene of tops[a]) if (tops[b].has(gene)) common++;
      correlations += rankCorrelation(ranks[a], ranks[b]);
      const either = tops[a].size + tops[b].size - common;
      overlaps += either === 0 ? 1 : common / either;
      pairs++;
    }
  const mean = (sum: number) => (pairs === 0 ? null : sum / pairs);
  return { spearman: mean(correlations), jaccard: mean(overlaps), share, rankings: scores.length, k: most };
}
