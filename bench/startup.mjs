// Seconds of cold processes and megabytes installed. usage: node bench/startup.mjs [--pairs 5] [--file FILE.h5ad]; prints JSON
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { peerEnvironment, python, spread } from "./peer.mjs";

const { values } = parseArgs({
  options: {
    pairs: { type: "string", default: "5" },
    file: { type: "string", default: join(tmpdir(), "cellhue-bench-inspect.h5ad") },
  },
});
const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "dist/cli/main.js");
const timed = (...args) =>
  spread(
    Array.from({ length: Number(values.pairs) }, () => {
      const began = performance.now();
      execFileSync(process.execPath, [cli, ...args], { stdio: "ignore" });
      return (performance.now() - began) / 1000;
    }),
  );

// 18,500 cells × 20,000 genes, 5 % non-zero: 150 MB.
if (!existsSync(values.file))
  execFileSync(
    python,
    [
      fileURLToPath(new URL("peers/preprocess.py", import.meta.url)),
      "make",
      values.file,
      "--cells",
      "18500",
      "--level",
      "-4.1",
    ],
    {
      env: peerEnvironment(),
      stdio: ["ignore", "ignore", "inherit"],
    },
  );

/** Bytes under a folder, links not followed. */
const bytesUnder = (path) => {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.blocks * 512;
  return readdirSync(path).reduce((sum, name) => sum + bytesUnder(join(path, name)), 0);
};
/** Production dependencies as npm installs them, and what the package itself holds. */
function installed() {
  const folder = mkdtempSync(join(tmpdir(), "cellhue-installed-"));
  try {
    for (const name of ["package.json", "package-lock.json", ".npmrc"])
      cpSync(join(root, name), join(folder, name));
    execFileSync("npm", ["ci", "--omit=dev", "--ignore-scripts"], { cwd: folder, stdio: "ignore" });
    const own = ["dist", "assets"].reduce((sum, name) => sum + bytesUnder(join(root, name)), 0);
    return (bytesUnder(join(folder, "node_modules")) + own) / 2 ** 20;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

console.log(
  JSON.stringify([
    { what: "`cellhue --help`", seconds: timed("--help"), limit: 0.3 },
    { what: "`cellhue inspect` of a file of 150 MB", seconds: timed("inspect", values.file), limit: 1 },
    { what: "installed, production dependencies", seconds: spread([installed()]), limit: 400, unit: "MB" },
  ]),
);
