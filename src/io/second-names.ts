/**
 * Names of genes beside the index of var: Ensembl ids where the index holds symbols, symbols where it holds ids. Found by
 * content, since files call such columns anything (gene_ids, feature_name, ensembl_id …). The one notion of an Ensembl id,
 * for the writer of a model and for the matching of a new file with it. Pure.
 */
import type { Table } from "../table.js";
import { columnAsText } from "./labels.js";

/** The genes of a file. */
export interface GeneNames {
  /** One name a column of the matrix. */
  index: readonly string[];
  /** Other names of them, by column of var; null or "" where a gene has none. */
  others: ReadonlyMap<string, readonly (string | null)[]>;
}

/** Genes and transcripts of any species, with a version or without; the id without its version is the first group. */
const ENSEMBL = /^(ENS[A-Z]*[GT]\d{6,})(\.\d+)?$/i;
/** A symbol or an id: no spaces, and not a number. */
const NAME = /^(?=.*[A-Za-z])[\w.\-:@/()]{1,40}$/;

/** An Ensembl id without its version; any other name as it is. */
export const withoutVersion = (name: string): string => ENSEMBL.exec(name)?.[1] ?? name;

/** Whether most of the names that are given (not null, not "") are Ensembl ids. */
export function isEnsembl(names: readonly (string | null)[]): boolean {
  const given = names.filter((name) => name !== null && name !== "");
  return 2 * given.filter((name) => ENSEMBL.test(name as string)).length > given.length;
}

/**
 * The index of var and whatever columns hold names as well. Biotypes, chromosomes and descriptions are not taken: names
 * are without spaces, and most genes have one of their own. A column taken wrongly does no harm to matching, as only
 * equal names match.
 */
export function geneNamesOf(genes: Table): GeneNames {
  const others = new Map<string, (string | null)[]>();
  for (const [column, values] of genes.columns) {
    if (values.kind !== "string" && values.kind !== "categorical") continue;
    const names = columnAsText(values);
    const distinct = new Set(names.filter((name) => name !== null && NAME.test(name)));
    if (2 * distinct.size > names.length) others.set(column, names);
  }
  return { index: genes.index, others };
}

/** @returns one name a gene ("" where it has none), or null where var has no such column */
export function secondNames(genes: Table): string[] | null {
  const { index, others } = geneNamesOf(genes);
  const ids = isEnsembl(index);
  for (const names of others.values()) if (isEnsembl(names) !== ids) return names.map((name) => name ?? "");
  return null;
}
