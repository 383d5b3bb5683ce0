/**
 * Files that are either whole or absent: written to a temporary name in the same folder, flushed to the disk, renamed.
 * A kill at any moment leaves the old file or the new one, and at worst a temporary file. In a run folder `sweepTemporary` of
 * the next run removes it; elsewhere the next file that is written beside it (`sweep`), since its name says whose it is.
 * Failures of the disk become CellhueErrors.
 */
import { createHash } from "node:crypto";
import { statfsSync } from "node:fs";
import { open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { CellhueError } from "../errors.js";
import { began, isAlive } from "./process-life.js";

const suffix = ".cellhue-tmp";
let counter = 0;

export interface AtomicOptions {
  /**
   * Whether to wait until the disk has it (the default). Small files by the thousand that can be made again in seconds
   * do without: a kill of the process loses nothing, only a power cut could.
   */
  flush?: boolean;
  /** Whether to remove first what dead processes have left in the folder: for files outside of a run folder. */
  sweep?: boolean;
}

/**
 * Writes a whole file in one step.
 * @throws CellhueError where the disk is full, read-only or not ours; the temporary file is removed then
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: AtomicOptions = {},
): Promise<void> {
  const bytes = typeof data === "string" ? Buffer.from(data, "utf8") : data;
  try {
    await replaceFile(path, (temporary) => writeFile(temporary, bytes, { flag: "wx" }), options);
  } catch (error) {
    throw diskError(error, path, bytes.byteLength);
  }
}

/**
 * Puts in place what `write` makes under a temporary name in the same folder.
 * @throws what `write` throws, and errors of the file system as they are; the temporary file is removed then
 */
export async function replaceFile(
  path: string,
  write: (temporary: string) => Promise<void>,
  { flush = true, sweep = false }: AtomicOptions = {},
): Promise<void> {
  if (sweep) await sweepDead(dirname(path));
  const temporary = join(dirname(path), await temporaryName());
  try {
    await write(temporary);
    if (flush) await syncFile(temporary);
    await rename(temporary, path);
    if (flush) await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** Of this machine, in short: numbers of processes mean nothing on another one that shares the disk. */
const machine = () => createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
/** Number of the process, machine, start time (0 where it is not known), number of the file. */
const ownName = /^\.(\d+)-([\da-f]{8})-(\d+)-\d+\.cellhue-tmp$/;
let mine: Promise<string> | undefined;

/** Short whatever the file is called, so that a long file name stays within the file system's limit. */
async function temporaryName(): Promise<string> {
  mine ??= began(process.pid).then((since) => `.${process.pid}-${machine()}-${since ?? 0}`);
  return `${await mine}-${counter++}${suffix}`;
}

/** Removes temporary files that processes of this machine have left which are dead by now. */
async function sweepDead(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const [, pid, where, since] = ownName.exec(name) ?? [];
    if (where !== machine() || (await isAlive(Number(pid), since === "0" ? null : since))) continue;
    await rm(join(folder, name), { force: true }).catch(() => {}); // another user's, say: it does no harm
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+");
  await handle.sync().finally(() => handle.close());
}

/** Makes the rename itself durable; not every system can open a folder, and then it is left to the system. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    await handle.sync().finally(() => handle.close());
  } catch {
    // Windows, and some network file systems.
  }
}

/**
 * Writes a file piece by piece in one step: it is there when `write` is through.
 * @param write appends the pieces, in order
 * @throws CellhueError as `writeFileAtomic`, and what `write` throws
 */
export async function writePiecesAtomic(
  path: string,
  write: (append: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
  options: AtomicOptions = {},
): Promise<void> {
  let bytes = 0;
  try {
    await replaceFile(
      path,
      async (temporary) => {
        const handle = await open(temporary, "wx");
        try {
          await write(async (piece) => {
            bytes += piece.byteLength;
            await handle.writeFile(piece);
          });
        } finally {
          await handle.close();
        }
      },
      options,
    );
  } catch (error) {
    throw diskError(error, path, bytes);
  }
}

/** Removes what a killed run left under a folder. Only for the holder of the run's lock. */
export async function sweepTemporary(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && entry.name.endsWith(suffix))
      await rm(join(entry.parentPath, entry.name), { force: true });
  }
}

/** What users can cause on a disk: [what happened, what to do]; OPTION is the one that named the path. */
const reasons: Record<string, readonly [string, string]> = {
  ENOSPC: ["the disk is full", "free some space and start again, or choose another disk with OPTION"],
  EDQUOT: [
    "your disk quota is used up",
    "free some space and start again, or choose another disk with OPTION",
  ],
  EROFS: ["the file system is read-only", "choose a folder that can be written with OPTION"],
  EACCES: [
    "no permission to write here",
    "choose a folder of your own with OPTION, or change its permissions",
  ],
  EPERM: [
    "no permission to write here",
    "choose a folder of your own with OPTION, or change its permissions",
  ],
  ENOTDIR: ["a part of this path is a file, not a folder", "choose another folder with OPTION"],
  EISDIR: ["a folder stands where a file is to be written", "choose another path with OPTION"],
  ENOENT: ["the folder is gone", "something removed it meanwhile: start the same command again"],
  ENAMETOOLONG: ["the path is longer than this file system allows", "choose a shorter path with OPTION"],
  EFBIG: [
    "the file is larger than this file system or your limit allows",
    "raise the limit (ulimit -f) and start again, or choose another disk with OPTION",
  ],
  EIO: ["the disk reports an error", "check the disk, or choose another one with OPTION"],
  EMFILE: ["too many files are open", "raise the limit (ulimit -n) and start the same command again"],
};

/**
 * Turns an error of the file system into a CellhueError; anything else passes unchanged.
 * @param option that names another place
 */
export function diskError(error: unknown, path: string, bytes?: number, option = "--out"): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reason = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
  if (reason === undefined) return error;
  const free = code === "ENOSPC" ? freeBytes(dirname(path)) : undefined;
  const told = [
    ...(bytes === undefined ? [] : [`${bytes.toLocaleString("en-US")} bytes to write`]),
    ...(free === undefined ? [] : [`${free.toLocaleString("en-US")} bytes free`]),
  ].join(", ");
  return new CellhueError(`cannot write ${basename(path)}: ${reason[0]}`, {
    where: path,
    found: told === "" ? code : `${code} (${told})`,
    remedy: reason[1].replace("OPTION", option),
    cause: error,
  });
}

/** What a folder's disk has free for us; undefined where its system does not tell. */
function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
