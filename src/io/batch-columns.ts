/**
 * Columns of obs that say where a sample comes from rather than what it is: patient, plate, lane, chip, and the technical
 * counts. Found by name, as files call them; a user may name others. Pure.
 */
import type { Column, Table } from "../table.js";
import { columnAsLabels, columnOf } from "./labels.js";

export interface BatchColumn {
  name: string;
  /** Of the kept samples: numbers, or categories sorted by code point. */
  values: Extract<Column, { kind: "number" | "categorical" }>;
}

/** Words that such columns are named by, as whole parts of a name. */
const WORDS =
  /(^|[._\s-])(patient|donor|subject|individual|mouse|animal|batch|plate|lane|chip|chemistry|run|library|replicate|rep|sample|site|center|centre|institution|hospital|platform|technology|tech|protocol|operator|date|pool|channel|gsm|gse|study|dataset|cohort)(_?(id|name|no|number|nr))?($|[._\s-])/i;
const COUNTS =
  /^(n_?genes(_by_counts)?|n_?counts|total_counts|n_?umis?|ncount_rna|nfeature_rna|pct_counts_mt|percent[_.]mito?)$/i;

/**
 * @param label the label's own column, which is left out
 * @param asked columns that the user names; empty: those found by name
 * @param rows kept rows of obs
 * @throws CellhueError where a named column is not there
 */
export function batchColumns(
  obs: Table,
  label: string,
  asked: readonly string[],
  rows: Int32Array,
): BatchColumn[] {
  const names =
    asked.length > 0
      ? asked
      : [...obs.columns.keys()].filter((name) => name !== label && (WORDS.test(name) || COUNTS.test(name)));
  return names.flatMap((name) => {
    const values = valuesOf(columnOf(obs, name, "--batch-columns"), rows);
    return values === null ? [] : [{ name, values }];
  });
}

/** null where a column cannot tell samples apart: one value only, or another one for every sample. */
function valuesOf(column: Column, rows: Int32Array): BatchColumn["values"] | null {
  if (column.kind === "number" && !(column.integer && fewValues(column.values, rows))) {
    const values = Float64Array.from(rows, (row) => column.values[row]);
    return new Set(values).size > 1 ? { kind: "number", integer: column.integer, values } : null;
  }
  const texts = columnAsLabels(column);
  const kept = Array.from(rows, (row) => texts[row]);
  const names = [...new Set(kept.filter((text) => text !== null))].sort();
  if (names.length < 2 || names.length === kept.length) return null;
  const code = new Map(names.map((name, i) => [name, i]));
  return {
    kind: "categorical",
    ordered: false,
    categories: names,
    codes: Int32Array.from(kept, (text) => (text === null ? -1 : (code.get(text) as number))),
  };
}

/** Numbers that are names (plate 1, 2, 3) rather than measurements. */
const fewValues = (values: Float64Array, rows: Int32Array): boolean =>
  new Set(Array.from(rows, (row) => values[row])).size <= Math.min(30, rows.length / 3);
