/**
 * 10x Genomics' .h5: CellRanger 3 and later (group `matrix` with `features`), CellRanger 2 (one group a genome). The
 * matrix is genes × cells in compressed columns, which are the rows of cells × genes. obs and var are those of scanpy's
 * read_10x_h5: gene symbols name the genes, and of several kinds of features gene expression alone is read.
 * Format: https://www.10xgenomics.com/support/software/cell-ranger/latest/analysis/outputs/cr-outputs-h5-matrices
 */
import { CellhueError } from "../../errors.js";
import { type HeldMatrix, type StoredMatrix, selectColumns } from "../../matrix.js";
import { type Progress, silent } from "../../progress.js";
import type { Column, Table } from "../../table.js";
import { damaged, entriesToRead } from "../anndata/source.js";
import type { MatrixSource } from "../anndata/store.js";
import { columnOf } from "../h5ad/open.js";
import { dtypeName, type Hdf5File } from "../hdf5/file.js";
import { readSource, storedSource } from "../hdf5/matrix.js";
import { columnAsText } from "../labels.js";
import { requireMatrixThere } from "../plain.js";
import type { ExpressionReader, OpenOptions, XInfo } from "../reader.js";
import { shellWord, visible } from "../visible.js";

/** The genomes of a file of CellRanger 2: groups that hold a matrix; none where the file is not of that kind. */
export function genomesOf(file: Hdf5File): string[] {
  return file
    .keys("/")
    .filter((name) => file.kind(name) === "group")
    .filter((name) =>
      ["barcodes", "genes", "data", "indptr"].every((part) => file.kind(`${name}/${part}`) === "dataset"),
    );
}

/** Takes over the open file: the reader closes it. See `openExpression` for the errors. */
export function openTenx(file: Hdf5File, options: OpenOptions): ExpressionReader {
  const genomes = genomesOf(file);
  const layers = genomes.length > 1 ? genomes : [];
  requireMatrixThere(file.path, "10x h5", options, layers);
  if (genomes.length === 0) return new TenxReader(file, "matrix", 3, layers);
  if (options.layer === undefined && genomes.length > 1) {
    throw new CellhueError("the file holds several genomes", {
      where: file.path,
      found: genomes.map((name) => visible(name, 60)).join(", "),
      expected: "one, or the choice of one",
      remedy: genomes.slice(0, 6).map((name) => `--layer ${shellWord(name)}`),
    });
  }
  return new TenxReader(file, options.layer ?? genomes[0], 2, layers);
}

const EXPRESSION = "Gene Expression";

class TenxReader implements ExpressionReader {
  readonly path: string;
  readonly format: string;
  readonly samples: number;
  readonly genes: number;
  readonly x: XInfo;
  readonly hasRaw = false;
  readonly skippedColumns: string[] = [];
  readonly notes: string[] = [];
  private readonly source: MatrixSource;
  private readonly features: { name: string; at: string }[];
  private readonly index: readonly string[];
  /** Columns of the matrix that are read; null: all. */
  private readonly kept: Int32Array | null;
  private varTable: Table | undefined;

  constructor(
    private readonly file: Hdf5File,
    private readonly group: string,
    version: 2 | 3,
    readonly layers: readonly string[],
  ) {
    this.path = file.path;
    this.format = version === 3 ? "10x h5 (CellRanger 3 or later)" : "10x h5 (CellRanger 2)";
    const [names, ids] = version === 3 ? ["features/name", "features/id"] : ["gene_names", "genes"];
    for (const part of ["data", "indices", "indptr", "shape", "barcodes", names, ids]) this.requirePart(part);
    const [rows, cols] = Array.from(file.numbers(`${group}/shape`));
    this.features = version === 3 ? this.featureColumns() : [{ name: "gene_ids", at: `${group}/${ids}` }];
    this.index = this.texts(names);
    const cells = file.shape(`${group}/barcodes`)[0] ?? 0;
    if (rows !== this.index.length || cols !== cells) {
      throw this.fault("shape", `${rows} × ${cols}`, `${this.index.length} genes × ${cells} barcodes`);
    }
    this.samples = cells;
    this.kept = version === 3 ? this.expressionOnly() : null;
    this.genes = this.kept?.length ?? this.index.length;
    this.source = {
      path: group,
      storage: "csr",
      rows: cells,
      cols: this.index.length,
      dtype: dtypeName(file.metadata(`${group}/data`)),
      stored: file.shape(`${group}/data`)[0] ?? 0,
    };
    this.x = {
      source: layers.length === 0 ? "X" : `layers/${group}`,
      storage: "csr",
      dtype: this.source.dtype,
      nonzero: this.source.stored,
    };
  }

  obs(): Table {
    const columns = new Map<string, Column>();
    if (this.file.kind(`${this.group}/filtered_barcodes`) === "dataset") {
      const flags = this.file.numbers(`${this.group}/filtered_barcodes`);
      columns.set("filtered_barcodes", {
        kind: "boolean",
        values: Int8Array.from(flags, (v) => (v ? 1 : 0)),
      });
    }
    const index = this.texts("barcodes");
    return { length: index.length, index, columns };
  }

  var(): Table {
    this.varTable ??= this.readVar();
    return this.varTable;
  }

  private readVar(): Table {
    const columns = new Map<string, Column>();
    for (const { name, at } of this.features) {
      const column = columnOf(this.file, at);
      if (column === null) this.skippedColumns.push(`var/${name}`);
      else columns.set(name, this.keptOf(column.kind === "boolean" ? column : textColumn(column)));
    }
    const { index, kept } = this;
    const names = kept === null ? index : Array.from(kept, (k) => index[k]);
    return { length: names.length, index: names, columns };
  }

  readMatrix(options: { progress?: Progress; signal?: AbortSignal } = {}): HeldMatrix {
    const task = (options.progress ?? silent).task("reading X", entriesToRead(this.source));
    try {
      const whole = readSource(this.file, this.source, task, options.signal);
      return this.kept === null ? whole : selectColumns(whole, this.kept);
    } finally {
      task.end();
    }
  }

  storedMatrix(limit: number): StoredMatrix | null {
    const whole = storedSource(this.file, this.source, limit);
    return whole === null || this.kept === null ? whole : selectColumns(whole, this.kept);
  }

  close(): void {
    this.file.close();
  }

  /** Columns of var as scanpy names and orders them. */
  private featureColumns(): { name: string; at: string }[] {
    const { file, group } = this;
    const there = file
      .keys(`${group}/features`)
      .filter((name) => file.kind(`${group}/features/${name}`) === "dataset");
    const probes = there.includes("gene_id");
    const first = probes
      ? [
          ["gene_ids", "gene_id"],
          ["probe_ids", "id"],
        ]
      : [["gene_ids", "id"]];
    if (there.includes("feature_type")) first.push(["feature_types", "feature_type"]);
    const taken = new Set(["name", "feature_type", "id", "gene_id", "_all_tag_keys"]);
    const others = there.filter((name) => !taken.has(name)).map((name) => [name, name]);
    return [...first, ...others].map(([name, part]) => ({ name, at: `${group}/features/${part}` }));
  }

  /** The genes among the features; null where all are read. */
  private expressionOnly(): Int32Array | null {
    const at = this.features.find(({ name }) => name === "feature_types")?.at;
    if (at === undefined) return null;
    const types = this.texts(at.slice(this.group.length + 1));
    const kept = Int32Array.from(types.flatMap((type, k) => (type === EXPRESSION ? [k] : [])));
    if (kept.length === types.length) return null;
    const others = [...new Set(types.filter((type) => type !== EXPRESSION))]
      .slice(0, 4)
      .map((type) => visible(type, 60))
      .join(", ");
    if (kept.length === 0) {
      this.notes.push(`no feature is of gene expression; all ${types.length} are read (${others})`);
      return null;
    }
    this.notes.push(
      `${types.length - kept.length} features that are not gene expression are left out (${others})`,
    );
    return kept;
  }

  private keptOf(column: Column): Column {
    const { kept } = this;
    if (kept === null) return column;
    if (column.kind === "string") return { ...column, values: Array.from(kept, (k) => column.values[k]) };
    if (column.kind === "boolean")
      return { ...column, values: Int8Array.from(kept, (k) => column.values[k]) };
    return column;
  }

  /** Texts of a part, one for each of its rows. */
  private texts(part: string): string[] {
    const column = columnOf(this.file, `${this.group}/${part}`);
    if (column === null) throw this.fault(part, "something else", "text");
    return columnAsText(column).map((text) => text ?? "");
  }

  private requirePart(part: string): void {
    if (this.file.kind(`${this.group}/${part}`) === "dataset") return;
    throw this.fault(part, `${this.group} of ${this.file.keys(this.group).slice(0, 12).join(", ")}`, part);
  }

  private fault(part: string, found: string, expected: string): CellhueError {
    const e = damaged(this.path, `${this.group}/${part}`, found, expected);
    return new CellhueError(`${visible(this.group, 60)}/${part} is not as CellRanger writes it`, {
      ...e.parts,
      remedy: "copy the file again, or write it again with CellRanger",
    });
  }
}

function textColumn(column: Column): Column {
  return { kind: "string", values: columnAsText(column) };
}
