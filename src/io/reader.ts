/**
 * The one way into an expression file, whatever its format: what it holds, obs and var, the matrix. Opening reads
 * metadata only; the matrix is read when it is asked for. .h5ad now; other formats come behind the same interface.
 */
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { CellhueError } from "../errors.js";
import type { Matrix } from "../matrix.js";
import type { Progress } from "../progress.js";
import type { Table } from "../table.js";
import { nearNames } from "./near.js";

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
  readonly format: string;
  readonly samples: number;
  readonly genes: number;
  readonly x: XInfo;
  readonly layers: readonly string[];
  readonly hasRaw: boolean;
  /** Columns of obs and var that hold something a Table cannot ("obs/…"); complete once both were read. */
  readonly skippedColumns: readonly string[];
  obs(): Table;
  /** The genes of X; those of raw where raw is read. */
  var(): Table;
  /** The matrix as float32: dense stays dense, CSC becomes CSR. */
  readMatrix(options?: { progress?: Progress; signal?: AbortSignal }): Matrix;
  close(): void;
}

export interface OpenOptions {
  /** Read this layer in place of X. */
  layer?: string;
  /** Read raw (its X and its var) in place of X. */
  useRaw?: boolean;
  /** false: a file without X opens too (to look into it); readMatrix then throws. */
  requireX?: boolean;
}

/** HDF5's signature, which may stand at 0, 512, 1024, 2048 … (after a user block). */
const SIGNATURE = Buffer.from("\x89HDF\r\n\x1a\n", "latin1");

/**
 * Opens an expression file.
 * @throws CellhueError: no such file, a folder, not HDF5, not AnnData, truncated, no X, no such layer, no raw
 */
export async function openExpression(path: string, options: OpenOptions = {}): Promise<ExpressionReader> {
  if (options.layer !== undefined && options.useRaw) {
    throw new CellhueError("--layer and --use-raw exclude each other", { remedy: "give one of them" });
  }
  const size = fileSize(path);
  const head = readHead(path, size);
  if (head.signature === null) {
    throw new CellhueError("the file is not HDF5, which an .h5ad file is", {
      where: path,
      found: guessContent(head.bytes),
      expected: "an .h5ad file (AnnData)",
      remedy: adviceFor(head.bytes),
    });
  }
  const { openH5ad } = await import("./h5ad.js");
  return openH5ad(path, options);
}

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

function fileSize(path: string): number {
  let stat: ReturnType<typeof statSync>;
  try {
    stat = statSync(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") throw noSuchFile(path, cause);
    throw unreadable(path, cause);
  }
  if (stat.isDirectory()) {
    const inside = listFolder(path);
    const files = inside.filter((name) => name.endsWith(".h5ad"));
    const zarr = inside.some((name) => name === ".zgroup" || name === "zarr.json");
    throw new CellhueError("this is a folder, not a file", {
      where: path,
      found: zarr ? "a zarr store" : files.length > 0 ? `${files.length} .h5ad files in it` : undefined,
      expected: "an .h5ad file",
      remedy: zarr
        ? "in Python: anndata.read_zarr(folder).write_h5ad(file)"
        : files.slice(0, 3).map((name) => join(path, name)),
    });
  }
  if (!stat.isFile()) {
    throw new CellhueError("this is not a regular file", { where: path, expected: "an .h5ad file on disk" });
  }
  return stat.size;
}

function noSuchFile(path: string, cause: unknown): CellhueError {
  const folder = dirname(resolve(path));
  const names = listFolder(folder);
  const near = nearNames(basename(path), names);
  const offered = near.length > 0 ? near : names.filter((name) => name.endsWith(".h5ad")).slice(0, 3);
  return new CellhueError("no such file", {
    where: path,
    remedy:
      offered.length > 0
        ? offered.map((name) => join(dirname(path), name))
        : `check the path; the working folder is ${process.cwd()}`,
    cause,
  });
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function unreadable(path: string, cause: unknown): CellhueError {
  return new CellhueError("the file cannot be read", {
    where: path,
    found: cause instanceof Error ? cause.message : String(cause),
    remedy: "check its permissions",
    cause,
  });
}

/** The first bytes, and where HDF5's signature stands (null: nowhere). */
function readHead(path: string, size: number): { bytes: Buffer; signature: number | null } {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (cause) {
    throw unreadable(path, cause);
  }
  try {
    const bytes = Buffer.alloc(Math.min(size, 512));
    const got = readSync(fd, bytes, 0, bytes.length, 0);
    const probe = Buffer.alloc(SIGNATURE.length);
    for (let at = 0; at + SIGNATURE.length <= size; at = at === 0 ? 512 : 2 * at) {
      readSync(fd, probe, 0, probe.length, at);
      if (probe.equals(SIGNATURE)) return { bytes, signature: at };
    }
    return { bytes: bytes.subarray(0, got), signature: null };
  } catch (cause) {
    throw unreadable(path, cause);
  } finally {
    closeSync(fd);
  }
}

function guessContent(bytes: Buffer): string {
  if (bytes.length === 0) return "an empty file";
  const text = bytes.toString("latin1");
  if (text.startsWith("version https://git-lfs")) return "a Git LFS pointer, not the file itself";
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) return "a web page or XML";
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "gzip-compressed data";
  if (text.startsWith("PK\x03\x04")) return "a zip archive";
  if (text.startsWith("%%MatrixMarket")) return "a Matrix Market file";
  if (!/[^\P{Cc}\s]/u.test(text)) {
    return text.includes("\t") ? "text with tabs" : text.includes(",") ? "text with commas" : "text";
  }
  return `other data, beginning with ${bytes.subarray(0, 8).toString("hex")}`;
}

function adviceFor(bytes: Buffer): string {
  const text = bytes.toString("latin1");
  if (bytes.length === 0 || /^\s*<|^version https:\/\/git-lfs/.test(text)) return "download the file again";
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "unpack it first: gunzip FILE";
  return "convert it in Python: scanpy.read(FILE).write_h5ad(NEW)";
}
