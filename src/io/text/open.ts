/**
 * Expression as a table of text (.csv, .tsv, .txt, .gz; also GEO's series matrix, GCT and featureCounts): genes × samples
 * or samples × genes. Columns and rows of text are annotations of what they stand beside. Read twice, a line at a time: names and
 * annotations first, which say how large it is and which way it lies; then the numbers, straight into their places. A cell that
 * is no number is an error, a missing one is NaN.
 */
import { CellhueError } from "../../errors.js";
import type { DenseMatrix } from "../../matrix.js";
import { silent } from "../../progress.js";
import type { Column, Table } from "../../table.js";
import { allocate } from "../limits.js";
import { wholeLines } from "../lines.js";
import { isMissing, numberAt } from "../numbers.js";
import { requireMatrixThere } from "../plain.js";
import { type ExpressionReader, heldBytes, leftUnread, type OpenOptions, type XInfo } from "../reader.js";
import type { Piece } from "../spill.js";
import { visible } from "../visible.js";
import { findCells } from "./cells.js";
import { columnOfTexts } from "./columns.js";
import { type Layout, LOOK, layoutOf } from "./layout.js";
import { orient } from "./orientation.js";

/** Entries of a table: 4 GiB as float32. */
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
  const names = new NameLines(path);
  const task = (options.progress ?? silent).task("reading names", 0);
  try {
    for await (const block of wholeLines(path, gzip, options.signal)) names.add(block);
    names.end();
  } finally {
    task.end();
  }
  return TextReader.read(path, gzip, names, options, samples);
}

/** Goes over the rows, after a look at the first ones. */
abstract class TableLines {
  layout: Layout | null = null;
  protected line = 0;
  protected bounds = new Int32Array(0);
  private waiting: Buffer[] = [];
  private waitingLines = 0;
  private waitingBytes = 0;

  constructor(protected readonly path: string) {}

  /** A row, whose cells lie between `bounds`. */
  protected abstract row(block: Buffer, layout: Layout): void;

  add(block: Buffer): void {
    if (this.layout !== null) {
      this.read(block, this.layout);
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
    this.read(block.subarray(skipped), layout);
  }

  private read(block: Buffer, layout: Layout): void {
    const { bounds } = this;
    const { delimiter } = layout;
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
      this.row(block, layout);
    }
  }

  protected fault(found: string, expected: string, remedy: string | string[]): CellhueError {
    return new CellhueError("the table cannot be read", { where: this.path, found, expected, remedy });
  }
}

/** What is no number: names and annotations of the rows. */
class NameLines extends TableLines {
  readonly names: string[] = [];
  readonly texts: string[][] = [];
  private entries = 0;

  protected override row(block: Buffer, { columns }: Layout): void {
    const { bounds } = this;
    const texts: string[] = [];
    for (let c = 0; c < columns.length; c++)
      if (columns[c].text) texts.push(text(block, bounds[2 * c + 2], bounds[2 * c + 3]));
    this.entries += columns.length - texts.length;
    if (this.entries > MOST) {
      throw this.fault(`more than ${MOST} numbers`, `at most ${MOST} in a table of text`, [
        "store it sparse: in Python, scanpy.read_text(FILE).T, X = scipy.sparse.csr_matrix(X), write_h5ad(NEW)",
      ]);
    }
    this.names.push(text(block, bounds[0], bounds[1]));
    this.texts.push(texts);
  }
}

/** The numbers of the rows; `rows` is emptied by whoever takes them. */
class NumberLines extends TableLines {
  rows: Float32Array[] = [];

  protected override row(block: Buffer, { columns, point }: Layout): void {
    const { bounds } = this;
    const values = new Float32Array(columns.length);
    const mark = point.charCodeAt(0);
    let k = 0;
    for (let c = 0; c < columns.length; c++) {
      if (columns[c].text) continue;
      const from = bounds[2 * c + 2];
      const to = bounds[2 * c + 3];
      const value = numberAt(block, from, to, mark);
      if (Number.isNaN(value) && !isMissing(block.toString("latin1", from, Math.min(to, from + 100)))) {
        throw this.fault(
          `'${visible(text(block, from, to), 40)}' in line ${this.line}, column '${visible(columns[c].name, 60)}'`,
          "a number, or nothing where it is missing",
          "correct the cell; a column of text must show itself as one in the first 60 lines",
        );
      }
      values[k++] = value;
    }
    this.rows.push(values.subarray(0, k));
  }
}

/** Some rows of the file, samples in rows. */
async function* rectangles(
  path: string,
  gzip: boolean,
  { rows, columns, turned }: { rows: number; columns: number; turned: boolean },
  bytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Extract<Piece, { kind: "dense" }>> {
  const lines = new NumberLines(path);
  const most = Math.max(1, Math.floor(bytes / Math.max(1, 4 * columns)));
  let first = 0;
  const taken = (): Extract<Piece, { kind: "dense" }> => {
    const part = lines.rows.splice(0, most);
    const row = first;
    first += part.length;
    return turned
      ? { kind: "dense", row: 0, col: row, rows: columns, cols: part.length, data: turn(part, columns) }
      : { kind: "dense", row, col: 0, rows: part.length, cols: columns, data: join(part, columns) };
  };
  for await (const block of wholeLines(path, gzip, signal)) {
    lines.add(block);
    while (lines.rows.length >= most) yield taken();
  }
  lines.end();
  while (lines.rows.length > 0) yield taken();
  if (first === rows) return;
  throw new CellhueError("the table has changed while it was read", {
    where: path,
    found: `${first} rows`,
    expected: `${rows}, as a moment before`,
    remedy: "let nothing write to the file, and start again",
  });
}

function text(block: Buffer, from: number, to: number): string {
  const out = block.toString("utf8", from, to);
  return out.includes('""') ? out.replaceAll('""', '"') : out;
}

/** Bytes of a rectangle: those that go straight into the matrix, those of a spill (of all samples of some genes). */
const PIECE = 4 << 20;
const SPILL_PIECE = 32 << 20;

class TextReader implements ExpressionReader {
  readonly layers: readonly string[] = [];
  readonly hasRaw = false;
  readonly skippedColumns: readonly string[] = [];
  readonly samples: number;
  readonly genes: number;

  private constructor(
    readonly path: string,
    readonly format: string,
    readonly notes: readonly string[],
    readonly x: XInfo,
    private readonly tables: { obs: Table; var: Table },
    readonly pieces: () => AsyncGenerator<Piece>,
    private matrix: DenseMatrix | null,
  ) {
    this.samples = tables.obs.length;
    this.genes = tables.var.length;
  }

  static async read(
    path: string,
    gzip: boolean,
    { layout, names, texts }: NameLines,
    options: OpenOptions,
    known: ReadonlySet<string> | null,
  ): Promise<TextReader> {
    if (layout === null) throw new Error("a table without a layout");
    const columns = layout.columns.filter((c) => !c.text).map((c) => c.name);
    const asked = options.orientation ?? "auto";
    const { orientation, why } =
      asked === "auto"
        ? orient({ corner: layout.corner, rows: names, columns }, known, path, options.genes)
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
    const turned = orientation === "genes-in-rows";
    const tables = turned
      ? { obs: table(columns, ofColumns), var: table(names, ofRows) }
      : { obs: table(names, ofRows), var: table(columns, ofColumns) };
    const x: XInfo = { source: "X", storage: "dense", dtype: "text", nonzero: null };
    const shape = { rows: names.length, columns: columns.length, turned };
    const [samples, genes] = [tables.obs.length, tables.var.length];
    const { withoutMatrix = false, limit = Infinity } = options;
    const isHeld = !withoutMatrix && heldBytes({ samples, genes, x }) <= limit;
    return new TextReader(
      path,
      `text (${delimiterNames[layout.delimiter]}${gzip ? ", gzip" : ""})`,
      notes,
      x,
      tables,
      () => rectangles(path, gzip, shape, SPILL_PIECE, options.signal),
      isHeld
        ? await assemble(rectangles(path, gzip, shape, PIECE, options.signal), samples, genes, path, options)
        : null,
    );
  }

  obs(): Table {
    return this.tables.obs;
  }

  var(): Table {
    return this.tables.var;
  }

  readMatrix(): DenseMatrix {
    if (this.matrix === null) throw new RangeError(leftUnread(this.path));
    return this.matrix;
  }

  close(): void {
    this.matrix = null;
  }
}

async function assemble(
  pieces: AsyncGenerator<Extract<Piece, { kind: "dense" }>>,
  rows: number,
  cols: number,
  path: string,
  { progress = silent }: OpenOptions,
): Promise<DenseMatrix> {
  const out = allocate(rows * cols, "the table", path, (n) => new Float32Array(n));
  const task = progress.task("reading X", rows * cols);
  let done = 0;
  try {
    for await (const { row, col, rows: height, cols: width, data } of pieces) {
      for (let i = 0; i < height; i++)
        out.set(data.subarray(i * width, (i + 1) * width), (row + i) * cols + col);
      done += data.length;
      task.update(done);
    }
  } finally {
    task.end();
  }
  return { kind: "dense", rows, cols, data: out };
}

/** Rows, one below the other. */
function join(rows: readonly Float32Array[], columns: number): Float32Array {
  const data = new Float32Array(rows.length * columns);
  rows.forEach((row, i) => {
    data.set(row, i * columns);
  });
  return data;
}

/** Rows as columns. */
function turn(rows: readonly Float32Array[], columns: number): Float32Array {
  const width = rows.length;
  const data = new Float32Array(width * columns);
  // in tiles, as a column at a time would miss the cache at every step
  const tile = 64;
  for (let g = 0; g < width; g += tile) {
    for (let s = 0; s < columns; s += tile) {
      for (let j = g; j < Math.min(g + tile, width); j++) {
        const row = rows[j];
        for (let i = s; i < Math.min(s + tile, columns); i++) data[i * width + j] = row[i];
      }
    }
  }
  return data;
}
