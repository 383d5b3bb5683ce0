/**
 * Adds columns to obs of a copy of an .h5ad file, as anndata writes them, so that anndata reads them back: to data frames
 * of version 0.2.0 (anndata ≥ 0.8) and 0.1.0 (anndata 0.7, which keeps categories in obs/__categories). The copy is the
 * source but for obs: nothing else is read, decoded or written anew.
 *
 * All columns are called cellhue_…: those that are there from an earlier prediction are replaced, and no other column
 * can be hit. h5wasm cannot remove a column, so an old one is overwritten in place where its shape allows, and one that
 * is not written this time is taken out of the order of columns, by which readers go.
 * Format: https://anndata.readthedocs.io/en/stable/fileformat-prose.html
 */
import { chmod, constants, copyFile, mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CellhueError, throwIfAborted } from "../../errors.js";
import { tableLength } from "../anndata/table.js";
import { diskError, replaceFile } from "../atomic.js";
import { H5Class, Hdf5File, isBoolean } from "../hdf5/file.js";
import { openExpression } from "../reader.js";
import { visible } from "../visible.js";
import { Hdf5Writer } from "./hdf5-write.js";
import { H5adStore } from "./open.js";

export const obsPrefix = "cellhue_";

/** A column; `name` begins with `obsPrefix`. */
export type ObsColumn = { name: string } & (
  | { kind: "number"; values: Float32Array | Float64Array }
  /** 0 or 1. */
  | { kind: "boolean"; values: Uint8Array }
  | { kind: "string"; values: readonly string[] }
  /** Codes into `categories`, −1 where there is none. */
  | { kind: "categorical"; categories: readonly string[]; codes: Int32Array }
);

type FrameVersion = "0.1.0" | "0.2.0";

/**
 * Looks whether obs of a file can be given columns, so that this is known before hours of work.
 * @throws CellhueError where it cannot: not an .h5ad file, obs of anndata < 0.7, or `target` cannot be written to
 */
export async function checkObsColumns(source: string, target: string): Promise<void> {
  // Tells what else the source may be, and that there is none.
  (await openExpression(source, { requireX: false })).close();
  await refuseTarget(source, target);
  await inFile(source, frameVersion);
}

/**
 * Copies `source` to `target` with the columns added (one value a row of obs). The target is either whole or as it was;
 * its folder is made where there is none.
 * @throws CellhueError as `checkObsColumns`; where an earlier prediction's column cannot be overwritten; for the disk
 * @throws RangeError where there is no column, a name lacks the prefix, or a column has another length than obs
 */
export async function writeObsColumns(
  source: string,
  target: string,
  columns: readonly ObsColumn[],
  signal?: AbortSignal,
): Promise<void> {
  if (columns.length === 0) throw new RangeError("no columns to add to obs");
  for (const { name } of columns)
    if (!name.startsWith(obsPrefix) || name.includes("/"))
      throw new RangeError(`a column of obs cannot be called '${name}'`);
  await checkObsColumns(source, target);
  const bytes = (await stat(source)).size;
  try {
    await mkdir(dirname(resolve(target)), { recursive: true });
    const write = async (temporary: string) => {
      await copyFile(source, temporary, constants.COPYFILE_FICLONE);
      await chmod(temporary, (await stat(source)).mode | 0o200);
      throwIfAborted(signal);
      await extend(temporary, columns, source);
      throwIfAborted(signal);
    };
    await replaceFile(target, write, { sweep: true });
  } catch (error) {
    throw diskError(systemError(error), target, bytes, "--write");
  }
}

/** Emscripten's words for what a disk does, by the system's codes. */
const diskWords: Record<string, string> = {
  "No space left on device": "ENOSPC",
  "Quota exceeded": "EDQUOT",
  "File too large": "EFBIG",
  "I/O error": "EIO",
};

/** The system's error, where HDF5 hides one in its own. */
function systemError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const words = /error message = '(.*?)'/.exec(error.message)?.[1] ?? "";
  const code = Object.hasOwn(diskWords, words) ? diskWords[words] : undefined;
  return code === undefined ? error : Object.assign(new Error(words, { cause: error }), { code });
}

async function refuseTarget(source: string, target: string): Promise<void> {
  const [from, to] = await Promise.all([stat(source), stat(target).catch(() => null)]);
  if (to === null) return;
  if (from.dev === to.dev && from.ino === to.ino)
    throw new CellhueError("the file to write is the one that is read", {
      where: target,
      expected: "another file: the input stays as it is",
      remedy: "--write NEW.h5ad",
    });
  const earlier = await inFile(target, (file) =>
    file.kind("obs") === "group" ? file.keys("obs").some((name) => name.startsWith(obsPrefix)) : false,
  ).catch(() => false);
  if (!earlier)
    throw new CellhueError("the file to write exists, and no prediction of cellhue is in it", {
      where: target,
      expected: "a new file, or that of an earlier prediction",
      remedy: ["give another name to --write", "or remove the file first"],
    });
}

async function inFile<T>(path: string, look: (file: Hdf5File) => T): Promise<T> {
  const file = await Hdf5File.open(path);
  try {
    return look(file);
  } finally {
    file.close();
  }
}

function frameVersion(file: Hdf5File): FrameVersion {
  const type = file.kind("obs") === "group" ? file.attribute("obs", "encoding-type") : undefined;
  const version = type === "dataframe" ? file.attribute("obs", "encoding-version") : undefined;
  if (version === "0.1.0" || version === "0.2.0") return version;
  const old = file.kind("obs") === "dataset";
  throw new CellhueError("columns cannot be added to obs of this file", {
    where: file.path,
    found: old
      ? "obs as one table of records, as anndata wrote it before 0.7"
      : `obs of the kind '${visible(String(type ?? "unnamed"), 40)}', version ${visible(String(version ?? "none"), 40)}`,
    expected: "a data frame as anndata has written it since 0.7",
    remedy: [
      "write the file again, in Python: anndata.read_h5ad(file).write_h5ad(new)",
      "or leave --write out: the CSV of --out has all of it",
    ],
  });
}

/** What is to be done to a column: made anew, or written over one that is there. */
async function extend(path: string, columns: readonly ObsColumn[], named: string): Promise<void> {
  const { version, rows, order, existing } = await inFile(path, (file) => ({
    version: frameVersion(file),
    rows: tableLength(new H5adStore(file), "obs") ?? 0,
    order: columnOrder(file),
    existing: new Set(
      columns.filter(({ name }) => overwritable(file, name, columns, named)).map((c) => c.name),
    ),
  }));
  for (const column of columns) {
    const { length } = column.kind === "categorical" ? column.codes : column.values;
    if (length !== rows)
      throw new RangeError(`'${column.name}' has ${length} values for ${rows} rows of obs`);
  }
  await Hdf5Writer.write(path, (file) => {
    for (const column of columns) {
      if (existing.has(column.name)) overwrite(file, version, column);
      else create(file, version, column);
    }
    const names = [...order.filter((name) => !name.startsWith(obsPrefix)), ...columns.map((c) => c.name)];
    file.replaceStrings("obs", "column-order", names);
  });
  const booleans = columns.filter(({ kind, name }) => kind === "boolean" && !existing.has(name));
  if (booleans.length === 0) return;
  await Hdf5Writer.write(path, (file) => {
    for (const { name } of booleans) file.encoding(`obs/${name}`, "array");
  });
}

function columnOrder(file: Hdf5File): string[] {
  const order = file.attribute("obs", "column-order");
  const names = typeof order === "string" ? [order] : Array.isArray(order) ? order : [];
  return names.filter((name): name is string => typeof name === "string");
}

/**
 * Whether there is a column of that name, and of a shape that this one can be written over.
 * @throws CellhueError where there is one of another shape
 */
function overwritable(file: Hdf5File, name: string, columns: readonly ObsColumn[], named: string): boolean {
  const at = `obs/${name}`;
  const kind = file.kind(at);
  if (kind === null) return false;
  const column = columns.find((c) => c.name === name) as ObsColumn;
  const fits =
    column.kind === "categorical"
      ? fitsCategorical(file, at, column)
      : kind === "dataset" && fitsArray(file, at, column);
  if (fits) return true;
  throw new CellhueError(`obs has a column '${name}' that cannot be written over`, {
    where: named,
    found: "a column of an earlier prediction, of another kind or with other categories",
    remedy: [
      "predict from the file as it was before",
      `or take the column out, in Python: del adata.obs[${JSON.stringify(name)}]; adata.write_h5ad(new)`,
    ],
  });
}

function fitsArray(file: Hdf5File, at: string, column: ObsColumn): boolean {
  const meta = file.metadata(at);
  if (file.referenced(at, "categories") !== undefined) return false;
  if (column.kind === "number") return meta.type === H5Class.float && (meta.size === 4 || meta.size === 8);
  if (column.kind === "boolean") return isBoolean(meta);
  return meta.type === H5Class.string && meta.vlen;
}

function fitsCategorical(file: Hdf5File, at: string, column: ObsColumn & { kind: "categorical" }): boolean {
  const { codes, categories } = categoricalParts(file.kind(at) === "group" ? "0.2.0" : "0.1.0", column.name);
  if (file.kind(codes) !== "dataset" || file.kind(categories) !== "dataset") return false;
  const [meta, names] = [file.metadata(codes), file.metadata(categories)];
  return (
    meta.type === H5Class.integer &&
    meta.signed &&
    meta.size >= codeBytes(column.categories.length) &&
    meta.size <= 4 &&
    names.type === H5Class.string &&
    names.vlen &&
    (names.shape?.[0] === column.categories.length || names.maxshape?.[0] !== names.shape?.[0])
  );
}

/** As pandas has them: the smallest of int8, int16 and int32. */
const codeBytes = (categories: number): 1 | 2 | 4 => (categories <= 127 ? 1 : categories <= 32767 ? 2 : 4);

function categoricalParts(version: FrameVersion, name: string): { codes: string; categories: string } {
  return version === "0.1.0"
    ? { codes: `obs/${name}`, categories: `obs/__categories/${name}` }
    : { codes: `obs/${name}/codes`, categories: `obs/${name}/categories` };
}

function create(file: Hdf5Writer, version: FrameVersion, column: ObsColumn): void {
  const at = `obs/${column.name}`;
  if (column.kind === "number") {
    file.numbers(at, column.values);
    file.encoding(at, "array");
  } else if (column.kind === "boolean") {
    file.booleans(at, column.values); // its encoding follows in `extend`
  } else if (column.kind === "string") {
    file.strings(at, column.values);
    file.encoding(at, "string-array");
  } else {
    const { codes, categories } = categoricalParts(version, column.name);
    if (version === "0.1.0") file.needGroup("obs/__categories");
    else file.needGroup(at);
    const values = { 1: Int8Array, 2: Int16Array, 4: Int32Array }[codeBytes(column.categories.length)].from(
      column.codes,
    );
    file.numbers(codes, values);
    file.strings(categories, column.categories, true);
    if (version === "0.1.0") {
      file.reference(codes, "categories", categories);
      file.flag(categories, "ordered", 0);
      return;
    }
    file.encoding(codes, "array");
    file.encoding(categories, "string-array");
    file.encoding(at, "categorical");
    file.flag(at, "ordered", 0);
  }
}

function overwrite(file: Hdf5Writer, version: FrameVersion, column: ObsColumn): void {
  const at = `obs/${column.name}`;
  if (column.kind === "categorical") {
    const { codes, categories } = categoricalParts(version, column.name);
    file.overwriteNumbers(codes, column.codes);
    file.overwriteStrings(categories, column.categories);
  } else if (column.kind === "string") file.overwriteStrings(at, column.values);
  else file.overwriteNumbers(at, column.values);
}
