/**
 * One process at a time on a run folder: a lock file that says who holds it. A process that was killed leaves its lock
 * behind; whoever comes next sees that it is dead and takes over.
 */
import { rmSync } from "node:fs";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { CellhueError } from "../errors.js";
import { diskError } from "./atomic.js";

export const lockName = "run.lock";

interface LockRecord {
  pid: number;
  host: string;
  /** When the process began, by its system; tells a process from a later one with the same number. */
  began: string | null;
}

/** Start time of a process in Linux's clock ticks; null on other systems. */
async function began(pid: number): Promise<string | null> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  // The second field is the name in parentheses, which may hold spaces; the start time is field 22.
  return line === null ? null : (line.slice(line.lastIndexOf(")") + 2).split(" ")[19] ?? null);
}

/** The holder of a lock, if it is alive. A lock of another machine counts as alive: nobody here can tell. */
async function holder(file: string): Promise<{ text: string; alive: LockRecord | undefined } | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  let record: LockRecord;
  try {
    record = JSON.parse(text) as LockRecord;
  } catch {
    // Being written right now, or cut off while it was: the first lasts milliseconds.
    const age =
      Date.now() -
      (await stat(file)
        .then((s) => s.mtimeMs)
        .catch(() => 0));
    return { text, alive: age < 2000 ? { pid: 0, host: hostname(), began: null } : undefined };
  }
  if (record.host !== hostname()) return { text, alive: record };
  try {
    process.kill(record.pid, 0);
  } catch (error) {
    const gone = error instanceof Error && "code" in error && error.code === "ESRCH";
    return { text, alive: gone ? undefined : record };
  }
  const now = await began(record.pid);
  const another = record.began !== null && now !== null && now !== record.began;
  return { text, alive: another ? undefined : record };
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

/** @throws CellhueError where a living process holds the folder */
export async function refuseLocked(path: string): Promise<void> {
  const found = await holder(join(path, lockName));
  if (found?.alive) throw locked(path, found.alive);
}

/**
 * Takes the folder's lock, from a dead process too.
 * @returns what gives it back; the end of the process does so as well
 * @throws CellhueError where a living process holds it
 */
export async function lock(path: string): Promise<() => void> {
  const file = join(path, lockName);
  const own: LockRecord = { pid: process.pid, host: hostname(), began: await began(process.pid) };
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      const handle = await open(file, "wx");
      try {
        await handle.writeFile(JSON.stringify(own)).finally(() => handle.close());
      } catch (error) {
        await rm(file, { force: true }); // the disk is full: no half a lock
        throw error;
      }
      const unlock = () => {
        process.removeListener("exit", unlock);
        rmSync(file, { force: true });
      };
      process.on("exit", unlock);
      return unlock;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST"))
        throw diskError(error, file);
    }
    const found = await holder(file);
    if (found?.alive) throw locked(path, found.alive);
    if (found === undefined) continue;
    // Moved away under a name of our own first, so that of two who find it stale only one goes on with it.
    const aside = join(path, `.${process.pid}-lock.cellhue-tmp`);
    await rename(file, aside).catch(() => {});
    const moved = await readFile(aside, "utf8").catch(() => undefined);
    if (moved !== undefined && moved !== found.text) await rename(aside, file).catch(() => {});
    else await rm(aside, { force: true });
  }
  throw new CellhueError("another cellhue works on this folder", {
    where: path,
    remedy: "wait until it ends, or choose another folder with --out",
  });
}
