/**
 * Which sample belongs to which class: a column of obs as labels, its classes sorted as Python sorts strings (by code
 * point), so that codes and folds equal scikit-learn's. Labels are data: never trimmed, renamed or interpreted, but an
 * empty or blank one counts as missing.
 */
import { CellhueError } from "../errors.js";
import type { Column, Table } from "../table.js";
import { nearNames } from "./near.js";
import { shellWord, visible } from "./visible.js";

export interface LabelSet {
  column: string;
  /** Sorted by code point; only those that occur in a kept row. */
  classes: string[];
  /** Per kept row, into `classes`. */
  codes: Int32Array;
  /** Row numbers (in the file) of the kept rows, rising. */
  rows: Int32Array;
  /** Rows left out because they have no label. */
  dropped: number;
  /** Samples per class. */
  counts: number[];
}

export interface LabelCandidate {
  column: string;
  kind: Column["kind"];
  /** Sorted by code point. */
  classes: { name: string; count: number }[];
  missing: number;
  /** Can the column serve as a label (with at least 2 folds)? */
  usable: boolean;
  /** The most folds that its smallest class allows. */
  maxFolds: number;
  /** Why it cannot serve. */
  why: string | null;
}

/** Order of Python's `sorted` for strings: by code point (JavaScript's own is by UTF-16 unit). */
export function byCodePoint(a: string, b: string): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // surrogates (D800–DFFF) stand for code points above all other units
    const high = (unit: number) => (unit >= 0xd800 && unit <= 0xdfff ? 1 : 0);
    return high(x) - high(y) || x - y;
  }
  return a.length - b.length;
}

/** Any column as text, null where missing: whole numbers without ".0", booleans as "True" and "False". */
export function columnAsText(column: Column): (string | null)[] {
  switch (column.kind) {
    case "categorical":
      return Array.from(column.codes, (code) => column.categories[code] ?? null);
    case "string":
      return [...column.values];
    case "number":
      return Array.from(column.values, (value) => (Number.isNaN(value) ? null : String(value)));
    case "boolean":
      return Array.from(column.values, (value) => (value < 0 ? null : value ? "True" : "False"));
  }
}

/** A column as labels: as `columnAsText`, and an empty or blank text is missing. */
export function columnAsLabels(column: Column): (string | null)[] {
  return columnAsText(column).map((text) => (text === null || text.trim() === "" ? null : text));
}

/**
 * The labels of a column, ready for stratified folds.
 * @throws CellhueError no such column; missing labels without `dropUnlabelled`; continuous numbers or one value per
 *   sample; fewer than two classes; a class with fewer samples than folds
 */
export function resolveLabels(
  obs: Table,
  column: string,
  options: { dropUnlabelled: boolean; folds: number },
): LabelSet {
  const found = columnOf(obs, column, "--label");
  const where = `obs column '${visible(column)}'`;
  const labels = columnAsLabels(found);
  const tally = count(labels);
  const { classes, missing } = tally;
  const labelled = labels.length - missing;
  if (labelled === 0) {
    throw new CellhueError(`no sample has a label in '${visible(column)}'`, {
      where,
      remedy: offer(obs, column),
    });
  }
  const scattered = whyScattered(found, classes.length, labelled);
  if (scattered !== null) {
    throw new CellhueError(`'${visible(column)}' cannot serve as a label: ${scattered}`, {
      where,
      found: `${examples(classes)}, …`,
      expected: "a few classes with several samples each",
      remedy: offer(obs, column),
    });
  }
  if (classes.length === 1) {
    throw new CellhueError(`'${visible(column)}' has one class only`, {
      where,
      found: `'${visible(classes[0].name)}' in all ${labelled} labelled samples`,
      expected: "at least two classes",
      remedy: offer(obs, column),
    });
  }
  if (missing > 0 && !options.dropUnlabelled) {
    throw new CellhueError(`${missing} of ${labels.length} samples have no label`, {
      where,
      found: `first in row ${labels.indexOf(null)} ('${visible(obs.index[labels.indexOf(null)], 60)}')`,
      expected: "a label for every sample",
      remedy: "--drop-unlabelled leaves these samples out",
    });
  }
  requireFolds(obs, column, classes, options.folds);

  const codeOf = new Map(classes.map((c, i) => [c.name, i]));
  const rows = new Int32Array(labelled);
  const codes = new Int32Array(labelled);
  let k = 0;
  labels.forEach((label, row) => {
    const code = label === null ? undefined : codeOf.get(label);
    if (code === undefined) return;
    rows[k] = row;
    codes[k++] = code;
  });
  return {
    column,
    classes: classes.map((c) => c.name),
    codes,
    rows,
    dropped: missing,
    counts: classes.map((c) => c.count),
  };
}

/** @throws CellhueError where obs has no such column; the near ones are named */
export function columnOf(obs: Table, column: string, option: string): Column {
  const found = obs.columns.get(column);
  if (found === undefined) throw noSuchColumn(obs, column, option);
  return found;
}

/** Every column of obs, in file order, with what it would give as a label. */
export function labelCandidates(obs: Table): LabelCandidate[] {
  return Array.from(obs.columns, ([column, values]) => {
    const labels = columnAsLabels(values);
    const { classes, missing } = count(labels);
    const labelled = labels.length - missing;
    const maxFolds = Math.min(...classes.map((c) => c.count), labelled);
    const why =
      labelled === 0
        ? "no sample has a value"
        : classes.length === 1
          ? "one class only"
          : (whyScattered(values, classes.length, labelled) ??
            (maxFolds < 2 ? `${smallest(classes)} has a single sample` : null));
    return { column, kind: values.kind, classes, missing, usable: why === null, maxFolds, why };
  });
}

function count(labels: readonly (string | null)[]): {
  classes: { name: string; count: number }[];
  missing: number;
} {
  const counts = new Map<string, number>();
  let missing = 0;
  for (const label of labels) {
    if (label === null) missing++;
    else counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const classes = Array.from(counts, ([name, n]) => ({ name, count: n }));
  return { classes: classes.sort((a, b) => byCodePoint(a.name, b.name)), missing };
}

/** Why a column has too many values to be classes: measured numbers, or a name for each sample. null: it has not. */
function whyScattered(column: Column, classes: number, labelled: number): string | null {
  if (classes < 3 || classes <= labelled / 2) return null;
  const values = classes === labelled ? "all different" : `${classes} different ones`;
  return column.kind === "number"
    ? `it holds continuous numbers (${labelled} values, ${values})`
    : `it names samples rather than classes (${labelled} values, ${values})`;
}

function requireFolds(
  obs: Table,
  column: string,
  classes: readonly { name: string; count: number }[],
  folds: number,
): void {
  const small = classes.filter((c) => c.count < folds);
  if (small.length === 0) return;
  const most = Math.min(...small.map((c) => c.count));
  const [first] = small;
  throw new CellhueError(
    small.length === 1
      ? `class '${visible(first.name)}' has fewer samples than there are folds`
      : `${small.length} classes have fewer samples than there are folds`,
    {
      where: `obs column '${visible(column)}'`,
      found: `${examples(small)}${small.length > 4 ? ", …" : ""}; folds: ${folds}`,
      expected: `at least ${folds} samples in every class, one for each fold`,
      remedy:
        most >= 2
          ? `--folds ${most}`
          : ["remove or merge the classes with a single sample in the file", ...offer(obs, column)],
    },
  );
}

function examples(classes: readonly { name: string; count: number }[]): string {
  return classes
    .slice(0, 4)
    .map((c) => `'${visible(c.name, 60)}' (${c.count})`)
    .join(", ");
}

function smallest(classes: readonly { name: string; count: number }[]): string {
  const [least] = [...classes].sort((a, b) => a.count - b.count);
  return `'${visible(least.name)}'`;
}

/** The columns that could serve instead, as options to give. */
function offer(obs: Table, except: string): string[] {
  return labelCandidates(obs)
    .filter((c) => c.usable && c.column !== except)
    .slice(0, 4)
    .map((c) => `--label ${shellWord(c.column)} (${c.classes.length} classes)`);
}

function noSuchColumn(obs: Table, column: string, option: string): CellhueError {
  const names = [...obs.columns.keys()];
  const near = nearNames(column, names);
  // Only a label's column can be told by its content.
  const usable =
    option === "--label" ? offer(obs, column) : names.map((name) => `${option} ${shellWord(name)}`);
  const others = usable
    .filter((way) => !near.some((name) => `${way} `.startsWith(`${option} ${shellWord(name)} `)))
    .slice(0, 4);
  return new CellhueError(`no column '${visible(column)}' in obs`, {
    where: option,
    found:
      names.length === 0
        ? "obs has no columns at all"
        : `${names
            .slice(0, 12)
            .map((name) => visible(name, 60))
            .join(", ")}${names.length > 12 ? ` and ${names.length - 12} more` : ""}`,
    remedy:
      names.length === 0
        ? [
            "give a table of labels, a line a sample: --labels FILE",
            "or add the labels to obs, e.g. in Python: adata.obs['label'] = …",
          ]
        : [...near.map((name) => `${option} ${shellWord(name)}`), ...others],
  });
}
