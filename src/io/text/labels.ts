/**
 * A table of labels beside the expression file, joined to obs by the name of the sample. Its names stand in whichever
 * column holds most names of samples; a header is optional: a first line that names a sample is none.
 * R turns "-" into "." and puts X before a digit in names (make.names); where nothing matches as it is, names are compared
 * as R would have them, and this is said.
 */
import { statSync } from "node:fs";
import { CellhueError } from "../../errors.js";
import type { Column, Table } from "../../table.js";
import { contentOf } from "../content.js";
import { SMALL } from "../limits.js";
import { eachLine } from "../lines.js";
import type { ExpressionReader } from "../reader.js";
import { visible } from "../visible.js";
import { delimiters, splitLine } from "./cells.js";
import { columnOfTexts } from "./columns.js";
import { agreedCells, LOOK } from "./layout.js";

export interface LabelTable {
  path: string;
  /** All lines, the header too if there is one; a header of R has one cell fewer. */
  rows: string[][];
}

/** @throws CellhueError: no such file, no table of at least two columns */
export async function readLabelTable(path: string): Promise<LabelTable> {
  const content = contentOf(path);
  if (content.kind !== "text") {
    throw new CellhueError("the labels are not a table of text", {
      where: path,
      expected: "a .csv, .tsv or .txt (.gz) with a line a sample: its name and its labels",
    });
  }
  const lines: string[] = [];
  let length = 0;
  await eachLine(path, content.gzip, (line) => {
    length += line.length;
    if (length > SMALL) {
      throw new CellhueError("the table of labels is too big", {
        where: path,
        found: `more than ${SMALL} characters, from ${statSync(path).size} bytes`,
        expected: "a line a sample",
      });
    }
    if (line.trim() !== "" && !line.startsWith("#")) lines.push(line);
  });
  const delimiter = delimiters.find((d) => agreedCells(lines.slice(0, LOOK), d) !== null);
  if (delimiter === undefined) {
    throw new CellhueError("the labels are not a table", {
      where: path,
      found: lines.length === 0 ? "no lines" : visible(lines[0], 80),
      expected: "at least two columns, the name of the sample and a label, as many in every line",
      remedy: "separate them by tabs or commas, and quote what holds the separator",
    });
  }
  const rows = lines.map((line) => splitLine(line, delimiter));
  const cells = rows.at(-1)?.length ?? 0;
  const odd = rows.findIndex((row, i) => row.length !== cells && !(i === 0 && row.length === cells - 1));
  if (odd >= 0) {
    throw new CellhueError("the lines of the labels have different numbers of cells", {
      where: path,
      found: `${rows[odd].length} in '${visible(lines[odd], 60)}'`,
      expected: `${cells}`,
    });
  }
  return { path, rows };
}

/** Every text that could be the name of a sample. */
export function possibleNames({ rows }: LabelTable): Set<string> {
  return new Set(rows.flat());
}

/** As R's make.names: what is neither a letter nor a digit becomes a point, a leading X before a digit is dropped. */
const asR = (name: string) => name.replace(/[^\p{L}\p{N}]/gu, ".").replace(/^X(?=\d)/, "");

/**
 * The reader with the table's columns in obs, in place of columns of the same name.
 * @throws CellhueError no sample in the table, a sample twice with different labels
 */
export function withLabels(reader: ExpressionReader, table: LabelTable): ExpressionReader {
  const { obs, notes } = join(reader.obs(), table);
  return {
    path: reader.path,
    format: reader.format,
    samples: reader.samples,
    genes: reader.genes,
    x: reader.x,
    layers: reader.layers,
    hasRaw: reader.hasRaw,
    skippedColumns: reader.skippedColumns,
    get notes() {
      return [...(reader.notes ?? []), ...notes];
    },
    obs: () => obs,
    var: () => reader.var(),
    readMatrix: (options) => reader.readMatrix(options),
    storedMatrix: (limit) => reader.storedMatrix?.(limit) ?? null,
    pieces: () => reader.pieces?.() ?? null,
    close: () => reader.close(),
  };
}

function join(obs: Table, { path, rows }: LabelTable): { obs: Table; notes: string[] } {
  const samples = new Set(obs.index);
  const cells = rows.at(-1)?.length ?? 0;
  let key = (name: string) => name;
  let column = bestColumn(rows, cells, samples, key);
  const notes: string[] = [];
  if (column === null) {
    key = asR;
    column = bestColumn(rows, cells, new Set(obs.index.map(asR)), key);
    if (column === null) throw noSample(obs, path, rows);
    notes.push("the labels name samples as R writes them; they are matched without regard to punctuation");
  }
  const known = new Set(obs.index.map(key));
  const short = rows[0].length === cells - 1;
  const hasHeader = short || !known.has(key(rows[0][column]));
  const body = hasHeader ? rows.slice(1) : rows;
  const places = Array.from({ length: cells }, (_, k) => k).filter((k) => k !== column);
  const names = places.map((k, i) => {
    if (!hasHeader) return places.length === 1 ? "label" : `label_${i + 1}`;
    return (short ? rows[0][k - 1] : rows[0][k]) || `label_${i + 1}`;
  });
  const rowOf = new Map<string, string[]>();
  let unknown = 0;
  for (const row of body) {
    const name = key(row[column]);
    if (!known.has(name)) unknown++;
    const before = rowOf.get(name);
    if (before !== undefined && known.has(name) && places.some((k) => before[k] !== row[k])) {
      throw new CellhueError("a sample has two lines of labels that differ", {
        where: path,
        found: `'${visible(row[column], 60)}'`,
        expected: "one line a sample",
      });
    }
    rowOf.set(name, row);
  }
  const found = obs.index.map((name) => rowOf.get(key(name)));
  const missing = found.filter((row) => row === undefined).length;
  const columns = new Map<string, Column>(obs.columns);
  const replaced = names.filter((name) => columns.has(name));
  places.forEach((k, i) => {
    columns.set(names[i], columnOfTexts(found.map((row) => row?.[k] ?? "")));
  });
  const shown = names.slice(0, 6).map((name) => visible(name, 60));
  notes.push(
    `labels of ${obs.length - missing} of ${obs.length} samples: ${shown.join(", ")}${names.length > 6 ? ", …" : ""}`,
  );
  if (unknown > 0) notes.push(`${unknown} lines of the labels name no sample of the file`);
  if (replaced.length > 0) {
    notes.push(
      `columns of the labels take the place of those of obs: ${replaced.map((n) => visible(n, 60)).join(", ")}`,
    );
  }
  return { obs: { ...obs, columns }, notes };
}

/** The column with most names of samples; null where none has any. */
function bestColumn(
  rows: readonly string[][],
  cells: number,
  samples: ReadonlySet<string>,
  key: (name: string) => string,
): number | null {
  let best: number | null = null;
  let most = 0;
  for (let k = 0; k < cells; k++) {
    const hits = rows.filter((row) => row.length === cells && samples.has(key(row[k]))).length;
    if (hits > most) [best, most] = [k, hits];
  }
  return best;
}

function noSample(obs: Table, path: string, rows: readonly string[][]): CellhueError {
  const shown = (names: readonly string[]) =>
    names
      .slice(0, 3)
      .map((name) => `'${visible(name, 40)}'`)
      .join(", ");
  return new CellhueError("the labels name no sample of the file", {
    where: path,
    found: `${shown(rows.slice(1).map((row) => row[0]))} …`,
    expected: `${shown(obs.index)} … as in the expression file`,
    remedy:
      "give the samples the same names in both files, or check which way the expression table lies (--orientation)",
  });
}
