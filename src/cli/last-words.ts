/**
 * Last words of a process that cannot speak: where V8 or a native library gives up for want of memory, or the system kills the
 * process, nothing of ours runs any more. A shell waits beside it (1 MB) and tells, once its pipe closes without a word.
 */
import { spawn } from "node:child_process";
import type { Socket } from "node:net";

const words = `cellhue: the process was ended without a word: it was killed, or memory did not suffice
  try:      start the same command again, with more memory free; what a run has done is kept
            --threads 1 and a smaller --memory take less at once, with the same result`;

/** From now on until the process ends by itself. Where there is no such shell, nothing is told. */
export function leaveLastWords(): void {
  if (process.platform === "win32") return;
  const script = `trap '' INT TERM; read -r word || printf '%s\\n' "$1" >&2`;
  const shell = spawn("/bin/sh", ["-c", script, "sh", words], { stdio: ["pipe", "ignore", "inherit"] });
  shell.on("error", () => {});
  shell.stdin.on("error", () => {});
  // Neither keeps the process alive.
  shell.unref();
  (shell.stdin as Socket).unref();
  process.on("exit", () => shell.stdin.write("done\n"));
}
