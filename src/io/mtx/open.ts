/**
 * A folder of Matrix Market as 10x writes it: matrix.mtx (genes × cells), barcodes.tsv, genes.tsv (CellRanger 2) or
 * features.tsv (3 and later), each with or without .gz, also behind a prefix. obs and var are those of scanpy's
 * read_10x_mtx without made-up names: gene symbols name the genes, and gene expression alone is read.
 * The matrix is read when it is opened, unless it is larger than may be held. Format: https://math.nist.gov/MatrixMarket/formats.html
 */
import { basename, dirname, join } from "node:path";
import { CellhueError } from "../../errors.js";
import { type CsrMatrix, selectColumns } from "../../matrix.js";
import { silent } from "../../progress.js";
import type { Column, Table } from "../../table.js";
import { listFolder } from "../content.js";
import { allocate, MOST_ENTRIES } from "../limits.js";
import { eachLine, wholeLines } from "../lines.js";
import { numberAt } from "../numbers.js";
import { requireMatrixThere } from "../plain.js";
import { type ExpressionReader, heldBytes, leftUnread, type OpenOptions, type XInfo } from "../reader.js";
import { columnsToRows, sortRows } from "../sparse.js";
import type { Piece } from "../spill.js";
import { splitLine } from "../text/cells.js";
import { visible } from "../visible.js";

/** @param path as the user gave it; @param matrix the matrix in it. See `openExpression` for the errors. */
export async function openMtx(
  path: string,
  matrix: string,
  gzip: boolean,
  options: OpenOptions,
): Promise<ExpressionReader> {
  requireMatrixThere(path, "Matrix Market", options);
  const folder = dirname(matrix);
  const names = listFolder(folder);
  const prefix = /^(.*?)matrix\.mtx(\.gz)?$/i.exec(basename(matrix))?.[1] ?? "";
  const beside = (...stems: string[]) => {
    const wanted = stems.flatMap((stem) =>
      [".tsv", ".tsv.gz", ".txt", ".txt.gz"].map((end) => prefix + stem + end),
    );
    const found = wanted.find((name) => names.includes(name));
    if (found !== undefined) return join(folder, found);
    throw new CellhueError(`the matrix lies without its ${stems[0]}`, {
      where: folder,
      found: names.slice(0, 12).join(", "),
      expected: wanted.filter((name) => /\.tsv(\.gz)?$/.test(name)).join(" or "),
      remedy: "put the files of the matrix into one folder, under their own names",
    });
  };
  const barcodes = await readCells(beside("barcodes"));
  const features = await readCells(beside("features", "genes"));
  return MtxReader.read(path, { matrix, gzip, barcodes, features }, options);
}

async function readCells(path: string): Promise<string[][]> {
  const rows: string[][] = [];
  await eachLine(path, /\.gz$/i.test(path), (line) => {
    rows.push(splitLine(line, "\t"));
  });
  return rows;
}

interface Parts {
  matrix: string;
  gzip: boolean;
  barcodes: string[][];
  features: string[][];
}

const EXPRESSION = "Gene Expression";

class MtxReader implements ExpressionReader {
  readonly format = "mtx";
  readonly samples: number;
  readonly genes: number;
  readonly layers: readonly string[] = [];
  readonly hasRaw = false;
  readonly skippedColumns: readonly string[] = [];

  private constructor(
    readonly path: string,
    private matrix: CsrMatrix | null,
    readonly pieces: () => AsyncGenerator<Piece>,
    private readonly tables: { obs: Table; var: Table },
    readonly x: XInfo,
    readonly notes: readonly string[],
  ) {
    this.samples = tables.obs.length;
    this.genes = tables.var.length;
  }

  static async read(path: string, parts: Parts, options: OpenOptions): Promise<MtxReader> {
    const notes: string[] = [];
    const { features, barcodes } = parts;
    const head = await readHead(parts);
    if (!head.turned) notes.push("the matrix holds cells × genes, not genes × cells as 10x writes it");
    const types = features.map((row) => row[2] ?? "");
    let kept: Int32Array | null = null;
    if (types.includes(EXPRESSION) && types.some((type) => type !== EXPRESSION)) {
      kept = Int32Array.from(types.flatMap((type, k) => (type === EXPRESSION ? [k] : [])));
      const others = [...new Set(types.filter((type) => type !== EXPRESSION))].slice(0, 4);
      notes.push(
        `${types.length - kept.length} features that are not gene expression are left out (${others.map((t) => visible(t, 60)).join(", ")})`,
      );
    }
    const x: XInfo = {
      source: "X",
      storage: "csr",
      dtype: head.field === "real" ? "float64" : "int64",
      nonzero: head.claimed,
    };
    const { withoutMatrix = false, limit = Infinity } = options;
    const isHeld =
      !withoutMatrix && heldBytes({ samples: barcodes.length, genes: features.length, x }) <= limit;
    const matrix = isHeld ? await readMatrix(parts, head, options) : null;
    const rows = kept === null ? features : Array.from(kept, (k) => features[k]);
    const columns = new Map<string, Column>();
    const column = (k: number): Column => ({ kind: "string", values: rows.map((row) => row[k] ?? "") });
    const symbols = rows.some((row) => row.length > 1);
    if (symbols) columns.set("gene_ids", column(0));
    if (rows.some((row) => row.length > 2)) columns.set("feature_types", column(2));
    const index = rows.map((row) => (symbols ? (row[1] ?? row[0]) : row[0]));
    return new MtxReader(
      path,
      kept === null || matrix === null ? matrix : selectColumns(matrix, kept),
      () => piecesOf(parts, head, kept, options.signal),
      {
        obs: { length: barcodes.length, index: barcodes.map(([name]) => name), columns: new Map() },
        var: { length: index.length, index, columns },
      },
      x,
      notes,
    );
  }

  obs(): Table {
    return this.tables.obs;
  }

  var(): Table {
    return this.tables.var;
  }

  readMatrix(): CsrMatrix {
    if (this.matrix === null) throw new RangeError(leftUnread(this.path));
    return this.matrix;
  }

  close(): void {
    this.matrix = null;
  }
}

/** What the matrix says of itself, and whether it is genes × cells. */
interface Head {
  field: Field;
  rows: number;
  cols: number;
  claimed: number;
  turned: boolean;
}

const faultOf =
  (path: string): Fault =>
  (found, expected) =>
    new CellhueError("the matrix is not as Matrix Market has it", {
      where: path,
      found,
      expected,
      remedy: "copy or download the file again; it may be cut short",
    });

/** Whole lines of the matrix, or comments, up to its size: then the rest of the lines. */
async function* afterSize(
  { matrix: path, gzip }: Pick<Parts, "matrix" | "gzip">,
  signal?: AbortSignal,
): AsyncGenerator<{ field: Field; size: [number, number, number]; block: Buffer }> {
  const fault = faultOf(path);
  let field: Field | null = null;
  let size: [number, number, number] | null = null;
  let comments = 0;
  for await (const block of wholeLines(path, gzip, signal)) {
    let at = 0;
    while (at < block.length && size === null) {
      let end = block.indexOf(10, at);
      if (end < 0) end = block.length;
      const line = block.toString("latin1", at, end).trim();
      if (field === null) field = parseBanner(line, fault);
      else if (line !== "" && !line.startsWith("%")) size = parseSize(line, fault);
      else if (++comments > 100_000) throw fault("100,000 comments", "the size of the matrix");
      at = end + 1;
    }
    if (field !== null && size !== null) yield { field, size, block: block.subarray(at) };
  }
  if (size === null) throw fault("no size of the matrix", "rows, columns and entries");
}

async function readHead(parts: Parts): Promise<Head> {
  const { matrix: path, barcodes, features } = parts;
  for await (const { field, size } of afterSize(parts)) {
    const [rows, cols, claimed] = size;
    const turned = rows === features.length && cols === barcodes.length;
    if (!turned && !(rows === barcodes.length && cols === features.length)) {
      throw new CellhueError("the matrix does not fit its barcodes and genes", {
        where: path,
        found: `${rows} × ${cols}`,
        expected: `${features.length} genes × ${barcodes.length} barcodes`,
        remedy: "take the three files of one and the same export",
      });
    }
    return { field, rows, cols, claimed, turned };
  }
  throw new Error("a matrix without a size");
}

/** The entries as they come, a block of lines at a time; the arrays are used again. */
async function* entriesOf(parts: Parts, head: Head, signal?: AbortSignal): AsyncGenerator<Entries> {
  const entries = new Entries(head, faultOf(parts.matrix));
  for await (const { block } of afterSize(parts, signal)) {
    let at = 0;
    while (at < block.length) {
      let end = block.indexOf(10, at);
      if (end < 0) end = block.length;
      entries.add(block, at, end);
      at = end + 1;
    }
    yield entries;
    entries.clear();
  }
  entries.end();
}

async function readMatrix(
  parts: Parts,
  head: Head,
  { progress = silent, signal }: OpenOptions,
): Promise<CsrMatrix> {
  const triplets = new Triplets(head, parts.matrix);
  const task = progress.task("reading X", head.claimed);
  try {
    for await (const entries of entriesOf(parts, head, signal)) {
      triplets.add(entries);
      task.update(triplets.count);
    }
  } finally {
    task.end();
  }
  return triplets.toMatrix();
}

/** @param kept the genes that are read, of all; null: all */
async function* piecesOf(
  parts: Parts,
  head: Head,
  kept: Int32Array | null,
  signal?: AbortSignal,
): AsyncGenerator<Piece> {
  const place = new Int32Array(parts.features.length).map((_, gene) => (kept === null ? gene : -1));
  kept?.forEach((gene, k) => {
    place[gene] = k;
  });
  for await (const { count, row, col, value } of entriesOf(parts, head, signal)) {
    const rows = (head.turned ? col : row).slice(0, count);
    const cols = (head.turned ? row : col).slice(0, count).map((gene) => place[gene]);
    const values = value.slice(0, count);
    if (kept === null) yield { kind: "entries", rows, cols, values };
    else {
      const isKept = (_: number, k: number) => cols[k] >= 0;
      yield {
        kind: "entries",
        rows: rows.filter(isKept),
        cols: cols.filter((gene) => gene >= 0),
        values: values.filter(isKept),
      };
    }
  }
}

type Fault = (found: string, expected: string) => CellhueError;
type Field = "integer" | "real" | "pattern";

function parseBanner(line: string, fault: Fault): Field {
  const [, object, format, field, symmetry] = line.toLowerCase().split(/\s+/);
  const known = field === "integer" || field === "real" || field === "pattern";
  if (object !== "matrix" || format !== "coordinate" || !known || symmetry !== "general") {
    throw fault(visible(line, 100), "%%MatrixMarket matrix coordinate integer (or real, pattern) general");
  }
  return field;
}

function parseSize(line: string, fault: Fault): [number, number, number] {
  const sizes = line.split(/\s+/).map((text) => (/^\d+$/.test(text) ? Number(text) : Number.NaN));
  const [rows, cols, stored] = sizes;
  if (sizes.length !== 3 || !sizes.every(Number.isSafeInteger)) {
    throw fault(visible(line, 100), "rows, columns and entries");
  }
  if (rows >= 2 ** 31 || cols >= 2 ** 31 || stored > MOST_ENTRIES) {
    throw fault(visible(line, 100), "sizes below 2^31, at most 2^32 entries");
  }
  return [rows, cols, stored];
}

/** Entries of a block of lines; rows and columns from 0. */
class Entries {
  count = 0;
  row = new Int32Array(1 << 16);
  col = new Int32Array(1 << 16);
  value = new Float32Array(1 << 16);
  private readonly rows: number;
  private readonly cols: number;
  private readonly claimed: number;
  private readonly fields: number;
  /** Of the blocks before. */
  private before = 0;

  constructor(
    { rows, cols, claimed, field }: Head,
    private readonly fault: Fault,
  ) {
    this.rows = rows;
    this.cols = cols;
    this.claimed = claimed;
    this.fields = field === "pattern" ? 2 : 3;
  }

  clear(): void {
    this.before += this.count;
    this.count = 0;
  }

  end(): void {
    if (this.before !== this.claimed) throw this.fault(`${this.before} entries`, `${this.claimed}`);
  }

  /** One line: row, column (both from 1) and value. */
  add(bytes: Buffer, from: number, to: number): void {
    let at = from;
    let found = 0;
    let row = 0;
    let col = 0;
    let value = 1;
    while (at < to) {
      while (at < to && bytes[at] <= 32) at++;
      if (at === to) break;
      const begin = at;
      while (at < to && bytes[at] > 32) at++;
      const number = numberAt(bytes, begin, at);
      if (found === 0) row = number;
      else if (found === 1) col = number;
      else value = number;
      found++;
    }
    if (found === 0) return;
    const isPlace = row >= 1 && row <= this.rows && col >= 1 && col <= this.cols;
    if (found !== this.fields || !isPlace || !Number.isInteger(row) || !Number.isInteger(col)) {
      throw this.fault(
        `entry ${this.before + this.count + 1}: ${visible(bytes.toString("latin1", from, Math.min(to, from + 80)).trim())}`,
        `row (1 to ${this.rows}), column (1 to ${this.cols})${this.fields === 3 ? " and value" : ""}`,
      );
    }
    if (Number.isNaN(value) && !/nan\s*$/i.test(bytes.toString("latin1", from, to))) {
      throw this.fault(`entry ${this.before + this.count + 1} without a number`, "row, column and value");
    }
    if (this.before + this.count === this.claimed)
      throw this.fault(`more than ${this.claimed} entries`, `${this.claimed}`);
    if (this.count === this.row.length) {
      this.row = grown(this.row, new Int32Array(2 * this.count));
      this.col = grown(this.col, new Int32Array(2 * this.count));
      this.value = grown(this.value, new Float32Array(2 * this.count));
    }
    this.row[this.count] = row - 1;
    this.col[this.count] = col - 1;
    this.value[this.count++] = value;
  }
}

function grown<T extends Int32Array | Float32Array>(old: T, into: T): T {
  into.set(old);
  return into;
}

/** All entries, held; the arrays grow with them, whatever number is claimed. */
class Triplets {
  count = 0;
  private row: Int32Array;
  private col: Int32Array;
  private value: Float32Array;

  constructor(
    private readonly head: Head,
    private readonly path: string,
  ) {
    const first = Math.min(head.claimed, 1 << 20);
    this.row = new Int32Array(first);
    this.col = new Int32Array(first);
    this.value = new Float32Array(first);
  }

  add({ count, row, col, value }: Entries): void {
    while (this.count + count > this.row.length) this.grow();
    this.row.set(row.subarray(0, count), this.count);
    this.col.set(col.subarray(0, count), this.count);
    this.value.set(value.subarray(0, count), this.count);
    this.count += count;
  }

  /** Cells × genes: where the file has genes × cells, its rows become columns. */
  toMatrix(): CsrMatrix {
    const { count, path, head } = this;
    const [rows, cols] = head.turned ? [head.cols, head.rows] : [head.rows, head.cols];
    const [rowOf, colOf] = head.turned ? [this.col, this.row] : [this.row, this.col];
    // by column first: what is then turned into rows has rising columns
    const indptr = allocate(cols + 1, path, path, (n) => new Float64Array(n));
    for (let k = 0; k < count; k++) indptr[colOf[k] + 1]++;
    for (let j = 0; j < cols; j++) indptr[j + 1] += indptr[j];
    const next = indptr.slice(0, cols);
    const indices = allocate(count, path, path, (n) => new Int32Array(n));
    const values = allocate(count, path, path, (n) => new Float32Array(n));
    for (let k = 0; k < count; k++) {
      const to = next[colOf[k]]++;
      indices[to] = rowOf[k];
      values[to] = this.value[k];
    }
    this.row = this.col = new Int32Array(0);
    this.value = new Float32Array(0);
    return sortRows(columnsToRows({ rows, cols, indptr, indices, values }));
  }

  private grow(): void {
    const size = Math.min(this.head.claimed, 2 * this.row.length);
    const room = <T>(make: (n: number) => T) => allocate(size, this.path, this.path, make);
    this.row = grown(
      this.row,
      room((n) => new Int32Array(n)),
    );
    this.col = grown(
      this.col,
      room((n) => new Int32Array(n)),
    );
    this.value = grown(
      this.value,
      room((n) => new Float32Array(n)),
    );
  }
}
