/** Whether a process of this machine is still there: by its number, and by its start time where the system tells it. */
import { readFile } from "node:fs/promises";

/** Start time of a process in Linux's clock ticks; null on other systems, and where there is no such process. */
export async function began(pid: number): Promise<string | null> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  // The second field is the name in parentheses, which may hold spaces; the start time is field 22.
  return line === null ? null : (line.slice(line.lastIndexOf(")") + 2).split(" ")[19] ?? null);
}

/** @param since its start time; tells it from a later process with the same number. null where that is not known */
export async function isAlive(pid: number, since: string | null): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process is there, though it may not be signalled.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
  const now = await began(pid);
  return since === null || now === null || now === since;
}
