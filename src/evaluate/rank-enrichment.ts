/**
 * Enrichment of gene sets over a whole ranking, without a cut at some k: do the genes of a set score higher (or lower) than
 * the other genes? The rank-sum test of every set, with Benjamini and Hochberg over the sets.
 *
 * Genes of a set rise and fall together, so that p of independent genes would be far too small. A mean correlation of 0.01
 * within a set is allowed for, as limma's `cameraPR(use.ranks = TRUE)` does by default; 0 gives the plain Mann–Whitney test.
 * Reference: Wu & Smyth 2012, "Camera: a competitive gene set test accounting for inter-gene correlation".
 */
import { benjaminiHochberg } from "./benjamini-hochberg.js";
import { mannWhitney, rankedValues } from "./mann-whitney.js";

export interface RankEnrichment {
  name: string;
  /** Genes of the set among the ranked ones. */
  size: number;
  /** How often a gene of the set scores higher than another gene; 0.5 by chance. */
  auc: number;
  /** > 0 where the set's genes score higher. */
  z: number;
  /** Two-sided; after Benjamini and Hochberg over all sets. */
  p: number;
  q: number;
}

/**
 * @param sets columns of the genes of each set, no column twice in a set; neither none nor all genes
 * @param scores one a gene
 * @param correlation mean correlation between genes of a set
 * @returns one for each set, in their order
 * @throws RangeError where a score is NaN, a set is empty or holds all genes, or the correlation is not in 0…1
 */
export function rankEnrichment(
  sets: readonly { readonly name: string; readonly genes: Int32Array }[],
  scores: ArrayLike<number>,
  correlation = 0.01,
): RankEnrichment[] {
  const ranked = rankedValues(scores);
  const rows = sets.map(({ name, genes }) => {
    const { auc, z, p } = mannWhitney(ranked, genes, correlation);
    return { name, size: genes.length, auc, z, p };
  });
  const q = benjaminiHochberg(rows.map(({ p }) => p));
  return rows.map((row, i) => ({ ...row, q: q[i] }));
}
