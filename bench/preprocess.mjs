/**
 * Preprocess (read → PCA → UMAP and t-SNE → images) beside scanpy, on a made set of 5,900 cells × 20,000 genes.
 * Pairs of cold processes, one after the other, so that both meet the same machine.
 *
 *   npm run build && node bench/preprocess.mjs [--pairs 3] [--file FILE.h5ad] [--python PYTHON] [--until pca]
 *
 * --python: default as in peer.mjs. Prints JSON: seconds per stage of every run, their medians, and scanpy's median
 * over ours.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { peerEnvironment, python, spread } from "./peer.mjs";

const { values: options } = parseArgs({
  options: {
    pairs: { type: "string", default: "3" },
    file: { type: "string", default: join(tmpdir(), "cellhue-bench-5900x20000.h5ad") },
    python: { type: "string", default: python },
    until: { type: "string", default: "images" },
    once: { type: "string" },
  },
});
const peer = fileURLToPath(new URL("peers/preprocess.py", import.meta.url));

if (options.once !== undefined) await once(options.file, options.once, options.until);
else await compare();

/** Our side, in this process; prints one JSON line as the peer does. */
async function once(file, out, until) {
  const seconds = {};
  let at = performance.now();
  const lap = (stage) => {
    seconds[stage] = round((performance.now() - at) / 1000);
    at = performance.now();
    if (stage !== until) return;
    const total = round(Object.values(seconds).reduce((a, b) => a + b));
    console.log(
      JSON.stringify({ seconds, total, peakMB: Math.round(process.resourceUsage().maxRSS / 1024) }),
    );
    process.exit();
  };
  const from = (path) => import(new URL(`../dist/${path}.js`, import.meta.url));
  const { openExpression } = await from("io/reader");
  const { RandomState } = await from("random");
  const { pca } = await from("embed/pca");
  const { bothMaps } = await from("embed/both-maps");
  const { spectralLayout, renderSpectral } = await from("encode/spectral");
  const { encodePng } = await from("io/png");
  lap("import");
  const reader = await openExpression(file);
  let x = reader.readMatrix();
  const n = x.rows;
  reader.close();
  lap("read");
  const { scores, components: k } = await pca(x, {
    components: 50,
    random: new RandomState(42),
    threads: cpus().length,
  });
  x = undefined;
  lap("pca");
  const { tsne: t, umap: u } = await bothMaps(scores, n, k, { seed: 42, threads: cpus().length });
  lap("maps"); // with their neighbours
  const axis = (values, width) => Float32Array.from({ length: n }, (_, i) => values[i * width]);
  const size = { height: 128, width: 128 };
  const layout = spectralLayout(t, axis(scores, k), axis(u, 2), size);
  await mkdir(out, { recursive: true });
  for (let i = 0; i < n; i += 8)
    await Promise.all(
      Array.from({ length: Math.min(8, n - i) }, async (_, j) => {
        const png = await encodePng(renderSpectral(layout, i + j, size), size.width, size.height);
        await writeFile(join(out, `sample_${i + j}.png`), png);
      }),
    );
  lap("images");
}

async function compare() {
  const run = (...args) =>
    execFileSync(options.python, [peer, ...args], { env: peerEnvironment(), encoding: "utf8" });
  if (!existsSync(options.file)) process.stderr.write(run("make", options.file));
  const folder = mkdtempSync(join(tmpdir(), "cellhue-bench-"));
  const last = (text) => JSON.parse(text.trim().split("\n").at(-1));
  const runs = { cellhue: [], scanpy: [] };
  try {
    for (let pair = 0; pair < Number(options.pairs); pair++) {
      const out = (who) => join(folder, `${who}-${pair}`);
      const self = [fileURLToPath(import.meta.url), "--file", options.file, "--until", options.until];
      const ours = execFileSync(process.execPath, [...self, "--once", out("cellhue")], { encoding: "utf8" });
      runs.cellhue.push(last(ours));
      const theirs = run("run", options.file, out("scanpy"), "--until", options.until);
      const peerRun = last(theirs);
      // Our maps are made at the same time, and find their neighbours.
      const { neighbors, umap, tsne, ...others } = peerRun.seconds;
      if (tsne !== undefined) peerRun.seconds = { ...others, maps: round(neighbors + umap + tsne) };
      runs.scanpy.push(peerRun);
      process.stderr.write(`pair ${pair + 1}: ${runs.cellhue.at(-1).total} s, scanpy ${peerRun.total} s\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const stages = Object.keys(runs.cellhue[0].seconds);
  const medians = (list) => ({
    ...Object.fromEntries(stages.map((s) => [s, median(list.map((r) => r.seconds[s]))])),
    total: median(list.map((r) => r.total)),
    peakMB: median(list.map((r) => r.peakMB)),
  });
  const medianOf = { cellhue: medians(runs.cellhue), scanpy: medians(runs.scanpy) };
  const ratio = Object.fromEntries(
    Object.entries(medianOf.cellhue).map(([key, v]) => [key, round(medianOf.scanpy[key] / v)]),
  );
  const spreadOf = (stage) => spread(runs.cellhue.map((r, i) => of(r, stage) / of(runs.scanpy[i], stage)));
  const of = (r, stage) => r.seconds[stage] ?? r[stage];
  const ratios = Object.fromEntries([...stages, "total"].map((stage) => [stage, spreadOf(stage)]));
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version };
  console.log(
    JSON.stringify({ bench: "preprocess", machine, runs, median: medianOf, ratio, spread: ratios }, null, 2),
  );
}

function median(values) {
  return round(spread(values).median);
}

function round(x) {
  return Math.round(x * 1000) / 1000;
}
