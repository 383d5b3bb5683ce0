/**
 * The fingerprint of an expression file, for the record of a run and to tell whether it changed: SHA-256 of a file's
 * bytes. Of what is several files (a zarr folder, a folder of 10x files), SHA-256 over "name NUL size NUL bytes" of each,
 * in order of their names, so that it depends on neither the file system nor the time.
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { CellhueError, InterruptedError, throwIfAborted } from "../errors.js";
import { byCodePoint } from "./labels.js";

/**
 * @returns hexadecimal, and the bytes that went in
 * @throws CellhueError where a file is gone or the disk fails; InterruptedError
 */
export async function hashInput(
  path: string,
  signal?: AbortSignal,
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    const files = filesOf(path);
    for (const { name, at } of files) {
      const { size } = statSync(at);
      if (files.length > 1) hash.update(`${name}\0${size}\0`);
      bytes += await update(hash, at, signal);
    }
  } catch (cause) {
    if (cause instanceof InterruptedError || !(cause instanceof Error && "code" in cause)) throw cause;
    throw new CellhueError("the file cannot be read any more", {
      where: path,
      found: cause.message,
      remedy: "put the file back, then start the same command again",
      cause,
    });
  }
  return { sha256: hash.digest("hex"), bytes };
}

/**
 * Names, sizes and times of the files that an input is of, to tell cheaply that it may have changed.
 * @returns undefined where one of them is gone
 */
export function stampInput(path: string): string | undefined {
  try {
    return filesOf(path)
      .map(({ name, at }) => {
        const { size, mtimeMs, ino } = statSync(at);
        return `${name}\0${size}\0${mtimeMs}\0${ino}`;
      })
      .join("\n");
  } catch {
    return undefined;
  }
}

async function update(hash: Hash, path: string, signal?: AbortSignal): Promise<number> {
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    throwIfAborted(signal);
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return bytes;
}

/** The files that an input is of: itself; all of a folder; a matrix.mtx and what lies beside it. */
function filesOf(path: string): { name: string; at: string }[] {
  if (statSync(path).isDirectory()) return below(path, path).sort((a, b) => byCodePoint(a.name, b.name));
  const prefix = /^(.*?)matrix\.mtx(\.gz)?$/i.exec(basename(path))?.[1];
  if (prefix === undefined) return [{ name: basename(path), at: path }];
  const folder = dirname(path);
  return readdirSync(folder)
    .filter(
      (name) => name === basename(path) || /^(barcodes|features|genes)\./i.test(name.slice(prefix.length)),
    )
    .filter((name) => name.startsWith(prefix))
    .sort(byCodePoint)
    .map((name) => ({ name, at: join(folder, name) }));
}

function below(root: string, folder: string): { name: string; at: string }[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const at = join(folder, entry.name);
    if (entry.isDirectory()) return below(root, at);
    return entry.isFile() ? [{ name: relative(root, at).split(sep).join("/"), at }] : [];
  });
}
