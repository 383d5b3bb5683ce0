/**
 * A folder of Matrix Market as 10x writes it: matrix.mtx (genes × cells), barcodes.tsv, genes.tsv (CellRanger 2) or
 * features.tsv (3 and later), each with or without .gz, also behind a prefix. obs and var are those of scanpy's
 * read_10x_mtx without made-up names: gene symbols name the genes, and gene expression alone is read.
 * The matrix is read when it is opened. Format: https://math.nist.gov/MatrixMarket/formats.html
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
import type { ExpressionReader, OpenOptions, XInfo } from "../reader.js";
import { columnsToRows, sortRows } from "../sparse.js";
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
    private readonly tables: { obs: Table; var: Table },
    readonly x: XInfo,
    readonly notes: readonly string[],
  ) {
    this.samples = tables.obs.length;
    this.genes = tables.var.length;
  }

  static async read(path: string, parts: Parts, options: OpenOptions): Promise<MtxReader> {
    const notes: string[] = [];
    const { matrix, dtype, stored } = await readMatrix(parts, notes, options);
    const { features, barcodes } = parts;
    const types = features.map((row) => row[2] ?? "");
    let kept: Int32Array | null = null;
    if (types.includes(EXPRESSION) && types.some((type) => type !== EXPRESSION)) {
      kept = Int32Array.from(types.flatMap((type, k) => (type === EXPRESSION ? [k] : [])));
      const others = [...new Set(types.filter((type) => type !== EXPRESSION))].slice(0, 4);
      notes.push(
        `${types.length - kept.length} features that are not gene expression are left out (${others.map((t) => visible(t, 60)).join(", ")})`,
      );
    }
    const rows = kept === null ? features : Array.from(kept, (k) => features[k]);
    const columns = new Map<string, Column>();
    const column = (k: number): Column => ({ kind: "string", values: rows.map((row) => row[k] ?? "") });
    const symbols = rows.some((row) => row.length > 1);
    if (symbols) columns.set("gene_ids", column(0));
    if (rows.some((row) => row.length > 2)) columns.set("feature_types", column(2));
    const index = rows.map((row) => (symbols ? (row[1] ?? row[0]) : row[0]));
    return new MtxReader(
      path,
      kept === null ? matrix : selectColumns(matrix, kept),
      {
        obs: { length: barcodes.length, index: barcodes.map(([name]) => name), columns: new Map() },
        var: { length: index.length, index, columns },
      },
      { source: "X", storage: "csr", dtype, nonzero: stored },
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
    if (this.matrix === null) throw new Error(`${this.path} is closed`);
    return this.matrix;
  }

  close(): void {
    this.matrix = null;
  }
}

async function readMatrix(
  { matrix: path, gzip, barcodes, features }: Parts,
  notes: string[],
  { progress = silent, signal }: OpenOptions,
): Promise<{ matrix: CsrMatrix; dtype: string; stored: number }> {
  const fault = (found: string, expected: string) =>
    new CellhueError("the matrix is not as Matrix Market has it", {
      where: path,
      found,
      expected,
      remedy: "copy or download the file again; it may be cut short",
    });
  let header: Header | null = null;
  let entries: Entries | null = null;
  const task = { current: silent.task("", 0) };
  let comments = 0;
  for await (const block of wholeLines(path, gzip, signal)) {
    let at = 0;
    while (at < block.length) {
      let end = block.indexOf(10, at);
      if (end < 0) end = block.length;
      if (entries === null) {
        const line = block.toString("latin1", at, end).trim();
        if (header === null) header = parseBanner(line, fault);
        else if (line !== "" && !line.startsWith("%")) {
          entries = new Entries(parseSize(line, fault), header, path, fault);
          task.current = progress.task("reading X", entries.claimed);
        } else if (++comments > 100_000) throw fault("100,000 comments", "the size of the matrix");
      } else entries.add(block, at, end);
      at = end + 1;
    }
    if (entries !== null) task.current.update(Math.min(entries.count, entries.claimed));
  }
  task.current.end();
  if (entries === null || header === null) throw fault("no size of the matrix", "rows, columns and entries");
  const { rows, cols } = entries;
  const turned = rows === features.length && cols === barcodes.length;
  if (!turned && !(rows === barcodes.length && cols === features.length)) {
    throw new CellhueError("the matrix does not fit its barcodes and genes", {
      where: path,
      found: `${rows} × ${cols}`,
      expected: `${features.length} genes × ${barcodes.length} barcodes`,
      remedy: "take the three files of one and the same export",
    });
  }
  if (!turned) notes.push("the matrix holds cells × genes, not genes × cells as 10x writes it");
  return {
    matrix: entries.toMatrix(turned),
    dtype: header.field === "real" ? "float64" : "int64",
    stored: entries.count,
  };
}

type Fault = (found: string, expected: string) => CellhueError;
interface Header {
  field: "integer" | "real" | "pattern";
}

function parseBanner(line: string, fault: Fault): Header {
  const [, object, format, field, symmetry] = line.toLowerCase().split(/\s+/);
  const known = field === "integer" || field === "real" || field === "pattern";
  if (object !== "matrix" || format !== "coordinate" || !known || symmetry !== "general") {
    throw fault(visible(line, 100), "%%MatrixMarket matrix coordinate integer (or real, pattern) general");
  }
  return { field };
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

/** The entries as they come; the arrays grow with them, whatever number is claimed. */
class Entries {
  readonly rows: number;
  readonly cols: number;
  readonly claimed: number;
  count = 0;
  private row: Int32Array;
  private col: Int32Array;
  private value: Float32Array;
  private readonly fields: number;

  constructor(
    [rows, cols, claimed]: [number, number, number],
    { field }: Header,
    private readonly path: string,
    private readonly fault: Fault,
  ) {
    this.rows = rows;
    this.cols = cols;
    this.claimed = claimed;
    this.fields = field === "pattern" ? 2 : 3;
    const first = Math.min(claimed, 1 << 20);
    this.row = new Int32Array(first);
    this.col = new Int32Array(first);
    this.value = new Float32Array(first);
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
        `entry ${this.count + 1}: ${visible(bytes.toString("latin1", from, Math.min(to, from + 80)).trim())}`,
        `row (1 to ${this.rows}), column (1 to ${this.cols})${this.fields === 3 ? " and value" : ""}`,
      );
    }
    if (Number.isNaN(value) && !/nan\s*$/i.test(bytes.toString("latin1", from, to))) {
      throw this.fault(`entry ${this.count + 1} without a number`, "row, column and value");
    }
    if (this.count === this.claimed) throw this.fault(`more than ${this.claimed} entries`, `${this.claimed}`);
    if (this.count === this.row.length) this.grow();
    this.row[this.count] = row - 1;
    this.col[this.count] = col - 1;
    this.value[this.count++] = value;
  }

  /** @param turned rows of the file are genes, and become columns */
  toMatrix(turned: boolean): CsrMatrix {
    const { count, claimed, path } = this;
    if (count !== claimed) throw this.fault(`${count} entries`, `${claimed}`);
    const [rows, cols] = turned ? [this.cols, this.rows] : [this.rows, this.cols];
    const [rowOf, colOf] = turned ? [this.col, this.row] : [this.row, this.col];
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
    const size = Math.min(this.claimed, 2 * this.row.length);
    const grown = <T extends Int32Array | Float32Array>(old: T, make: (n: number) => T): T => {
      const out = allocate(size, this.path, this.path, make);
      out.set(old);
      return out;
    };
    this.row = grown(this.row, (n) => new Int32Array(n));
    this.col = grown(this.col, (n) => new Int32Array(n));
    this.value = grown(this.value, (n) => new Float32Array(n));
  }
}
