/**
 * AnnData in HDF5 (.h5ad) as an ExpressionReader; `h5ad/` holds the parts: HDF5 access, tables, matrices.
 * Format: https://anndata.readthedocs.io/en/stable/fileformat-prose.html and its predecessors since anndata 0.5.
 */
import { CellhueError } from "../errors.js";
import type { Matrix } from "../matrix.js";
import { type Progress, silent } from "../progress.js";
import type { Table } from "../table.js";
import { Hdf5File } from "./h5ad/hdf5.js";
import { describeSource, entriesToRead, type MatrixSource, readSource } from "./h5ad/matrix.js";
import { readTable, tableLength } from "./h5ad/table.js";
import { nearNames } from "./near.js";
import type { ExpressionReader, OpenOptions, XInfo } from "./reader.js";
import { shellWord, visible } from "./visible.js";

/** Opens a file that carries HDF5's signature. See `openExpression` for the errors. */
export async function openH5ad(path: string, options: OpenOptions = {}): Promise<ExpressionReader> {
  const file = await Hdf5File.open(path);
  try {
    return new H5adReader(file, options);
  } catch (error) {
    file.close();
    throw error;
  }
}

class H5adReader implements ExpressionReader {
  readonly path: string;
  readonly format = "h5ad";
  readonly samples: number;
  readonly genes: number;
  readonly x: XInfo;
  readonly layers: readonly string[];
  readonly hasRaw: boolean;
  readonly skippedColumns: string[] = [];
  private readonly source: MatrixSource | null;
  private readonly varPath: string;
  private obsTable: Table | undefined;
  private varTable: Table | undefined;

  constructor(
    private readonly file: Hdf5File,
    options: OpenOptions,
  ) {
    this.path = file.path;
    const obsLength = tableLength(file, "obs");
    const varLength = tableLength(file, "var");
    if (obsLength === null || varLength === null) throw notAnnData(file);
    this.layers = file.kind("layers") === "group" ? file.keys("layers") : [];
    const rawX = ["raw/X", "raw.X"].find((at) => file.kind(at) !== null);
    this.hasRaw = rawX !== undefined;

    let at = "X";
    this.varPath = "var";
    if (options.layer !== undefined) {
      at = `layers/${options.layer}`;
      if (!this.layers.includes(options.layer))
        throw noSuchLayer(file, options.layer, this.layers, this.hasRaw);
    } else if (options.useRaw) {
      if (rawX === undefined) throw noRaw(file, this.layers);
      at = rawX;
      this.varPath = rawX === "raw/X" ? "raw/var" : "raw.var";
    }
    let source = describeSource(file, at);
    if (source === null && options.requireX !== false) throw noX(file, at, this.layers, this.hasRaw);

    this.samples = obsLength;
    this.genes = this.varPath === "var" ? varLength : (tableLength(file, this.varPath) ?? 0);
    if (
      source?.storage === "dense" &&
      file.shape(at).length === 1 &&
      this.samples === 1 &&
      this.genes !== 1
    ) {
      source = { ...source, rows: 1, cols: source.rows }; // anndata < 0.7 stored a single row as a vector
    }
    if (source !== null && (source.rows !== this.samples || source.cols !== this.genes)) {
      throw new CellhueError(`${at} does not fit obs and ${this.varPath}`, {
        where: file.path,
        found: `${at} of ${source.rows} × ${source.cols}`,
        expected: `${this.samples} rows of obs × ${this.genes} rows of ${this.varPath}`,
        remedy: "the file was written or edited wrongly; write it again with anndata",
      });
    }
    this.source = source;
    this.x = {
      source: at === "raw.X" ? "raw/X" : at,
      storage: source?.storage ?? "none",
      dtype: source?.dtype ?? "none",
      nonzero: source?.stored ?? null,
    };
  }

  obs(): Table {
    this.obsTable ??= this.table("obs");
    return this.obsTable;
  }

  var(): Table {
    this.varTable ??= this.table(this.varPath);
    return this.varTable;
  }

  readMatrix(options: { progress?: Progress; signal?: AbortSignal } = {}): Matrix {
    if (this.source === null) throw noX(this.file, this.x.source, this.layers, this.hasRaw);
    const task = (options.progress ?? silent).task(`reading ${this.x.source}`, entriesToRead(this.source));
    try {
      return readSource(this.file, this.source, task, options.signal);
    } finally {
      task.end();
    }
  }

  close(): void {
    this.file.close();
  }

  private table(path: string): Table {
    const { table, skipped } = readTable(this.file, path);
    this.skippedColumns.push(...skipped.map((name) => `${path}/${name}`));
    return table;
  }
}

function notAnnData(file: Hdf5File): CellhueError {
  const keys = file.keys("/");
  const has = (...names: string[]) => names.every((name) => keys.includes(name));
  const kind = has("mod")
    ? "MuData (.h5mu)"
    : has("matrix", "row_attrs")
      ? "a loom file"
      : has("matrix")
        ? "a 10x Genomics matrix"
        : has("model_weights") || has("layers", "optimizer")
          ? "a Keras model"
          : undefined;
  const shown =
    keys
      .slice(0, 12)
      .map((key) => visible(key, 60))
      .join(", ") + (keys.length > 12 ? ` and ${keys.length - 12} more` : "");
  return new CellhueError("the file is HDF5, but not AnnData", {
    where: file.path,
    found: `${kind === undefined ? "" : `${kind}, holding `}${shown || "nothing at all"}`,
    expected: "obs, var and X at the top",
    remedy:
      kind === "a 10x Genomics matrix"
        ? "in Python: scanpy.read_10x_h5(file).write_h5ad(new)"
        : kind === "a loom file"
          ? "in Python: scanpy.read_loom(file).write_h5ad(new)"
          : kind === "MuData (.h5mu)"
            ? "in Python: mudata.read(file).mod['rna'].write_h5ad(new)"
            : undefined,
  });
}

/** What else the file holds that can be read in place of X, as options to give. */
function otherMatrices(layers: readonly string[], hasRaw: boolean): string[] {
  return [
    ...layers.slice(0, 6).map((name) => `--layer ${shellWord(name)}`),
    ...(hasRaw ? ["--use-raw"] : []),
  ];
}

function noX(file: Hdf5File, at: string, layers: readonly string[], hasRaw: boolean): CellhueError {
  const others = otherMatrices(layers, hasRaw);
  return new CellhueError(`the file has no ${at}`, {
    where: file.path,
    found: others.length > 0 ? "other matrices" : "no layers and no raw either",
    expected: "a matrix of samples × genes",
    remedy: others.length > 0 ? others : "it holds annotations only; take the file that its matrix is in",
  });
}

function noSuchLayer(
  file: Hdf5File,
  layer: string,
  layers: readonly string[],
  hasRaw: boolean,
): CellhueError {
  const near = nearNames(layer, layers);
  return new CellhueError(`no layer '${visible(layer)}'`, {
    where: file.path,
    found: layers.length > 0 ? `layers: ${layers.map((name) => visible(name, 60)).join(", ")}` : "no layers",
    remedy: otherMatrices(near.length > 0 ? near : layers, hasRaw).concat("leave --layer out to read X"),
  });
}

function noRaw(file: Hdf5File, layers: readonly string[]): CellhueError {
  return new CellhueError("the file has no raw", {
    where: file.path,
    found: layers.length > 0 ? `layers: ${layers.map((name) => visible(name, 60)).join(", ")}` : "X only",
    remedy: ["leave --use-raw out to read X", ...otherMatrices(layers, false)],
  });
}
