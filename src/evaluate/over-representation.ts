/**
 * Over-representation of gene sets among the genes that were picked (the top k of a class): how likely as many would be
 * among as many genes picked blindly from all genes of the matrix. These, not all genes of the genome, are the
 * background: others could not have been picked.
 * Reference: Rivals et al. 2007, "Enrichment or depletion of a GO category within a class of genes: which test?"
 */
import { benjaminiHochberg } from "./benjamini-hochberg.js";
import { hypergeometricTail } from "./hypergeometric.js";

export interface OverRepresentation {
  name: string;
  /** Genes of the set in the background. */
  size: number;
  /** Columns of the picked genes that are in the set, in the order of picking. */
  found: Int32Array;
  /** How many a blind choice finds on average, and how many times as many were found. */
  expected: number;
  fold: number;
  /** Probability of as many or more by a blind choice; after Benjamini and Hochberg over all sets. */
  p: number;
  q: number;
}

/**
 * @param sets columns of the genes of each set, no column twice in a set; at least one
 * @param picked columns of the picked genes
 * @param background number of genes
 * @returns one for each set, in their order
 * @throws RangeError where a column is not in 0…background−1 or is picked twice, or a set is empty
 */
export function overRepresentation(
  sets: readonly { readonly name: string; readonly genes: Int32Array }[],
  picked: ArrayLike<number>,
  background: number,
): OverRepresentation[] {
  const chosen = new Set(Array.from(picked));
  if (chosen.size < picked.length) throw new RangeError("overRepresentation: a gene is picked twice");
  for (const genes of [picked, ...sets.map((set) => set.genes)])
    for (let i = 0; i < genes.length; i++)
      if (!(genes[i] >= 0 && genes[i] < background))
        throw new RangeError(`overRepresentation: gene ${genes[i]} of ${background}`);
  const rows = sets.map(({ name, genes }) => {
    if (genes.length === 0) throw new RangeError(`overRepresentation: the set '${name}' is empty`);
    const members = new Set(genes);
    const found = Int32Array.from(Array.from(picked).filter((gene) => members.has(gene)));
    const expected = (picked.length * genes.length) / background;
    const p = hypergeometricTail(found.length, background, genes.length, picked.length);
    const fold = found.length === 0 ? 0 : found.length / expected;
    return { name, size: genes.length, found, expected, fold, p };
  });
  const q = benjaminiHochberg(rows.map(({ p }) => p));
  return rows.map((row, i) => ({ ...row, q: q[i] }));
}
