/**
 * Which column of a new file holds which gene of a model. Pure. Names are compared by four rules, the strictest first:
 * equal; equal but for case; equal but for the version of an Ensembl id (ENSG00000141510.12 is ENSG00000141510); and by
 * a second name, where the model or the file knows one (symbols beside Ensembl ids).
 *
 * A column serves one gene. A gene that a stricter rule has found is not looked for by a looser one. Where a rule finds
 * two columns for a gene, or two genes for a column, it cannot tell: the gene counts as missing and is named under
 * `ambiguous`; a wrong column would be worse than none. Two columns of equal name are an error, unless second names
 * tell them apart or the model does not need them: scanpy renames all but the first (`var_names_make_unique`), which
 * picks one of them unseen, so this is left to the user.
 */
import { CellhueError } from "../errors.js";
import { type GeneNames, isEnsembl, withoutVersion } from "./second-names.js";
import { visible } from "./visible.js";

/** The genes of a model. */
export interface WantedGenes {
  /** In the order of its input. */
  names: readonly string[];
  /** A second name of each ("" where it has none); null where none was known. */
  ids: readonly string[] | null;
}

export type MatchRule = "exact" | "case" | "version" | "otherName";

export interface GeneMatch {
  /** For each gene of the model the column in the file, or −1. */
  from: Int32Array;
  /** Genes that were found, and their share of the model's (0 for a model without genes). */
  overlap: number;
  share: number;
  /** Genes that were not found, ambiguous ones included, in the model's order. */
  missing: string[];
  /** Of these, those that a rule found more than once. */
  ambiguous: string[];
  /** Genes found by each rule; they add up to `overlap`. */
  how: Record<MatchRule, number>;
}

const withoutCase = (name: string) => name.toLowerCase();
/** The least that two names of one gene have in common: neither case nor version. */
const plain = (name: string) => withoutCase(withoutVersion(name));

/**
 * @throws CellhueError where a name that the model needs stands at two columns or more, and nothing tells them apart
 * @throws RangeError where lists of names differ in length
 */
export function matchGenes(wanted: WantedGenes, have: GeneNames, where = ""): GeneMatch {
  const { names, ids } = wanted;
  const { index } = have;
  if (ids !== null && ids.length !== names.length)
    throw new RangeError(`matchGenes: ${ids.length} ids for ${names.length} genes`);
  for (const [column, others] of have.others)
    if (others.length !== index.length)
      throw new RangeError(`matchGenes: '${column}' has ${others.length} names for ${index.length} genes`);

  const others = [...have.others.values()];
  const search = new Search(names.length, index.length);
  const how: Record<MatchRule, number> = { exact: 0, case: 0, version: 0, otherName: 0 };
  // Repeated names first: where second names tell the columns apart, the rules need not.
  const repeated = repeatedColumns(names, index);
  how.exact += search.pairs(repeated, (gene, columns) =>
    ids === null ? [] : columns.filter((c) => others.some((list) => same(list[c], ids[gene]))),
  );
  refuseRepeated(names, have, repeated, search, where);

  how.exact += search.byKey(names, [index], (name) => name);
  how.case = search.byKey(names, [index], withoutCase);
  how.version = search.byKey(names, [index], plain);
  // Ensembl ids before symbols, which a few genes share.
  const lists = ids === null ? [names] : isEnsembl(ids) ? [ids, names] : [names, ids];
  for (const list of lists) how.otherName += search.byKey(list, [index, ...others], plain);

  const missing: string[] = [];
  const ambiguous: string[] = [];
  search.from.forEach((column, gene) => {
    if (column >= 0) return;
    missing.push(names[gene]);
    if (search.ambiguous[gene]) ambiguous.push(names[gene]);
  });
  const overlap = names.length - missing.length;
  const share = names.length === 0 ? 0 : overlap / names.length;
  return { from: search.from, overlap, share, missing, ambiguous, how };
}

/** Pairs of genes and columns as they are found; a gene and a column are used once. */
class Search {
  readonly from: Int32Array;
  readonly ambiguous: Uint8Array;
  private readonly used: Uint8Array;

  constructor(genes: number, columns: number) {
    this.from = new Int32Array(genes).fill(-1);
    this.ambiguous = new Uint8Array(genes);
    this.used = new Uint8Array(columns);
  }

  /** @returns how many genes were found */
  pairs(
    genes: ReadonlyMap<number, readonly number[]>,
    choose: (gene: number, columns: readonly number[]) => Iterable<number>,
  ): number {
    const found: [gene: number, column: number][] = [];
    const claims = new Map<number, number>();
    for (const [gene, columns] of genes) {
      const candidates = [...new Set(choose(gene, columns))].filter((c) => !this.used[c]);
      if (candidates.length > 1) this.ambiguous[gene] = 1;
      for (const column of candidates) claims.set(column, (claims.get(column) ?? 0) + 1);
      if (candidates.length === 1) found.push([gene, candidates[0]]);
    }
    let count = 0;
    for (const [gene, column] of found) {
      if (claims.get(column) !== 1) {
        this.ambiguous[gene] = 1;
        continue;
      }
      this.from[gene] = column;
      this.used[column] = 1;
      this.ambiguous[gene] = 0;
      count++;
    }
    return count;
  }

  /** Pairs a name of each gene with any name of a column, by equal keys. */
  byKey(
    wanted: readonly string[],
    have: readonly (readonly (string | null)[])[],
    key: (name: string) => string,
  ): number {
    const columns = new Map<string, Set<number>>();
    for (const list of have) {
      list.forEach((name, column) => {
        if (name === null || name === "" || this.used[column]) return;
        const at = key(name);
        const known = columns.get(at);
        if (known === undefined) columns.set(at, new Set([column]));
        else known.add(column);
      });
    }
    const open = new Map<number, number[]>();
    this.from.forEach((column, gene) => {
      if (column < 0) open.set(gene, []);
    });
    return this.pairs(open, (gene) => (wanted[gene] === "" ? [] : (columns.get(key(wanted[gene])) ?? [])));
  }
}

const same = (a: string | null, b: string) => a !== null && a !== "" && b !== "" && plain(a) === plain(b);

/** For genes of the model whose name stands at several columns: these columns. */
function repeatedColumns(names: readonly string[], index: readonly string[]): Map<number, number[]> {
  const columns = new Map<string, number[]>();
  index.forEach((name, column) => {
    const known = columns.get(name);
    if (known === undefined) columns.set(name, [column]);
    else known.push(column);
  });
  const repeated = new Map<number, number[]>();
  names.forEach((name, gene) => {
    const found = name === "" ? undefined : columns.get(name);
    if (found !== undefined && found.length > 1) repeated.set(gene, found);
  });
  return repeated;
}

function refuseRepeated(
  names: readonly string[],
  { index, others }: GeneNames,
  repeated: ReadonlyMap<number, readonly number[]>,
  search: Search,
  where: string,
): void {
  const left = [...repeated].filter(([gene]) => search.from[gene] < 0);
  if (left.length === 0) return;
  const shown = left
    .slice(0, 5)
    .map(([gene, columns]) => `'${visible(names[gene], 60)}' (${columns.length} columns)`);
  const ids = [...others].find(([, list]) => isEnsembl(list) && new Set(list).size === list.length)?.[0];
  throw new CellhueError("duplicate gene names: which column is meant cannot be told", {
    where: where || undefined,
    found: `${shown.join(", ")}${left.length > 5 ? ` and ${left.length - 5} more` : ""} among ${index.length} genes`,
    expected: "one column for each gene that the model needs",
    remedy: [
      "keep one of each, e.g. the first, in Python: adata = adata[:, ~adata.var_names.duplicated()].copy()",
      ...(ids === undefined
        ? []
        : [
            `or, for a model that knows Ensembl ids, name them by these: adata.var_names = adata.var[${JSON.stringify(visible(ids, 60))}]`,
          ]),
    ],
  });
}

/**
 * Refuses a file that has too few of the model's genes.
 * @param floor least share of the model's genes, in 0…1; a file that has none of them is refused by any
 */
export function requireOverlap(
  match: GeneMatch,
  wanted: WantedGenes,
  have: GeneNames,
  floor: number,
  where: string,
): void {
  if (match.overlap > 0 && match.share >= floor) return;
  const some = (names: readonly string[]) =>
    names
      .slice(0, 3)
      .map((name) => `'${visible(name, 40)}'`)
      .join(", ") || "none at all";
  const total = wanted.names.length;
  const found = `${match.overlap} of the model's ${total} genes (${percent(match.share)}); the file names its genes ${some(have.index)}`;
  const others =
    have.others.size === 0
      ? ""
      : `, and in var: ${[...have.others.keys()].map((c) => visible(c, 40)).join(", ")}`;
  throw new CellhueError(
    match.overlap === 0 ? "the file has no gene of the model" : "the file has too few of the model's genes",
    {
      where,
      found: found + others,
      expected: `at least ${percent(floor)} of genes such as ${some(wanted.names)}`,
      remedy: [
        ...(match.overlap > 0
          ? [
              `--min-overlap ${Math.floor(match.share * 100) / 100}, if a prediction from so few is of use to you`,
            ]
          : []),
        "name the genes as the training file did, or add such names as a column of var (symbols, Ensembl ids)",
      ],
    },
  );
}

const percent = (share: number) => `${+(100 * share).toPrecision(3)} %`;
