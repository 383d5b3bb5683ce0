/** Runs the built command line as a user does. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
/** CELLHUE_MAIN: another build, e.g. that of an installed package. */
export const main = process.env.CELLHUE_MAIN ?? join(root, "dist", "cli", "main.js");

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** Starts cellhue; `ended` resolves when it is over. */
export function start(args: readonly string[], cwd = root): { child: ChildProcess; ended: Promise<Ended> } {
  const begin = performance.now();
  const child = spawn(process.execPath, [main, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({ code, stdout, stderr, seconds: (performance.now() - begin) / 1000 }),
    );
  });
  return { child, ended };
}

export const cellhue = (args: readonly string[], cwd?: string): Promise<Ended> => start(args, cwd).ended;

/** A new folder under the system's temporary one, and what removes it. */
export function temporary(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "cellhue-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
