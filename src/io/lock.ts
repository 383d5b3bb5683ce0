/**
 * One process at a time on a run folder: a lock file that says who holds it. A process that was killed leaves its lock
 * behind; whoever comes next sees that it is dead and takes over.
 */
import { readFileSync, rmSync } from "node:fs";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CellhueError } from "../errors.js";
import { diskError } from "./atomic.js";
import { began, isAlive } from "./process-life.js";

export const lockName = "run.lock";

interface LockRecord {
  pid: number;
  host: string;
  /** When the process began, by its system; tells a process from a later one with the same number. */
  began: string | null;
}

/** A lock's text being written lasts milliseconds; one that is not whole for so long was cut off. */
const WRITING_MS = 2000;

/** The holder of a lock, if it is alive. A lock of another machine counts as alive: nobody here can tell. */
async function holder(file: string): Promise<{ text: string; alive: LockRecord | undefined } | undefined> {
  let text = "";
  let record: LockRecord | undefined;
  while (record === undefined) {
    const found = await readFile(file, "utf8").catch(() => undefined);
    if (found === undefined) return undefined;
    text = found;
    try {
      record = JSON.parse(text) as LockRecord;
    } catch {
      const written = await stat(file).then(
        (s) => s.mtimeMs,
        () => 0,
      );
      if (Math.abs(Date.now() - written) > WRITING_MS) return { text, alive: undefined };
      await sleep(50);
    }
  }
  if (record.host !== hostname()) return { text, alive: record };
  return { text, alive: (await isAlive(record.pid, record.began)) ? record : undefined };
}

function locked(path: string, { pid, host }: LockRecord): CellhueError {
  const here = host === hostname();
  return new CellhueError("another cellhue works on this folder", {
    where: path,
    found: here ? `process ${pid}` : `process ${pid} on the machine ${host}`,
    remedy: here
      ? "wait until it ends, or choose another folder with --out"
      : `wait until it ends; if it is dead, remove ${join(path, lockName)}`,
  });
}

/** @param own what this process wrote into the lock */
function held(path: string, own: string, inherited: boolean): HeldLock {
  const file = join(path, lockName);
  const read = (): string | undefined => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return undefined;
    }
  };
  const release = () => {
    process.removeListener("exit", release);
    if (read() !== own) return;
    try {
      rmSync(file, { force: true });
    } catch {
      // The disk has become read-only: whoever comes next sees that this process is dead.
    }
  };
  process.on("exit", release);
  return {
    inherited,
    release,
    requireHeld() {
      const now = read();
      if (now === own) return;
      throw new CellhueError(
        now === undefined
          ? "the run folder is gone: it was removed while cellhue worked on it"
          : "the run folder is gone: another cellhue works on a new one in its place",
        {
          where: path,
          found: now === undefined ? `${lockName} is gone` : `${lockName} is of ${now}`,
          remedy:
            now === undefined
              ? "start the same command again: it begins anew"
              : "choose another folder with --out, or wait until the other one ends",
        },
      );
    },
  };
}

/** @throws CellhueError where a living process holds the folder */
export async function refuseLocked(path: string): Promise<void> {
  const found = await holder(join(path, lockName));
  if (found?.alive) throw locked(path, found.alive);
}

/** A lock that this process holds. */
export interface HeldLock {
  /** Whether a process that is dead had left it. */
  readonly inherited: boolean;
  /** Gives it back; the end of the process does so as well. A lock that is another's by now is left alone. */
  release(): void;
  /** @throws CellhueError where the folder is gone, or has been removed and taken by another process */
  requireHeld(): void;
}

/**
 * Takes the folder's lock, from a dead process too.
 * @throws CellhueError where a living process holds it
 */
export async function lock(path: string): Promise<HeldLock> {
  const file = join(path, lockName);
  const own: LockRecord = { pid: process.pid, host: hostname(), began: await began(process.pid) };
  let inherited = false;
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      const handle = await open(file, "wx");
      const text = JSON.stringify(own);
      try {
        await handle.writeFile(text).finally(() => handle.close());
      } catch (error) {
        await rm(file, { force: true }); // the disk is full: no half a lock
        throw error;
      }
      return held(path, text, inherited);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST"))
        throw diskError(error, file);
    }
    const found = await holder(file);
    if (found?.alive) throw locked(path, found.alive);
    if (found === undefined) continue;
    // Moved away under a name of our own first, so that of two who find it stale only one goes on with it.
    const aside = join(path, `.${process.pid}-lock.cellhue-tmp`);
    await rename(file, aside).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw diskError(error, file);
    });
    const moved = await readFile(aside, "utf8").catch(() => undefined);
    if (moved !== undefined && moved !== found.text) await rename(aside, file).catch(() => {});
    else await rm(aside, { force: true });
    inherited = true;
  }
  throw new CellhueError("another cellhue works on this folder", {
    where: path,
    remedy: "wait until it ends, or choose another folder with --out",
  });
}
