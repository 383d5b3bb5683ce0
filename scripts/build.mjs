// Compiles src/ into dist/ from nothing, so that a deleted source leaves no stale module behind. The old dist/ is
// exchanged only when the new one is whole.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
const [dist, next, old] = ["dist", "dist-next", "dist-old"].map((name) => join(root, name));
for (const folder of [next, old]) rmSync(folder, { recursive: true, force: true });
execFileSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json"), "--outDir", next], {
  stdio: "inherit",
  cwd: root,
});
chmodSync(join(next, "cli", "main.js"), 0o755);
if (existsSync(dist)) renameSync(dist, old);
renameSync(next, dist);
rmSync(old, { recursive: true, force: true });
