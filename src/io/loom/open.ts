/**
 * .loom of versions 2 and 3 (HDF5): `matrix` and `layers`, genes × cells; `row_attrs` describe genes, `col_attrs` cells.
 * Names are CellID and Gene, as anndata's read_loom takes them; where there is none, the first attribute that tells all
 * rows apart, else numbers. Format: https://linnarssonlab.org/loompy/format
 */
import { CellhueError, throwIfAborted } from "../../errors.js";
import type { DenseMatrix } from "../../matrix.js";
import { type Progress, silent } from "../../progress.js";
import type { Column, Table } from "../../table.js";
import { columnOf } from "../h5ad/open.js";
import { dtypeName, type Hdf5File } from "../hdf5/file.js";
import { denseBlock } from "../hdf5/matrix.js";
import { columnAsText } from "../labels.js";
import { allocate, requirePlausible } from "../limits.js";
import { requireMatrixThere } from "../plain.js";
import type { ExpressionReader, OpenOptions, XInfo } from "../reader.js";
import type { Piece } from "../spill.js";
import { visible } from "../visible.js";

/** Takes over the open file: the reader closes it. See `openExpression` for the errors. */
export function openLoom(file: Hdf5File, options: OpenOptions): ExpressionReader {
  return new LoomReader(file, options);
}

const CELL_NAMES = ["CellID", "CellIDs", "cell_id", "obs_names", "cell_names", "Cell", "barcode"];
const GENE_NAMES = ["Gene", "Genes", "gene", "gene_name", "var_names", "gene_names", "GeneName", "Accession"];

class LoomReader implements ExpressionReader {
  readonly path: string;
  readonly format = "loom";
  readonly samples: number;
  readonly genes: number;
  readonly x: XInfo;
  readonly layers: readonly string[];
  readonly hasRaw = false;
  readonly skippedColumns: string[] = [];
  readonly notes: string[] = [];
  private readonly at: string;
  private obsTable: Table | undefined;
  private varTable: Table | undefined;

  constructor(
    private readonly file: Hdf5File,
    options: OpenOptions,
  ) {
    this.path = file.path;
    this.layers = file.kind("layers") === "group" ? file.keys("layers") : [];
    requireMatrixThere(file.path, "loom", options, this.layers);
    this.at = options.layer === undefined ? "matrix" : `layers/${options.layer}`;
    const shape = file.shape(this.at);
    if (shape.length !== 2) throw this.fault(this.at, `${shape.length} dimensions`, "2: genes × cells");
    [this.genes, this.samples] = shape;
    this.x = {
      source: options.layer === undefined ? "X" : this.at,
      storage: "dense",
      dtype: dtypeName(file.metadata(this.at)),
      nonzero: null,
    };
  }

  obs(): Table {
    this.obsTable ??= this.table("col_attrs", "obs", this.samples, CELL_NAMES);
    return this.obsTable;
  }

  var(): Table {
    this.varTable ??= this.table("row_attrs", "var", this.genes, GENE_NAMES);
    return this.varTable;
  }

  /** Blocks of the file are turned as they come, so that the matrix is never held twice. */
  readMatrix(options: { progress?: Progress; signal?: AbortSignal } = {}): DenseMatrix {
    const { at, genes, samples } = this;
    const data = allocate(genes * samples, at, this.path, (n) => new Float32Array(n));
    const task = (options.progress ?? silent).task("reading X", genes * samples);
    try {
      let done = 0;
      for (const { row, col, rows, cols, data: block } of this.pieces()) {
        throwIfAborted(options.signal);
        for (let i = 0; i < rows; i++)
          data.set(block.subarray(i * cols, (i + 1) * cols), (row + i) * genes + col);
        done += rows * cols;
        task.update(done);
      }
    } finally {
      task.end();
    }
    return { kind: "dense", rows: samples, cols: genes, data };
  }

  /** Blocks of the file, turned: cells × genes. */
  *pieces(): Generator<Extract<Piece, { kind: "dense" }>> {
    const { file, at, genes, samples } = this;
    const meta = file.metadata(at);
    requirePlausible(4 * genes * samples, file.bytes, at, this.path);
    const [blockGenes, blockCells] = denseBlock(file, at, genes, samples);
    for (let col = 0; col < genes; col += blockGenes) {
      const cols = Math.min(blockGenes, genes - col);
      for (let row = 0; row < samples; row += blockCells) {
        const rows = Math.min(blockCells, samples - row);
        const data = new Float32Array(rows * cols);
        file.withBlock(at, [col, row], [cols, rows], (heap) => {
          const block = file.numberView(meta, heap, cols * rows, at);
          for (let i = 0; i < rows; i++)
            for (let j = 0; j < cols; j++) data[i * cols + j] = block[j * rows + i];
        });
        yield { kind: "dense", row, col, rows, cols, data };
      }
    }
  }

  close(): void {
    this.file.close();
  }

  private table(group: string, name: string, length: number, known: readonly string[]): Table {
    const columns = new Map<string, Column>();
    for (const key of this.file.kind(group) === "group" ? this.file.keys(group) : []) {
      const at = `${group}/${key}`;
      const isColumn = this.file.kind(at) === "dataset" && this.file.shape(at).length === 1;
      const column = isColumn ? columnOf(this.file, at) : null;
      if (column === null) {
        this.skippedColumns.push(`${name}/${key}`);
        continue;
      }
      const found = this.file.shape(at)[0];
      if (found !== length) throw this.fault(at, `${found} values`, `${length}, as the matrix has`);
      columns.set(key, column);
    }
    const key = known.find((k) => columns.has(k)) ?? firstUnique(columns);
    const what = name === "obs" ? "cells" : "genes";
    if (key === undefined) this.notes.push(`the ${what} have no names (${group}); they are numbered`);
    else if (key !== known[0]) {
      this.notes.push(`the ${what} are named by ${group}/${visible(key, 60)}, as there is no ${known[0]}`);
    }
    const named = key === undefined ? undefined : columns.get(key);
    const index =
      named === undefined
        ? Array.from({ length }, (_, i) => String(i))
        : columnAsText(named).map((text) => text ?? "");
    if (key !== undefined) columns.delete(key);
    return { length, index, columns };
  }

  private fault(at: string, found: string, expected: string): CellhueError {
    return new CellhueError(`${visible(at, 80)} is not as loompy writes it`, {
      where: this.path,
      found,
      expected,
      remedy: "copy the file again, or write it again with loompy",
    });
  }
}

/** The first column of text without repetition. */
function firstUnique(columns: ReadonlyMap<string, Column>): string | undefined {
  for (const [key, column] of columns) {
    if (column.kind === "string" && new Set(column.values).size === column.values.length) return key;
  }
  return undefined;
}
