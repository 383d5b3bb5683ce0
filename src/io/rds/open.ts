/**
 * .rds of R: a matrix (dense, or dgCMatrix of the Matrix package), a data frame, a SummarizedExperiment or a
 * SingleCellExperiment. R keeps genes in rows and goes down the columns, which is samples × genes, row by row. The first assay is X, the others are layers, as zellkonverter has it.
 * Read when it is opened.
 */
import { statSync } from "node:fs";
import { CellhueError, throwIfAborted } from "../../errors.js";
import type { HeldMatrix } from "../../matrix.js";
import type { Column, Table } from "../../table.js";
import { columnAsText } from "../labels.js";
import { allocate, requirePlausible } from "../limits.js";
import { wholeBytes } from "../lines.js";
import { requireMatrixThere } from "../plain.js";
import type { ExpressionReader, OpenOptions, XInfo } from "../reader.js";
import { columnsToRows, faultOfOffsets, sortRows } from "../sparse.js";
import { orient } from "../text/orientation.js";
import { visible } from "../visible.js";
import { NA_INTEGER, parseRds, type RValue } from "./parse.js";

/** @param samples names in the table of labels, if there is one. See `openExpression` for the errors. */
export async function openRds(
  path: string,
  gzip: boolean,
  options: OpenOptions,
  samples: ReadonlySet<string> | null,
): Promise<ExpressionReader> {
  // twice: counted first, so that it is held once
  const packed = statSync(path).size;
  let length = 0;
  for await (const piece of wholeBytes(path, gzip)) {
    throwIfAborted(options.signal);
    length += piece.length;
    requirePlausible(length, packed, "the .rds", path);
  }
  const bytes = allocate(length, "the .rds", path, (n) => Buffer.alloc(n));
  let at = 0;
  for await (const piece of wholeBytes(path, gzip)) at += piece.copy(bytes, at);
  return new Experiment(path, parseRds(bytes, path), options, samples).reader();
}

interface Grid {
  rows: number;
  cols: number;
  rowNames: string[] | null;
  colNames: string[] | null;
  x: Pick<XInfo, "storage" | "dtype" | "nonzero">;
  /** Columns of the file as rows of the result, or the other way round. */
  read(columnsAreSamples: boolean): HeldMatrix;
}

/** What an object of R holds, as obs, var and a matrix. */
class Experiment {
  constructor(
    private readonly path: string,
    private readonly value: RValue,
    private readonly options: OpenOptions,
    private readonly samples: ReadonlySet<string> | null,
  ) {}

  reader(): ExpressionReader {
    const assays = this.assays();
    return assays === null ? this.ofGrid(this.value) : this.ofAssays(assays);
  }

  /** The assays of a SummarizedExperiment; null where the object is none. */
  private assays(): { name: string; value: RValue }[] | null {
    if (this.value.type !== "S4" || this.attribute(this.value, "colData") === null) return null;
    const list = this.attribute(this.attribute(this.attribute(this.value, "assays"), "data"), "listData");
    if (list?.type !== "list") throw this.notRead("assays of a kind that is not read");
    const names = this.names(list);
    const values = this.list(list);
    return values.map((value, i) => ({ name: names[i] || `assay ${i + 1}`, value }));
  }

  private ofAssays(assays: { name: string; value: RValue }[]): ExpressionReader {
    const { options, path, value } = this;
    const layers = assays.slice(1).map((assay) => assay.name);
    requireMatrixThere(path, ".rds", options, layers);
    const chosen =
      options.layer === undefined ? assays[0] : assays.find(({ name }) => name === options.layer);
    if (chosen === undefined) throw this.notRead("an experiment without assays");
    const grid = this.grid(chosen.value);
    const skipped: string[] = [];
    const columns = this.frame(this.attribute(value, "colData"), grid.cols, "obs", skipped);
    const ranges = this.attribute(value, "rowRanges");
    const rowFrame = this.attribute(ranges ?? value, "elementMetadata");
    const rows = this.frame(rowFrame, grid.rows, "var", skipped);
    const rowNames =
      this.texts(this.attribute(value, "NAMES")) ??
      this.texts(this.attribute(this.attribute(ranges, "partitioning"), "NAMES")) ??
      this.texts(this.attribute(this.attribute(ranges, "ranges"), "NAMES")) ??
      rows.names ??
      grid.rowNames;
    return this.made(
      grid,
      true,
      { names: columns.names ?? grid.colNames, columns: columns.columns },
      { names: rowNames, columns: rows.columns },
      { layers, source: options.layer === undefined ? "X" : `layers/${options.layer}`, skipped, notes: [] },
    );
  }

  private ofGrid(value: RValue): ExpressionReader {
    requireMatrixThere(this.path, ".rds", this.options);
    const skipped: string[] = [];
    const isFrame = value.type === "list" && this.classOf(value).includes("data.frame");
    const { grid, texts } = isFrame
      ? this.ofFrame(value, skipped)
      : { grid: this.grid(value), texts: new Map<string, Column>() };
    const asked = this.options.orientation ?? "auto";
    const names = { corner: "", rows: grid.rowNames ?? [], columns: grid.colNames ?? [] };
    const { orientation, why } =
      asked !== "auto"
        ? { orientation: asked, why: "as asked" }
        : grid.rowNames === null && grid.colNames === null
          ? { orientation: "genes-in-rows" as const, why: "a guess, as R keeps them" }
          : orient(names, this.samples, this.path, this.options.genes);
    const genesInRows = orientation === "genes-in-rows";
    const [rows, cols] = [
      { names: grid.rowNames, columns: texts },
      { names: grid.colNames, columns: new Map<string, Column>() },
    ];
    return this.made(grid, genesInRows, genesInRows ? cols : rows, genesInRows ? rows : cols, {
      layers: [],
      source: "X",
      skipped,
      notes: [`${orientation.replaceAll("-", " ")}: ${why}`],
    });
  }

  private made(
    grid: Grid,
    columnsAreSamples: boolean,
    obs: { names: string[] | null; columns: Map<string, Column> },
    genes: { names: string[] | null; columns: Map<string, Column> },
    rest: { layers: string[]; source: string; skipped: string[]; notes: string[] },
  ): ExpressionReader {
    const [samples, width] = columnsAreSamples ? [grid.cols, grid.rows] : [grid.rows, grid.cols];
    const notes = [...rest.notes];
    const table = (what: string, length: number, { names, columns }: typeof obs): Table => {
      if (names === null) notes.push(`the ${what} have no names; they are numbered`);
      const index = names ?? Array.from({ length }, (_, i) => String(i + 1));
      if (index.length !== length) throw this.damaged(`${index.length} names`, `${length} ${what}`);
      return { length, index, columns };
    };
    const tables = { obs: table("samples", samples, obs), var: table("genes", width, genes) };
    let matrix: HeldMatrix | null = grid.read(columnsAreSamples);
    const { path } = this;
    return {
      path,
      format: "rds",
      samples,
      genes: width,
      x: { source: rest.source, ...grid.x },
      layers: rest.layers,
      hasRaw: false,
      skippedColumns: rest.skipped,
      notes,
      obs: () => tables.obs,
      var: () => tables.var,
      readMatrix() {
        if (matrix === null) throw new Error(`${path} is closed`);
        return matrix;
      },
      close() {
        matrix = null;
      },
    };
  }

  /** A matrix of R, dense or sparse. */
  private grid(value: RValue): Grid {
    const name = value.type === "S4" ? (this.classOf(value)[0] ?? "") : "";
    if (name === "Seurat" || name === "seurat") {
      throw this.notRead("a Seurat object", [
        "in R: zellkonverter::writeH5AD(Seurat::as.SingleCellExperiment(readRDS(FILE)), NEW)",
        "or in R: saveRDS(Seurat::as.SingleCellExperiment(readRDS(FILE)), NEW)",
      ]);
    }
    const dims = this.numbers(this.attribute(value, name === "" ? "dim" : "Dim"));
    if (dims === null || dims.length !== 2 || dims.some((n) => !(n >= 0))) {
      throw this.notRead(
        name === "" ? `an object of type ${value.type}` : `an object of class ${visible(name, 60)}`,
      );
    }
    const [rows, cols] = dims;
    const both = this.attribute(value, name === "" ? "dimnames" : "Dimnames");
    const [rowNames, colNames] =
      both?.type === "list" ? this.list(both).map((names) => this.texts(names)) : [null, null];
    const shape = { rows, cols, rowNames: rowNames ?? null, colNames: colNames ?? null };
    if (name === "dgCMatrix") return { ...shape, ...this.sparse(value, rows, cols) };
    const numbers = this.numbers(value);
    if (numbers === null) {
      throw this.notRead(`a matrix of class ${visible(name || value.type, 60)}`, [
        'in R: x <- as(as(x, "dMatrix"), "CsparseMatrix"); saveRDS(x, NEW)',
      ]);
    }
    if (numbers.length !== rows * cols) throw this.damaged(`${numbers.length} numbers`, `${rows} × ${cols}`);
    const dtype = numbers instanceof Float64Array ? "float64" : "int32";
    return {
      ...shape,
      x: { storage: "dense", dtype, nonzero: null },
      read: (columnsAreSamples) => this.dense(numbers, rows, cols, columnsAreSamples),
    };
  }

  private dense(numbers: ArrayLike<number>, rows: number, cols: number, turned: boolean): HeldMatrix {
    const data = allocate(rows * cols, "the matrix", this.path, (n) => new Float32Array(n));
    const missing = numbers instanceof Float64Array ? Number.NaN : NA_INTEGER;
    for (let j = 0; j < cols; j++) {
      for (let i = 0; i < rows; i++) {
        const v = numbers[j * rows + i];
        data[turned ? j * rows + i : i * cols + j] = v === missing ? Number.NaN : v;
      }
    }
    return turned ? { kind: "dense", rows: cols, cols: rows, data } : { kind: "dense", rows, cols, data };
  }

  private sparse(value: RValue, rows: number, cols: number): Pick<Grid, "x" | "read"> {
    const [i, p, x] = ["i", "p", "x"].map((part) => this.numbers(this.attribute(value, part)));
    if (i === null || p === null || x === null)
      throw this.damaged("a dgCMatrix without i, p or x", "all of them");
    const indptr = Float64Array.from(p);
    const fault = faultOfOffsets(indptr, cols, Math.min(i.length, x.length));
    if (fault !== null) throw this.damaged(...fault);
    const stored = indptr[cols];
    const indices = Int32Array.from(i.subarray(0, stored));
    if (indices.some((row) => !(row >= 0 && row < rows)))
      throw this.damaged("a row beyond the matrix", `${rows} rows`);
    const values = Float32Array.from(x.subarray(0, stored));
    return {
      x: { storage: "csr", dtype: "float64", nonzero: stored },
      read: (columnsAreSamples) =>
        sortRows(
          columnsAreSamples
            ? { kind: "csr", rows: cols, cols: rows, indptr, indices, values }
            : columnsToRows({ rows, cols, indptr, indices, values }),
        ),
    };
  }

  /** Numeric columns of a data frame as a matrix; the others annotate its rows. */
  private ofFrame(value: RValue, skipped: string[]): { grid: Grid; texts: Map<string, Column> } {
    const names = this.names(value);
    const rowNames = this.attribute(value, "row.names");
    const compact = this.numbers(rowNames);
    const columns = this.list(value).map((column) => this.column(column));
    const rows = Math.max(0, ...columns.map((column) => (column === null ? 0 : columnAsText(column).length)));
    const texts = new Map<string, Column>();
    const kept: { name: string; values: Float64Array }[] = [];
    columns.forEach((column, k) => {
      if (column === null) skipped.push(names[k]);
      else if (column.kind === "number") kept.push({ name: names[k], values: column.values });
      else texts.set(names[k], column);
    });
    if (kept.length === 0) throw this.notRead("a data frame without a column of numbers");
    if (kept.some(({ values }) => values.length !== rows))
      throw this.damaged("columns of several lengths", "one");
    const whole = new Float64Array(rows * kept.length);
    kept.forEach(({ values }, j) => {
      whole.set(values, j * rows);
    });
    return {
      texts,
      grid: {
        rows,
        cols: kept.length,
        // 1, 2, 3 … where nothing was given
        rowNames: compact === null ? this.texts(rowNames) : null,
        colNames: kept.map(({ name }) => name),
        x: { storage: "dense", dtype: "float64", nonzero: null },
        read: (columnsAreSamples) => this.dense(whole, rows, kept.length, columnsAreSamples),
      },
    };
  }

  /** A DFrame of S4Vectors. */
  private frame(
    value: RValue | null,
    length: number,
    table: string,
    skipped: string[],
  ): { names: string[] | null; columns: Map<string, Column> } {
    const list = this.attribute(value, "listData");
    const columns = new Map<string, Column>();
    if (list?.type === "list") {
      const names = this.names(list);
      this.list(list).forEach((item, k) => {
        const column = this.column(item);
        if (column === null) skipped.push(`${table}/${names[k]}`);
        else {
          const found = columnAsText(column).length;
          if (found !== length)
            throw this.damaged(`${found} values in ${visible(names[k], 60)}`, `${length}`);
          columns.set(names[k], column);
        }
      });
    }
    return { names: this.texts(this.attribute(value, "rownames")), columns };
  }

  /** null: of a kind that a Table does not hold. */
  private column(value: RValue): Column | null {
    const type = value.type;
    if (value.texts !== undefined) return { kind: "string", values: value.texts };
    const numbers = this.numbers(value);
    if (numbers === null) return null;
    const classes = this.classOf(value);
    if (classes.includes("factor")) {
      const categories = this.texts(this.attribute(value, "levels")) ?? [];
      const codes = Int32Array.from(numbers, (code) => (code === NA_INTEGER ? -1 : code - 1));
      if (codes.some((code) => code < -1 || code >= categories.length)) {
        throw this.damaged("a factor's code without a level", `1 to ${categories.length}`);
      }
      return { kind: "categorical", categories, codes, ordered: classes.includes("ordered") };
    }
    if (type === "boolean") {
      return { kind: "boolean", values: Int8Array.from(numbers, (v) => (v === 0 ? 0 : v === 1 ? 1 : -1)) };
    }
    const integer = type === "integer";
    return {
      kind: "number",
      values: Float64Array.from(numbers, (v) => (integer && v === NA_INTEGER ? Number.NaN : v)),
      integer,
    };
  }

  private attribute(value: RValue | null, name: string): RValue | null {
    return value?.attributes.get(name) ?? null;
  }

  private classOf(value: RValue): string[] {
    return this.texts(this.attribute(value, "class")) ?? [];
  }

  private names(list: RValue): string[] {
    const names = this.texts(this.attribute(list, "names")) ?? [];
    return this.list(list).map((_, i) => names[i] || `V${i + 1}`);
  }

  private list(value: RValue): readonly RValue[] {
    return value.items ?? [];
  }

  private texts(value: RValue | null): string[] | null {
    return value?.texts?.map((text) => text ?? "") ?? null;
  }

  private numbers(value: RValue | null): Int32Array | Float64Array | null {
    return value?.numbers ?? null;
  }

  private damaged(found: string, expected: string): CellhueError {
    return new CellhueError("the .rds is not as R writes it", {
      where: this.path,
      found,
      expected,
      remedy: "write it again in R: saveRDS(x, FILE)",
    });
  }

  private notRead(found: string, remedy?: string[]): CellhueError {
    return new CellhueError("the .rds holds something that is not read", {
      where: this.path,
      found,
      expected: "a matrix, a dgCMatrix, a data frame, a SummarizedExperiment or a SingleCellExperiment",
      remedy: remedy ?? [
        "in R, of a SingleCellExperiment: zellkonverter::writeH5AD(readRDS(FILE), NEW)",
        "in R, of a matrix: write.csv(as.matrix(readRDS(FILE)), NEW)",
      ],
    });
  }
}
