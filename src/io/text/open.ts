/**
 * Expression as a table of text (.csv, .tsv, .txt, .gz; also GEO's series matrix, GCT and featureCounts): genes × samples
 * or samples × genes. Columns and rows of text are annotations of what they stand beside. Read when it is opened, a line
 * at a time; a cell that is no number is an error, a missing one is NaN.
 */
import { CellhueError } from "../../errors.js";
import type { DenseMatrix } from "../../matrix.js";
import { silent } from "../../progress.js";
import type { Column, Table } from "../../table.js";
import { allocate } from "../limits.js";
import { wholeLines } from "../lines.js";
import { isMissing, numberAt } from "../numbers.js";
import { requireMatrixThere } from "../plain.js";
import type { ExpressionReader, OpenOptions, XInfo } from "../reader.js";
import { visible } from "../visible.js";
import { findCells } from "./cells.js";
import { columnOfTexts } from "./columns.js";
import { type Layout, LOOK, layoutOf } from "./layout.js";
import { orient } from "./orientation.js";

/** Entries of a table: 4 GiB as float32, and as much again while it is turned. */
const MOST = 2 ** 30;
const delimiterNames = { "\t": "tabs", ";": "semicolons", ",": "commas", " ": "blanks" };

/** @param samples names in the table of labels, if there is one. See `openExpression` for the errors. */
export async function openText(
  path: string,
  gzip: boolean,
  options: OpenOptions,
  samples: ReadonlySet<string> | null,
): Promise<ExpressionReader> {
  requireMatrixThere(path, "a table of text", options);
  const lines = new TableLines(path);
  const task = (options.progress ?? silent).task("reading X", 0);
  try {
    for await (const block of wholeLines(path, gzip, options.signal)) lines.add(block);
    lines.end();
  } finally {
    task.end();
  }
  return new TextReader(path, gzip, lines, options, samples);
}

/** Rows as they come, after a look at the first ones. */
class TableLines {
  layout: Layout | null = null;
  readonly names: string[] = [];
  readonly rows: Float32Array[] = [];
  readonly texts: string[][] = [];
  private waiting: Buffer[] = [];
  private waitingLines = 0;
  private waitingBytes = 0;
  private line = 0;
  private entries = 0;
  private bounds = new Int32Array(0);

  constructor(private readonly path: string) {}

  add(block: Buffer): void {
    if (this.layout !== null) {
      this.read(block);
      return;
    }
    // a copy, as the stream uses its buffers again
    this.waiting.push(Buffer.from(block));
    this.waitingBytes += block.length;
    for (let at = block.indexOf(10); at >= 0; at = block.indexOf(10, at + 1)) this.waitingLines++;
    // comments may come first: enough lines, and enough bytes to hold them
    if (this.waitingLines > LOOK && this.waitingBytes > 1 << 20) this.begin();
  }

  end(): void {
    if (this.layout === null) this.begin();
  }

  private begin(): void {
    const block = Buffer.concat(this.waiting);
    this.waiting = [];
    const lines: string[] = [];
    let at = 0;
    let rows = 0;
    while (at < block.length && rows <= LOOK) {
      let end = block.indexOf(10, at);
      if (end < 0) end = block.length;
      const line = block.toString("utf8", at, end);
      lines.push(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (!/^[#!]|^\s*$/.test(line)) rows++;
      at = end + 1;
    }
    const layout = layoutOf(lines, this.path);
    this.layout = layout;
    this.bounds = new Int32Array(2 * (layout.cells + 2));
    let skipped = 0;
    for (let k = 0; k < layout.before; k++) skipped = block.indexOf(10, skipped) + 1;
    this.line = layout.before;
    this.read(block.subarray(skipped));
  }

  private read(block: Buffer): void {
    const { layout, bounds } = this;
    if (layout === null) return;
    const { columns, delimiter } = layout;
    const numbers = columns.filter((c) => !c.text).length;
    const point = layout.point.charCodeAt(0);
    let next = 0;
    for (let at = 0; at < block.length; at = next) {
      let end = block.indexOf(10, at);
      if (end < 0) end = block.length;
      next = end + 1;
      this.line++;
      if (end > at && block[end - 1] === 13) end--;
      if (end === at || block[at] === 33 || block[at] === 35) continue; // ! and #
      const cells = findCells(block, at, end, delimiter, bounds, layout.cells);
      if (cells !== layout.cells) {
        if (block.toString("latin1", at, end).trim() === "") continue;
        throw this.fault(
          `line ${this.line} has ${cells > layout.cells ? "more" : cells} cells`,
          `${layout.cells}, as the lines above`,
          "check that the file is complete, and quote names that hold the delimiter",
        );
      }
      this.entries += numbers;
      if (this.entries > MOST) {
        throw this.fault(`more than ${MOST} numbers`, `at most ${MOST} in a table of text`, [
          "store it sparse: in Python, scanpy.read_text(FILE).T, X = scipy.sparse.csr_matrix(X), write_h5ad(NEW)",
        ]);
      }
      this.row(block, layout, numbers, point);
    }
  }

  private row(block: Buffer, { columns }: Layout, numbers: number, point: number): void {
    const { bounds } = this;
    const values = new Float32Array(numbers);
    const texts: string[] = [];
    let k = 0;
    for (let c = 0; c < columns.length; c++) {
      const from = bounds[2 * c + 2];
      const to = bounds[2 * c + 3];
      if (columns[c].text) {
        texts.push(text(block, from, to));
        continue;
      }
      const value = numberAt(block, from, to, point);
      if (Number.isNaN(value) && !isMissing(block.toString("latin1", from, Math.min(to, from + 100)))) {
        throw this.fault(
          `'${visible(text(block, from, to), 40)}' in line ${this.line}, column '${visible(columns[c].name, 60)}'`,
          "a number, or nothing where it is missing",
          "correct the cell; a column of text must show itself as one in the first 60 lines",
        );
      }
      values[k++] = value;
    }
    this.names.push(text(block, bounds[0], bounds[1]));
    this.rows.push(values);
    this.texts.push(texts);
  }

  private fault(found: string, expected: string, remedy: string | string[]): CellhueError {
    return new CellhueError("the table cannot be read", { where: this.path, found, expected, remedy });
  }
}

function text(block: Buffer, from: number, to: number): string {
  const out = block.toString("utf8", from, to);
  return out.includes('""') ? out.replaceAll('""', '"') : out;
}

class TextReader implements ExpressionReader {
  readonly format: string;
  readonly samples: number;
  readonly genes: number;
  readonly x: XInfo = { source: "X", storage: "dense", dtype: "text", nonzero: null };
  readonly layers: readonly string[] = [];
  readonly hasRaw = false;
  readonly skippedColumns: readonly string[] = [];
  readonly notes: readonly string[];
  private readonly tables: { obs: Table; var: Table };
  private matrix: DenseMatrix | null;

  constructor(
    readonly path: string,
    gzip: boolean,
    lines: TableLines,
    options: OpenOptions,
    samples: ReadonlySet<string> | null,
  ) {
    const { layout, names, rows, texts } = lines;
    if (layout === null) throw new Error("a table without a layout");
    this.format = `text (${delimiterNames[layout.delimiter]}${gzip ? ", gzip" : ""})`;
    const columns = layout.columns.filter((c) => !c.text).map((c) => c.name);
    const asked = options.orientation ?? "auto";
    const { orientation, why } =
      asked === "auto"
        ? orient({ corner: layout.corner, rows: names, columns }, samples, path, options.genes)
        : { orientation: asked, why: "as asked" };
    const notes = [`${orientation.replaceAll("-", " ")}: ${why}`];
    if (layout.point === ",") notes.push("numbers are read with a decimal comma");
    const ofRows = new Map(
      layout.columns
        .filter((c) => c.text)
        .map(({ name }, k) => [name, columnOfTexts(texts.map((row) => row[k]))] as const),
    );
    const numeric = layout.columns.flatMap((c, k) => (c.text ? [] : [k]));
    const ofColumns = new Map(
      layout.textRows.map(
        ({ name, values }) => [name, columnOfTexts(numeric.map((k) => values[k]))] as const,
      ),
    );
    const table = (index: string[], annotations: Map<string, Column>): Table => ({
      length: index.length,
      index,
      columns: annotations,
    });
    const genesInRows = orientation === "genes-in-rows";
    this.tables = genesInRows
      ? { obs: table(columns, ofColumns), var: table(names, ofRows) }
      : { obs: table(names, ofRows), var: table(columns, ofColumns) };
    this.notes = notes;
    this.samples = this.tables.obs.length;
    this.genes = this.tables.var.length;
    this.matrix = assemble(rows, columns.length, genesInRows, path);
  }

  obs(): Table {
    return this.tables.obs;
  }

  var(): Table {
    return this.tables.var;
  }

  readMatrix(): DenseMatrix {
    if (this.matrix === null) throw new Error(`${this.path} is closed`);
    return this.matrix;
  }

  close(): void {
    this.matrix = null;
  }
}

/** The rows as one matrix, samples in rows. */
function assemble(rows: Float32Array[], columns: number, turned: boolean, path: string): DenseMatrix {
  const data = allocate(rows.length * columns, "the table", path, (n) => new Float32Array(n));
  if (!turned) {
    rows.forEach((row, i) => {
      data.set(row, i * columns);
    });
    return { kind: "dense", rows: rows.length, cols: columns, data };
  }
  // in tiles, as a column at a time would miss the cache at every step
  const tile = 64;
  const genes = rows.length;
  for (let g = 0; g < genes; g += tile) {
    for (let s = 0; s < columns; s += tile) {
      for (let j = g; j < Math.min(g + tile, genes); j++) {
        const row = rows[j];
        for (let i = s; i < Math.min(s + tile, columns); i++) data[i * genes + j] = row[i];
      }
    }
  }
  return { kind: "dense", rows: columns, cols: genes, data };
}
