// Preprocess and predict on made sets of more and more cells × 20,000 genes, 5 % non-zero: seconds and peak memory of the
// whole process. X may take 1 GB (--memory 1), so that the larger sets are read by blocks. Needs the Python peers.
// usage: node bench/scale.mjs [--cells 5000,20000,50000,100000,200000] [--work DIR]; prints JSON
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { command } from "./command.mjs";
import { peerEnvironment, python } from "./peer.mjs";

const { values } = parseArgs({
  options: {
    cells: { type: "string", default: "5000,20000,50000,100000,200000" },
    work: { type: "string", default: join(tmpdir(), "cellhue-scale") },
    memory: { type: "string", default: "1" },
  },
});
const peer = fileURLToPath(new URL("peers/preprocess.py", import.meta.url));
mkdirSync(values.work, { recursive: true });

/** The command's seconds and peak memory, and the seconds of its tasks as it told them. */
async function run(...args) {
  const { said, ...cost } = await command(...args);
  const tasks = {};
  for (const [, name, time] of said.matchAll(/^([^\n:]+): \d+\/\d+.*, ([^,\n]+)$/gm)) {
    const seconds = /^(?:(\d+) h )?(?:(\d+) min)? ?(?:([\d.]+) s)?$/.exec(time);
    if (seconds)
      tasks[name] = Number(seconds[1] ?? 0) * 3600 + Number(seconds[2] ?? 0) * 60 + Number(seconds[3] ?? 0);
  }
  return { ...cost, tasks };
}

const sizes = values.cells.split(",").map(Number);
const made = (cells) => {
  const file = join(values.work, `made-${cells}.h5ad`);
  if (!existsSync(file))
    execFileSync(python, [peer, "make", file, "--cells", String(cells), "--level", "-4.1"], {
      env: peerEnvironment(),
      stdio: ["ignore", "ignore", "inherit"],
    });
  return file;
};
/** A model to predict with, trained on the smallest set. */
const model = async () => {
  const folder = join(values.work, "model");
  const file = join(folder, "model_final.onnx");
  if (!existsSync(file)) {
    rmSync(folder, { recursive: true, force: true });
    await run(...["preprocess", made(sizes[0]), "--label", "cluster", "--out", folder, "--folds", "2"]);
    await run(...["train", folder, "--folds", "2", "--epochs", "2"]);
    await run("saliency", folder);
  }
  return file;
};

const results = [];
for (const cells of sizes) {
  const file = made(cells);
  const out = join(values.work, `run-${cells}`);
  rmSync(out, { recursive: true, force: true });
  const limits = ["--memory", values.memory];
  const preprocess = await run("preprocess", file, "--label", "cluster", "--out", out, ...limits);
  rmSync(out, { recursive: true, force: true });
  const predict = await run(
    "predict",
    await model(),
    file,
    "--out",
    join(values.work, `${cells}.csv`),
    ...limits,
  );
  results.push({ cells, fileMB: Math.round(statSync(file).size / 2 ** 20), preprocess, predict });
  console.error(JSON.stringify(results.at(-1)));
}
console.log(JSON.stringify({ bench: "scale", memory: Number(values.memory), results }, null, 2));
