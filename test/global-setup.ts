/** Compiles src/ into dist/ before the tests that run the built command line, unless dist/ is newer than every source. */
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function newest(folder: string): number {
  let time = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) time = Math.max(time, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return time;
}

function built(): number {
  try {
    return statSync(join(root, "dist", "cli", "main.js")).mtimeMs;
  } catch {
    return 0;
  }
}

export default function setup(): void {
  if (built() >= newest(join(root, "src"))) return;
  execFileSync(process.execPath, [join(root, "scripts", "build.mjs")], { cwd: root, stdio: "inherit" });
}
