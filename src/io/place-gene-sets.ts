/**
 * Gene sets as columns of a matrix. Names are compared by the rules of match-genes.ts: exactly, but for case, but for an
 * Ensembl version, by second names (symbols beside Ensembl ids). Genes that the matrix does not have are left out: it is
 * the genes of the matrix that could be found. Pure.
 */
import { CellhueError } from "../errors.js";
import { describeGenes } from "./gene-names.js";
import type { GeneSet } from "./gmt.js";
import { type MatchRule, matchGenes } from "./match-genes.js";
import type { GeneNames } from "./second-names.js";
import { visible } from "./visible.js";

export interface PlacedSet {
  name: string;
  /** Columns of the genes that the matrix has, rising; at least one. */
  genes: Int32Array;
  /** Genes of the set in the file, found or not. */
  size: number;
}

export interface PlacedSets {
  /** Sets with at least one gene of the matrix. */
  sets: PlacedSet[];
  /** Names of the other sets. */
  without: string[];
  /** Different genes of all sets, and how many of them the matrix has. */
  total: number;
  matched: number;
  /** Genes found by each rule. */
  how: Record<MatchRule, number>;
}

/**
 * @param have names of the matrix' genes
 * @param where the file of the sets, for errors
 * @throws CellhueError where the matrix has no gene of any set, or two columns for one
 */
export function placeGeneSets(sets: readonly GeneSet[], have: GeneNames, where: string): PlacedSets {
  const names = [...new Set(sets.flatMap(({ genes }) => genes))];
  const match = matchGenes({ names, ids: null }, have);
  if (match.overlap === 0) throw noOverlap(names, have, where);
  const column = new Map(names.map((name, i) => [name, match.from[i]]));
  const placed = sets.map(({ name, genes }) => ({
    name,
    genes: Int32Array.from(new Set(genes.map((gene) => column.get(gene) ?? -1).filter((c) => c >= 0))).sort(),
    size: genes.length,
  }));
  return {
    sets: placed.filter(({ genes }) => genes.length > 0),
    without: placed.filter(({ genes }) => genes.length === 0).map(({ name }) => name),
    total: names.length,
    matched: match.overlap,
    how: match.how,
  };
}

const kinds = {
  symbols: "symbols",
  ensembl: "Ensembl ids",
  entrez: "Entrez numbers",
  probes: "names of probes",
  "row numbers": "numbers of rows",
  other: "other names",
};

function noOverlap(names: readonly string[], have: GeneNames, where: string): CellhueError {
  const some = (list: readonly string[]) =>
    list
      .slice(0, 3)
      .map((name) => `'${visible(name, 40)}'`)
      .join(", ") || "none at all";
  const ofSets = kinds[describeGenes(names).kind];
  const ofFile = kinds[describeGenes(have.index).kind];
  const beside = [...have.others.keys()].map((name) => visible(name, 40)).join(", ");
  return new CellhueError("the expression file has no gene of the gene sets", {
    where,
    found: `${names.length} genes such as ${some(names)} (${ofSets}) in the sets; the file names its ${have.index.length} genes ${some(have.index)} (${ofFile})${beside === "" ? "" : `, and in var: ${beside}`}`,
    expected: "the same naming in both",
    remedy:
      ofSets === ofFile
        ? "gene sets of the same species and naming as the expression file"
        : [
            `gene sets of ${ofFile}: MSigDB offers its sets by symbols and by Entrez numbers, Ensembl BioMart translates others`,
            `or add ${ofSets} to the expression file, as a column of var: they are found there`,
          ],
  });
}
