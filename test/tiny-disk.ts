/** A real file system of a given size, to fill up; where this machine does not let us mount one, tests are skipped. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function mountTiny(path: string, kilobytes: number): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "tmpfs", path], { stdio: "ignore" });
}

export function unmount(path: string): void {
  execFileSync("umount", ["-l", path], { stdio: "ignore" });
}

function tryMount(): boolean {
  const path = mkdtempSync(join(tmpdir(), "cellhue-mount-"));
  try {
    mountTiny(path, 64);
    unmount(path);
    return true;
  } catch {
    console.warn("skipped: tests of a full disk need the right to mount one");
    return false;
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

export const canMount = tryMount();
