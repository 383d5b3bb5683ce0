/**
 * The one way into an expression file, whatever its format: what it holds, obs and var, the matrix. The format is found by
 * content (`content.ts`); each has a folder of its own beside this file. HDF5 formats read the matrix when it is asked
 * for; text, Matrix Market and zarr are decoded asynchronously, and read when they are opened what may be held.
 */
import { CellhueError } from "../errors.js";
import type { HeldMatrix, Matrix, StoredMatrix } from "../matrix.js";
import type { Progress } from "../progress.js";
import type { Table } from "../table.js";
import { contentOf } from "./content.js";
import type { Piece } from "./spill.js";

/** Which matrix of the file is X, and how it is stored. */
export interface XInfo {
  /** "X", "layers/counts", "raw/X" */
  readonly source: string;
  /** "none": the file has no X (only with `requireX: false`). */
  readonly storage: "dense" | "csr" | "csc" | "none";
  /** numpy's name of the stored type, e.g. "float32" */
  readonly dtype: string;
  /** Stored entries of a sparse matrix; null for a dense one. */
  readonly nonzero: number | null;
}

export interface ExpressionReader {
  readonly path: string;
  /** "h5ad", "zarr 2", "zarr 3", "10x h5 (CellRanger 3)", "mtx", "loom", "text" … */
  readonly format: string;
  readonly samples: number;
  readonly genes: number;
  readonly x: XInfo;
  readonly layers: readonly string[];
  readonly hasRaw: boolean;
  /** Columns of obs and var that hold something a Table cannot ("obs/…"); complete once both were read. */
  readonly skippedColumns: readonly string[];
  /** What reading had to decide or leave out, a sentence without a full stop each; complete once obs and var were read. */
  readonly notes?: readonly string[];
  obs(): Table;
  /** The genes of X; those of raw where raw is read. */
  var(): Table;
  /** The matrix as float32: dense stays dense, CSC becomes CSR. */
  readMatrix(options?: { progress?: Progress; signal?: AbortSignal }): HeldMatrix;
  /**
   * The same, read in blocks of rows while the reader is open; null (or no such function) where the format cannot.
   * @param limit see StoredMatrix
   */
  storedMatrix?(limit: number): StoredMatrix | null;
  /** The same where the rows do not lie together: a piece at a time, in any order. null: see storedMatrix. */
  pieces?(): Iterable<Piece> | AsyncIterable<Piece> | null;
  close(): void;
}

/** Which way a table of text lies; "auto": told from the names (see `text/orientation.ts`). */
export type Orientation = "auto" | "genes-in-rows" | "samples-in-rows";
export const orientations: readonly Orientation[] = ["auto", "genes-in-rows", "samples-in-rows"];

export interface OpenOptions {
  /** Read this layer in place of X; of a 10x file with several genomes, the genome. */
  layer?: string;
  /** Read raw (its X and its var) in place of X. */
  useRaw?: boolean;
  /** false: a file without X opens too (to look into it); readMatrix then throws. */
  requireX?: boolean;
  /** Of a table of text; "auto" by default. */
  orientation?: Orientation;
  /** Names of genes that are known, to tell which way a table of text lies. */
  genes?: ReadonlySet<string>;
  /** A table (.csv, .tsv, .txt, .gz) whose columns are joined to obs by the name of the sample. */
  labels?: string;
  /** true: the matrix will not be asked for, and is left unread; readMatrix then throws. */
  withoutMatrix?: boolean;
  /**
   * Bytes of X that may be held. What is read when it is opened leaves a larger matrix unread, which `matrixWithin`, given
   * the same limit, then reads; readMatrix throws.
   */
  limit?: number;
  /** For what is read when the file is opened. */
  progress?: Progress;
  signal?: AbortSignal;
}

/**
 * Opens an expression file, or a folder that is one (zarr, 10x).
 * @throws CellhueError: no such file, a format that is not read, damaged or truncated, no X, no such layer, no raw, an
 *   option that the format has no use for, a label table that does not fit
 */
export async function openExpression(path: string, options: OpenOptions = {}): Promise<ExpressionReader> {
  if (options.layer !== undefined && options.useRaw) {
    throw new CellhueError("--layer and --use-raw exclude each other", { remedy: "give one of them" });
  }
  if (options.labels === undefined) return openContent(path, options, null);
  const { possibleNames, readLabelTable, withLabels } = await import("./text/labels.js");
  const labels = await readLabelTable(options.labels);
  const reader = await openContent(path, options, possibleNames(labels));
  try {
    return withLabels(reader, labels);
  } catch (error) {
    reader.close();
    throw error;
  }
}

/** @param samples names that a table of labels knows, to tell samples from genes */
async function openContent(
  path: string,
  options: OpenOptions,
  samples: ReadonlySet<string> | null,
): Promise<ExpressionReader> {
  const content = contentOf(path);
  const isTable = content.kind === "text" || content.kind === "rds";
  if (!isTable && (options.orientation ?? "auto") !== "auto") {
    throw new CellhueError("--orientation is for tables of text", {
      where: path,
      remedy: "leave it out: the format of this file says which way it lies",
    });
  }
  switch (content.kind) {
    case "hdf5":
      return openHdf5(path, options);
    case "zarr-folder":
    case "zip": {
      const { openZarr } = await import("./zarr/open.js");
      return openZarr(path, options, content.kind === "zip");
    }
    case "mtx": {
      const { openMtx } = await import("./mtx/open.js");
      return openMtx(path, content.matrix, content.gzip, options);
    }
    case "rds": {
      const { openRds } = await import("./rds/open.js");
      return openRds(path, content.gzip, options, samples);
    }
    case "text": {
      const { openText } = await import("./text/open.js");
      return openText(path, content.gzip, options, samples);
    }
  }
}

async function openHdf5(path: string, options: OpenOptions): Promise<ExpressionReader> {
  const { canSupervise, openSupervised } = await import("./hdf5/supervised.js");
  if (canSupervise()) return openSupervised(path, options);
  const { openInThread } = await import("./hdf5/open.js");
  return openInThread(path, options);
}

/** Bytes that the matrix of a reader takes when it is held. */
export const heldBytes = ({
  samples,
  genes,
  x,
}: Pick<ExpressionReader, "samples" | "genes" | "x">): number =>
  x.storage === "dense" ? 4 * samples * genes : 8 * (x.nonzero ?? 0) + 8 * (samples + 1);

/** What readMatrix throws where the matrix was not read when the file was opened. */
export const leftUnread = (path: string): string =>
  `${path} is closed, or its matrix was left unread: larger than the limit, or not wanted`;

export interface FoundMatrix {
  matrix: Matrix;
  /** Closes the reader, and the file that a stored matrix is read from: for when the matrix is done with, or held. */
  close(): void;
}

/**
 * The matrix, held where it is within the limit, else read in blocks of rows: from the file itself, or from a temporary one
 * that it is first written to by rows. A format that can do neither (.rds) is held whatever its size, and the progress says so.
 * @throws CellhueError see `readMatrix` and `spill`; the reader stays open then
 */
export async function matrixWithin(
  reader: ExpressionReader,
  limit: number,
  options: { progress?: Progress; signal?: AbortSignal } = {},
): Promise<FoundMatrix> {
  const held = (): FoundMatrix => ({ matrix: reader.readMatrix(options), close: () => reader.close() });
  const bytes = heldBytes(reader);
  if (bytes <= limit) return held();
  const stored = reader.storedMatrix?.(limit);
  if (stored) return { matrix: stored, close: () => reader.close() };
  const pieces = reader.pieces?.();
  const { x, samples: rows, genes: cols } = reader;
  const larger = `${x.source} takes ${gigabytes(bytes)} GB, more than the ${gigabytes(limit)} GB of --memory`;
  if (!pieces) {
    options.progress?.note(
      `${larger}; a file of this format (${reader.format}) cannot be read by rows, so it is held as a whole`,
    );
    return held();
  }
  options.progress?.note(`${larger}: it is written by rows to a temporary file first`);
  const { spill } = await import("./spill.js");
  const spilled = await spill(pieces, {
    ...options,
    what: x.source,
    rows,
    cols,
    entries: x.storage === "dense" ? null : (x.nonzero ?? 0),
    limit,
  });
  return {
    matrix: spilled.matrix,
    close() {
      spilled.close();
      reader.close();
    },
  };
}

const gigabytes = (bytes: number) => (bytes / 2 ** 30).toFixed(1);

/** Refuses what no cross-validation can be made of. */
export function requireSize(samples: number, genes: number, where: string): void {
  const few = samples < 3 ? `${samples} samples` : genes < 3 ? `${genes} genes` : null;
  if (few === null) return;
  throw new CellhueError(`too few ${samples < 3 ? "samples" : "genes"}`, {
    where,
    found: `${samples} samples × ${genes} genes`,
    expected: "at least 3 samples and 3 genes",
    remedy:
      samples > genes && genes < 3
        ? "the matrix may be transposed: samples (obs) go in rows, genes (var) in columns"
        : undefined,
  });
}
