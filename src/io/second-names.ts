/**
 * The second name of each gene: Ensembl ids where the index of var holds symbols, symbols where it holds ids. Found by
 * content, since files call that column anything (gene_ids, feature_name, ensembl_id …). Pure.
 */
import type { Table } from "../table.js";
import { columnAsText } from "./labels.js";

const ENSEMBL = /^ENS[A-Z]*[GT]\d{6,}(\.\d+)?$/i;

/** Share of names that must be Ensembl ids for a list to count as ids. */
const MOSTLY = 0.9;

/** Whether these names are Ensembl ids, by and large. */
export function isEnsembl(names: readonly (string | null)[]): boolean {
  const given = names.filter((name) => name !== null && name !== "");
  const ids = given.filter((name) => ENSEMBL.test(name as string)).length;
  return given.length > 0 && ids >= MOSTLY * given.length;
}

/** @returns one name a gene ("" where it has none), or null where var has no such column */
export function secondNames(genes: Table): string[] | null {
  const ids = isEnsembl(genes.index);
  for (const [, column] of genes.columns) {
    if (column.kind !== "string" && column.kind !== "categorical") continue;
    const names = columnAsText(column);
    // Symbols differ from gene to gene; biotypes, chromosomes and genomes do not.
    const distinct = new Set(names.filter((name) => name !== null)).size;
    const fits = ids ? !isEnsembl(names) && distinct > 0.5 * names.length : isEnsembl(names);
    if (fits) return names.map((name) => name ?? "");
  }
  return null;
}
