// npm run bench: the training step against PyTorch, PCA and the whole preprocess against scanpy, start-up and footprint, in
// one run; writes docs/benchmarks.md and bench/figures.json (ratios with their spread). Needs the Python peers
// (bench/peers/requirements.txt, $PEER_PYTHON).
//   --scale     also the made sets of 5,000 to 200,000 cells (bench/scale.mjs: an hour, 3 GB of disk)
//   --check     writes nothing; says what became slower than bench/figures.json has it, outside of the spread; exit code 1
//   --only a,b  these parts: steps, pca, preprocess, startup
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const bench = (script, ...args) =>
  JSON.parse(
    execFileSync(process.execPath, [here(script), ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
      maxBuffer: 2 ** 28,
    }),
  );

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    scale: { type: "boolean", default: false },
    only: { type: "string", default: "steps,pca,preprocess,startup" },
    pairs: { type: "string", default: "5" },
  },
});
const parts = values.only.split(",");
const has = (part) => parts.includes(part);
const { pairs } = values;

const figuresPath = here("figures.json");
const kept = existsSync(figuresPath) ? JSON.parse(readFileSync(figuresPath, "utf8")) : { ratios: {} };

const steps = has("steps") ? bench("train-step.mjs", "--pairs", pairs) : [];
const pca = has("pca") ? bench("pca.mjs", "--pairs", pairs) : [];
const preprocess = has("preprocess") ? bench("preprocess.mjs", "--pairs", pairs) : undefined;
const startup = has("startup") ? bench("startup.mjs", "--pairs", pairs) : [];
const scale = values.scale ? bench("scale.mjs") : kept.scale;

/** Our seconds over the peer's, by work. */
const ratios = Object.fromEntries([
  ...[...steps, ...pca].map((r) => [r.work, r.ratio]),
  ...Object.entries(preprocess?.spread ?? {}).map(([stage, ratio]) => [`preprocess: ${stage}`, ratio]),
]);

if (values.check) check();
else write();

/** Slower: even the best of the new pairs is beyond the worst of the kept ones. */
function check() {
  const s = (x) => x.toFixed(2);
  const slower = [];
  for (const [work, now] of Object.entries(ratios)) {
    const before = kept.ratios[work];
    if (before === undefined) console.log(`${work}: ${s(now.median)}, not measured before`);
    else {
      const worse = now.min > before.max;
      if (worse) slower.push(work);
      console.log(
        `${work}: ${s(now.median)} (${s(now.min)}–${s(now.max)}), before ${s(before.median)} (${s(before.min)}–${s(before.max)})${worse ? "  SLOWER" : now.max < before.min ? "  faster" : ""}`,
      );
    }
  }
  for (const { what, seconds, limit } of startup)
    if (seconds.median > limit) {
      slower.push(what);
      console.log(`${what}: ${s(seconds.median)} s, at most ${limit} s  SLOWER`);
    }
  console.log(slower.length === 0 ? "nothing became slower" : `slower: ${slower.join("; ")}`);
  process.exitCode = slower.length === 0 ? 0 : 1;
}

function write() {
  const figures = { ratios: { ...kept.ratios, ...ratios }, scale };
  writeFileSync(figuresPath, `${JSON.stringify(figures, null, 2)}\n`);
  const s = (x) => x.toFixed(2);
  const range = ({ median, min, max }) => `${s(median)} (${s(min)}–${s(max)})`;
  const paired = (rows) => [
    "| work | cellhue | peer | ratio | pairs |",
    "|---|---|---|---|---|",
    ...rows.map(
      (r) =>
        `| ${r.work} | ${range(r.seconds)} | ${range(r.peerSeconds)} (${r.peer}) | ${range(r.ratio)} | ${r.pairs} |`,
    ),
    "",
  ];
  const lines = [
    "# Benchmarks",
    "",
    `Made by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${cpus()[0]?.model}, ` +
      `${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}. Seconds; ours and the peer's runs alternate; ` +
      "median (least–most). A ratio below 1 means that cellhue is faster. What each change brought: " +
      "[engine-notes.md](engine-notes.md). `npm run bench -- --check` compares with these figures.",
    "",
  ];
  if (steps.length > 0)
    lines.push(
      "## Training step",
      "Forward, backward and Adam, with the upload of the batch and the loss fetched; the peer in the faster of its two memory formats.",
      "",
      ...paired(steps),
    );
  if (pca.length > 0)
    lines.push(
      "## PCA",
      '50 components of a matrix in memory; the peer is scanpy\'s `pp.pca(svd_solver="arpack")`. `cosine`: the least |cosine| between ' +
        "our directions and the peer's, over those that stand apart from their neighbours (eigenvalues 1 % away).",
      "",
      ...paired(pca),
      ...pca.map((r) => `- ${r.work}: cosine ${r.cosine.toFixed(6)}`),
      "",
    );
  if (preprocess)
    lines.push(
      "## Preprocess",
      "A made set of 5,900 cells × 20,000 genes, a third non-zero; cold processes, from the import to the last PNG; " +
        `medians of ${preprocess.runs.cellhue.length} pairs.`,
      "",
      "| stage | cellhue | scanpy | ratio |",
      "|---|---|---|---|",
      ...Object.entries(preprocess.median.cellhue).map(([stage, ours]) => {
        const ratio = preprocess.spread[stage];
        return `| ${stage} | ${s(ours)} | ${s(preprocess.median.scanpy[stage])} | ${ratio ? range(ratio) : "–"} |`;
      }),
      "",
    );
  if (startup.length > 0)
    lines.push(
      "## Start-up and footprint",
      "",
      "| what | measured | goal |",
      "|---|---|---|",
      ...startup.map(
        ({ what, seconds, limit, unit = "s" }) =>
          `| ${what} | ${range(seconds)} ${unit} | ${limit} ${unit} |`,
      ),
      "",
    );
  if (scale)
    lines.push(
      "## Scale",
      `Made sets × 20,000 genes, 5 % non-zero; \`cellhue preprocess\` and \`cellhue predict\` with --memory ${scale.memory} (GB that X may ` +
        "take): seconds and peak memory of the whole process, and the seconds of its longer tasks.",
      "",
      "| cells | file, MB | preprocess, s | its peak, MB | predict, s | its peak, MB | PCA | UMAP | images |",
      "|---|---|---|---|---|---|---|---|---|",
      ...scale.results.map(({ cells, fileMB, preprocess: p, predict }) => {
        const task = (name) => p.tasks[name] ?? "–";
        return `| ${cells.toLocaleString("en-US")} | ${fileMB} | ${p.seconds} | ${p.peakMB} | ${predict.seconds} | ${predict.peakMB} | ${task("principal components")} | ${task("UMAP")} | ${task("images")} |`;
      }),
      "",
    );
  writeFileSync(here("../docs/benchmarks.md"), lines.join("\n"));
  console.log(lines.join("\n"));
}
