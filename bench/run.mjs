// npm run bench: the training step against PyTorch, PCA and the whole preprocess against scanpy, start-up and footprint, in
// one run; writes docs/benchmarks.md, and bench/figures.json after each part, so that a run that is cut off loses only the part
// under way. The figures of other kinds of machine stay in bench/figures.json; the document has those of this kind.
// Needs the Python peers (bench/peers/requirements.txt, $PEER_PYTHON).
//   --scale     also the made sets of 5,000 to 200,000 cells (bench/scale.mjs: an hour, 3 GB of disk)
//   --check     writes nothing; says what became slower than bench/figures.json has it for this kind of machine, outside of the
//               spread; exit code 1. A part without such figures is neither slower nor faster
//   --only a,b  measures these parts (steps, pca, preprocess, startup, scale); the document has the others as they were
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compare, kindOf } from "./figures.mjs";

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
const { pairs } = values;
const measure = {
  steps: () => bench("train-step.mjs", "--pairs", pairs),
  pca: () => bench("pca.mjs", "--pairs", pairs),
  preprocess: () => {
    const { median, spread, runs } = bench("preprocess.mjs", "--pairs", pairs);
    return { median, spread, pairs: runs.cellhue.length };
  },
  startup: () => bench("startup.mjs", "--pairs", pairs),
  scale: () => bench("scale.mjs"),
};
const parts = [...values.only.split(","), ...(values.scale ? ["scale"] : [])];
const unknown = parts.find((part) => !(part in measure));
if (unknown !== undefined)
  throw new Error(`no part '${unknown}'; there are ${Object.keys(measure).join(", ")}`);

const figuresPath = here("figures.json");
const kind = kindOf(cpus(), existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "");
const machine = `${kind}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
const all = existsSync(figuresPath) ? JSON.parse(readFileSync(figuresPath, "utf8")) : {};
const kept = all[kind] ?? {};
const now = {};
for (const part of parts) {
  now[part] = { made: new Date().toISOString().slice(0, 10), machine, found: measure[part]() };
  if (!values.check)
    writeFileSync(figuresPath, `${JSON.stringify({ ...all, [kind]: { ...kept, ...now } }, null, 2)}\n`);
}
if (values.check) {
  const { lines, slower } = compare(now, kept, kind);
  console.log(lines.join("\n"));
  process.exitCode = slower.length === 0 ? 0 : 1;
} else write({ ...kept, ...now });

function write(figures) {
  const [steps, pca, startup] = ["steps", "pca", "startup"].map((part) => figures[part]?.found ?? []);
  const [preprocess, scale] = [figures.preprocess?.found, figures.scale?.found];
  const machines = [...new Set(Object.values(figures).map((part) => part.machine))];
  const days = [...new Set(Object.values(figures).map(({ made }) => made))].sort();
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
    `Made by \`npm run bench\` on ${days.join(" and ")}: ${machines.join("; ")}. Seconds; ours and the peer's runs alternate; ` +
      "median (least–most). A ratio below 1 means that cellhue is faster. What each change brought: " +
      "[engine-notes.md](engine-notes.md). `npm run bench -- --check` compares with these figures, on another kind of machine " +
      "with its own (`bench/figures.json`).",
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
        `medians of ${preprocess.pairs} pairs.`,
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
      "| cells | file, MB | preprocess, s | its peak, MB | predict, s | its peak, MB | PCA | t-SNE | images |",
      "|---|---|---|---|---|---|---|---|---|",
      ...scale.results.map(({ cells, fileMB, preprocess: p, predict }) => {
        const task = (name) => p.tasks[name] ?? "–";
        return `| ${cells.toLocaleString("en-US")} | ${fileMB} | ${p.seconds} | ${p.peakMB} | ${predict.seconds} | ${predict.peakMB} | ${task("principal components")} | ${task("t-SNE")} | ${task("images")} |`;
      }),
      "",
    );
  writeFileSync(here("../docs/benchmarks.md"), lines.join("\n"));
  console.log(lines.join("\n"));
}
