/**
 * The keys of a zarr store ("obs/_index/.zarray") and their bytes, in a folder or a zip archive. Keys never leave the
 * folder: no "..", no absolute path; and only regular files are read.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { CellhueError } from "../../errors.js";
import { howToConvertExcel, readable } from "../content.js";
import { visible } from "../visible.js";
import { ZipFile } from "./zip.js";

export interface Keys {
  readonly path: string;
  /** Bytes on disk. */
  readonly bytes: number;
  get(key: string): Uint8Array<ArrayBuffer> | undefined;
  /** A part of a value; a negative `from` counts from its end. */
  range(key: string, from: number, length: number): Uint8Array<ArrayBuffer> | undefined;
  /** Names directly below a group, sorted. */
  below(group: string): string[];
  close(): void;
}

const isSafe = (key: string) => key.split("/").every((part) => part !== ".." && part !== "." && part !== "");

export class FolderKeys implements Keys {
  readonly bytes: number;

  constructor(readonly path: string) {
    this.bytes = folderBytes(path, 0);
  }

  get(key: string): Uint8Array<ArrayBuffer> | undefined {
    const at = this.file(key);
    return at === undefined ? undefined : new Uint8Array(readFileSync(at));
  }

  range(key: string, from: number, length: number): Uint8Array<ArrayBuffer> | undefined {
    const at = this.file(key);
    if (at === undefined) return undefined;
    const fd = openSync(at, "r");
    try {
      const { size } = fstatSync(fd);
      const start = from < 0 ? Math.max(0, size + from) : from;
      const out = new Uint8Array(Math.max(0, Math.min(length, size - start)));
      readSync(fd, out, 0, out.length, start);
      return out;
    } finally {
      closeSync(fd);
    }
  }

  below(group: string): string[] {
    const at = group === "" ? this.path : join(this.path, group);
    if (group !== "" && !isSafe(group)) return [];
    try {
      return readdirSync(at).sort();
    } catch {
      return [];
    }
  }

  close(): void {}

  private file(key: string): string | undefined {
    if (!isSafe(key)) return undefined;
    const at = join(this.path, key);
    return existsSync(at) && statSync(at).isFile() ? at : undefined;
  }
}

/** Sizes of the files below a folder; deeper than any zarr store of AnnData is not looked at. */
function folderBytes(folder: string, depth: number): number {
  let sum = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const at = join(folder, entry.name);
    if (entry.isFile()) sum += statSync(at).size;
    else if (entry.isDirectory() && depth < 12) sum += folderBytes(at, depth + 1);
  }
  return sum;
}

export class ZipKeys implements Keys {
  readonly path: string;
  readonly bytes: number;
  private readonly children = new Map<string, Set<string>>();
  private held: { key: string; bytes: Uint8Array<ArrayBuffer> } | undefined;

  /** @param prefix folder of the store within the archive, "" or ending in "/" */
  private constructor(
    private readonly zip: ZipFile,
    private readonly prefix: string,
  ) {
    this.path = zip.path;
    this.bytes = zip.bytes;
    for (const name of zip.names()) {
      if (!name.startsWith(prefix)) continue;
      const parts = name.slice(prefix.length).split("/");
      let group = "";
      for (const part of parts) {
        if (part === "") break;
        let names = this.children.get(group);
        if (names === undefined) {
          names = new Set();
          this.children.set(group, names);
        }
        names.add(part);
        group = group === "" ? part : `${group}/${part}`;
      }
    }
  }

  /** @throws CellhueError where the archive holds no zarr store */
  static open(path: string): ZipKeys {
    const zip = ZipFile.open(path);
    try {
      const names = [...zip.names()];
      const roots = names
        .filter((name) => /(^|\/)(\.zgroup|zarr\.json)$/.test(name))
        .map((name) => name.replace(/(\.zgroup|zarr\.json)$/, ""))
        .sort((a, b) => a.length - b.length);
      if (roots.length === 0) throw notZarr(path, names);
      return new ZipKeys(zip, roots[0]);
    } catch (error) {
      zip.close();
      throw error;
    }
  }

  get(key: string): Uint8Array<ArrayBuffer> | undefined {
    return isSafe(key) ? this.zip.read(this.prefix + key) : undefined;
  }

  range(key: string, from: number, length: number): Uint8Array<ArrayBuffer> | undefined {
    if (this.held?.key !== key) {
      const bytes = this.get(key);
      if (bytes === undefined) return undefined;
      this.held = { key, bytes };
    }
    const { bytes } = this.held;
    const start = from < 0 ? Math.max(0, bytes.length + from) : from;
    return bytes.slice(start, start + length);
  }

  below(group: string): string[] {
    return [...(this.children.get(group) ?? [])].sort();
  }

  close(): void {
    this.held = undefined;
    this.zip.close();
  }
}

function notZarr(path: string, names: readonly string[]): CellhueError {
  const excel = names.includes("xl/workbook.xml");
  const shown = names.slice(0, 5).map((name) => visible(name, 60));
  return new CellhueError("this is not an expression file that is read", {
    where: path,
    found: excel
      ? "an Excel workbook"
      : `a zip archive of ${names.length} entries: ${shown.join(", ")}${names.length > 5 ? ", …" : ""}`,
    expected: readable,
    remedy: excel ? howToConvertExcel : "unpack it, and give the file or folder in it",
  });
}
