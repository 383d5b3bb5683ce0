/**
 * What a path holds, by its content and not by its name alone: which format, or why it is none that is read and what to do
 * about it. Looks at the first bytes (and into gzip) only.
 */
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import { CellhueError } from "../errors.js";
import { nearNames } from "./near.js";

export type Content =
  | { readonly kind: "hdf5" }
  | { readonly kind: "zarr-folder" }
  | { readonly kind: "zip" }
  /** A folder of matrix.mtx, barcodes and genes, or the matrix in it. */
  | { readonly kind: "mtx"; readonly matrix: string; readonly gzip: boolean }
  | { readonly kind: "rds"; readonly gzip: boolean }
  | { readonly kind: "text"; readonly gzip: boolean };

/** What is said to be readable, in errors. */
export const readable =
  "AnnData (.h5ad, .zarr), 10x (.h5, a folder with matrix.mtx), .loom, .rds, or a table as .csv, .tsv or .txt (.gz)";

/** HDF5's signature, which may stand at 0, 512, 1024, 2048 … (after a user block). */
const SIGNATURE = Buffer.from("\x89HDF\r\n\x1a\n", "latin1");
const HEAD = 1 << 16;
/** Endings of files that are worth offering where the path is wrong. */
const OFFERED = /\.(h5ad|h5|loom|zarr|zip|mtx|csv|tsv|txt)(\.gz)?$/i;

/** @throws CellhueError no such file, unreadable, nothing that is read (what it is, and how to convert it) */
export function contentOf(path: string): Content {
  const size = fileSize(path);
  if (size === null) return folderContent(path);
  const { bytes, signature } = readHead(path, size);
  if (signature !== null) return { kind: "hdf5" };
  return headContent(path, bytes);
}

function headContent(path: string, bytes: Buffer): Content {
  const gzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const head = gzip ? inflatedHead(path, bytes) : bytes;
  const text = head.toString("latin1");
  if (text.startsWith("PK\x03\x04") || text.startsWith("PK\x05\x06")) {
    if (!gzip) return { kind: "zip" };
  } else if (text.startsWith("%%MatrixMarket")) return { kind: "mtx", matrix: path, gzip };
  else if (text.startsWith("X\n\0\0")) return { kind: "rds", gzip };
  else if (head.length > 0 && !isOtherText(text) && isText(head)) return { kind: "text", gzip };
  throw refusal(path, head, gzip);
}

/** Text that no table begins with. */
function isOtherText(text: string): boolean {
  return /^(\s*[{[]\s*["{[\]}]|\s*<(!doctype|html|\?xml)|version https:\/\/git-lfs|RDX[23]\n|A\n[23]\n\d|BZh\d1AY&SY)/i.test(
    text,
  );
}

/** No control characters but white space, or UTF-16 with its mark. */
function isText(head: Buffer): boolean {
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) return true;
  return !head.some((b) => b < 32 && b !== 9 && b !== 10 && b !== 12 && b !== 13);
}

function inflatedHead(path: string, bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 2048 * HEAD }).subarray(
      0,
      HEAD,
    );
  } catch (cause) {
    throw new CellhueError("the gzip-compressed file is damaged", {
      where: path,
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: "copy or download the file again",
      cause,
    });
  }
}

/** What the file seems to be, and how to make something of it that is read. */
function refusal(path: string, head: Buffer, gzip: boolean): CellhueError {
  const text = head.toString("latin1");
  const within = gzip ? ", compressed by gzip" : "";
  const say = (found: string, remedy: string | string[]) =>
    new CellhueError("this is not an expression file that is read", {
      where: path,
      found: found + within,
      expected: readable,
      remedy,
    });
  if (head.length === 0) return say("an empty file", "download the file again");
  if (text.startsWith("version https://git-lfs"))
    return say("a Git LFS pointer, not the file itself", "in its repository: git lfs pull");
  if (/^\s*[{[]/.test(text)) return say("JSON", "give the table or matrix that it belongs to");
  if (/^\s*</.test(text)) return say("a web page or XML", "download the file itself, not its page");
  if (
    /^(RDX[23]\n|A\n[23]\n)/.test(text) ||
    (/\.(rds|rdata|rda)$/i.test(path) && /^(BZh|\xfd7zXZ)/.test(text))
  )
    return say("a file of R: .RData, or .rds that is neither plain nor gzip", howToConvertR);
  if (text.startsWith("BZh") || text.startsWith("\xfd7zXZ") || text.startsWith("\x28\xb5\x2f\xfd"))
    return say("data compressed by bzip2, xz or zstd", "unpack it, or compress it by gzip");
  if (text.startsWith("\x89HDF\r\n")) return say("HDF5", "unpack it first: gunzip FILE");
  if (text.slice(257, 262) === "ustar") return say("a tar archive", "unpack it first: tar xf FILE");
  if (text.startsWith("PK")) return say("a zip archive", "unpack it first: gunzip FILE");
  if (text.startsWith("\xd0\xcf\x11\xe0")) return say("an old Excel workbook", howToConvertExcel);
  if (text.startsWith("PAR1"))
    return say("a Parquet file", "in Python: pandas.read_parquet(FILE).to_csv(NEW)");
  return say(
    `other data, beginning with ${head.subarray(0, 8).toString("hex")}`,
    "convert it in Python: scanpy.read(FILE).write_h5ad(NEW)",
  );
}

export const howToConvertExcel =
  "in the spreadsheet: save the sheet as CSV (and look out for genes that it took for dates)";
const howToConvertR = ["in R: saveRDS(x, NEW), with x one matrix or SingleCellExperiment of it"];

/** The matrix of a folder of 10x files: `matrix.mtx(.gz)`, also behind a prefix as in GEO (`GSM1_matrix.mtx.gz`). */
export function mtxNames(names: readonly string[]): string[] {
  return names.filter((name) => /matrix\.mtx(\.gz)?$/i.test(name));
}

function folderContent(path: string): Content {
  const inside = listFolder(path);
  if (inside.some((name) => name === ".zgroup" || name === "zarr.json")) return { kind: "zarr-folder" };
  const matrices = mtxNames(inside);
  if (matrices.length === 1) {
    const [name] = matrices;
    return { kind: "mtx", matrix: join(path, name), gzip: /\.gz$/i.test(name) };
  }
  if (matrices.length > 1) {
    throw new CellhueError("the folder holds several matrices", {
      where: path,
      found: `${matrices.slice(0, 6).join(", ")}${matrices.length > 6 ? ", …" : ""}`,
      expected: "one matrix.mtx or matrix.mtx.gz",
      remedy: matrices.slice(0, 3).map((name) => join(path, name)),
    });
  }
  const below = inside.filter((name) => {
    const deeper = listFolder(join(path, name));
    return mtxNames(deeper).length > 0 || deeper.includes(".zgroup") || deeper.includes("zarr.json");
  });
  const files = inside.filter((name) => OFFERED.test(name));
  throw new CellhueError("this is a folder, not a file", {
    where: path,
    found:
      files.length > 0
        ? `${files.length} files in it that may be read`
        : below.length > 0
          ? `${below.length} folders in it that may be read`
          : undefined,
    expected: readable,
    remedy: [...files, ...below].slice(0, 3).map((name) => join(path, name)),
  });
}

/** null: a folder. */
function fileSize(path: string): number | null {
  let stat: ReturnType<typeof statSync>;
  try {
    stat = statSync(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") throw noSuchFile(path, cause);
    throw unreadable(path, cause);
  }
  if (stat.isDirectory()) return null;
  if (!stat.isFile()) {
    throw new CellhueError("this is not a regular file", { where: path, expected: readable });
  }
  return stat.size;
}

export function noSuchFile(path: string, cause: unknown): CellhueError {
  const folder = dirname(resolve(path));
  const names = listFolder(folder);
  const near = nearNames(basename(path), names);
  const offered = near.length > 0 ? near : names.filter((name) => OFFERED.test(name)).slice(0, 3);
  return new CellhueError("no such file", {
    where: path,
    remedy:
      offered.length > 0
        ? offered.map((name) => join(dirname(path), name))
        : `check the path; the working folder is ${process.cwd()}`,
    cause,
  });
}

export function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

export function unreadable(path: string, cause: unknown): CellhueError {
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
    const bytes = Buffer.alloc(Math.min(size, HEAD));
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
