/**
 * AnnData as an ExpressionReader, whatever it is stored in: which matrix is X, what fits what, obs and var.
 * Format: https://anndata.readthedocs.io/en/stable/fileformat-prose.html and its predecessors since anndata 0.5.
 */
import { CellhueError } from "../../errors.js";
import type { HeldMatrix, StoredMatrix } from "../../matrix.js";
import { type Progress, silent } from "../../progress.js";
import type { Table } from "../../table.js";
import { nearNames } from "../near.js";
import type { ExpressionReader, OpenOptions, XInfo } from "../reader.js";
import type { Piece } from "../spill.js";
import { shellWord, visible } from "../visible.js";
import { describeSource, entriesToRead } from "./source.js";
import type { AnnDataStore, MatrixSource } from "./store.js";
import { readTable, tableLength } from "./table.js";

export class AnnDataReader implements ExpressionReader {
  readonly path: string;
  readonly format: string;
  readonly samples: number;
  readonly genes: number;
  readonly x: XInfo;
  readonly layers: readonly string[];
  readonly hasRaw: boolean;
  readonly skippedColumns: string[] = [];
  /** Where X is; null where there is none. */
  readonly source: MatrixSource | null;
  private readonly varPath: string;
  private obsTable: Table | undefined;
  private varTable: Table | undefined;

  constructor(
    private readonly store: AnnDataStore,
    options: OpenOptions,
  ) {
    this.path = store.path;
    this.format = store.format;
    const obsLength = tableLength(store, "obs");
    const varLength = tableLength(store, "var");
    if (obsLength === null || varLength === null) throw notAnnData(store);
    this.layers = store.kind("layers") === "group" ? store.keys("layers") : [];
    const rawX = ["raw/X", "raw.X"].find((at) => store.kind(at) !== null);
    this.hasRaw = rawX !== undefined;

    let at = "X";
    this.varPath = "var";
    if (options.layer !== undefined) {
      at = `layers/${options.layer}`;
      if (!this.layers.includes(options.layer))
        throw noSuchLayer(store, options.layer, this.layers, this.hasRaw);
    } else if (options.useRaw) {
      if (rawX === undefined) throw noRaw(store, this.layers);
      at = rawX;
      this.varPath = rawX === "raw/X" ? "raw/var" : "raw.var";
    }
    let source = describeSource(store, at);
    if (source === null && options.requireX !== false) throw noX(store, at, this.layers, this.hasRaw);

    this.samples = obsLength;
    this.genes = this.varPath === "var" ? varLength : (tableLength(store, this.varPath) ?? 0);
    if (
      source?.storage === "dense" &&
      store.shape(at).length === 1 &&
      this.samples === 1 &&
      this.genes !== 1
    ) {
      source = { ...source, rows: 1, cols: source.rows }; // anndata < 0.7 stored a single row as a vector
    }
    if (source !== null && (source.rows !== this.samples || source.cols !== this.genes)) {
      throw new CellhueError(`${at} does not fit obs and ${this.varPath}`, {
        where: store.path,
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

  readMatrix(options: { progress?: Progress; signal?: AbortSignal } = {}): HeldMatrix {
    if (this.source === null) throw noX(this.store, this.x.source, this.layers, this.hasRaw);
    const task = (options.progress ?? silent).task(`reading ${this.x.source}`, entriesToRead(this.source));
    try {
      return this.store.read(this.source, task, options.signal);
    } finally {
      task.end();
    }
  }

  storedMatrix(limit: number): StoredMatrix | null {
    return (this.source && this.store.stored?.(this.source, limit)) ?? null;
  }

  pieces(): Iterable<Piece> | AsyncIterable<Piece> | null {
    return this.source && this.store.pieces(this.source);
  }

  close(): void {
    this.store.close();
  }

  private table(path: string): Table {
    const { table, skipped } = readTable(this.store, path);
    this.skippedColumns.push(...skipped.map((name) => `${path}/${name}`));
    return table;
  }
}

function notAnnData(store: AnnDataStore): CellhueError {
  const keys = store.keys("/");
  const has = (...names: string[]) => names.every((name) => keys.includes(name));
  const kind = has("mod")
    ? "MuData"
    : has("tables")
      ? "SpatialData"
      : has("model_weights") || has("layers", "optimizer")
        ? "a Keras model"
        : undefined;
  const shown =
    keys
      .slice(0, 12)
      .map((key) => visible(key, 60))
      .join(", ") + (keys.length > 12 ? ` and ${keys.length - 12} more` : "");
  return new CellhueError(
    `the ${store.format === "h5ad" ? "file is HDF5" : "store is zarr"}, but not AnnData`,
    {
      where: store.path,
      found: `${kind === undefined ? "" : `${kind}, holding `}${shown || "nothing at all"}`,
      expected: "obs, var and X at the top (or the groups of a 10x or loom file)",
      remedy:
        kind === "MuData"
          ? "in Python: mudata.read(file).mod['rna'].write_h5ad(new)"
          : kind === "SpatialData"
            ? "open the table inside of it: STORE/tables/NAME"
            : undefined,
    },
  );
}

/** What else the file holds that can be read in place of X, as options to give. */
function otherMatrices(layers: readonly string[], hasRaw: boolean): string[] {
  return [
    ...layers.slice(0, 6).map((name) => `--layer ${shellWord(name)}`),
    ...(hasRaw ? ["--use-raw"] : []),
  ];
}

function noX(store: AnnDataStore, at: string, layers: readonly string[], hasRaw: boolean): CellhueError {
  const others = otherMatrices(layers, hasRaw);
  return new CellhueError(`the file has no ${at}`, {
    where: store.path,
    found: others.length > 0 ? "other matrices" : "no layers and no raw either",
    expected: "a matrix of samples × genes",
    remedy: others.length > 0 ? others : "it holds annotations only; take the file that its matrix is in",
  });
}

function noSuchLayer(
  store: AnnDataStore,
  layer: string,
  layers: readonly string[],
  hasRaw: boolean,
): CellhueError {
  const near = nearNames(layer, layers);
  return new CellhueError(`no layer '${visible(layer)}'`, {
    where: store.path,
    found: layers.length > 0 ? `layers: ${layers.map((name) => visible(name, 60)).join(", ")}` : "no layers",
    remedy: otherMatrices(near.length > 0 ? near : layers, hasRaw).concat("leave --layer out to read X"),
  });
}

function noRaw(store: AnnDataStore, layers: readonly string[]): CellhueError {
  return new CellhueError("the file has no raw", {
    where: store.path,
    found: layers.length > 0 ? `layers: ${layers.map((name) => visible(name, 60)).join(", ")}` : "X only",
    remedy: ["leave --use-raw out to read X", ...otherMatrices(layers, false)],
  });
}
