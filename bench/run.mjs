// npm run bench: the training step against PyTorch and the preprocess against scanpy, in one run; writes
// docs/benchmarks.md. Needs the Python peers (bench/peers/requirements.txt, $PEER_PYTHON).
// --steps FILE --preprocess FILE: writes it from what the two scripts printed before.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const bench = (script, ...args) =>
  JSON.parse(
    execFileSync(process.execPath, [here(script), ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );

const { values } = parseArgs({ options: { steps: { type: "string" }, preprocess: { type: "string" } } });
const measured = (file, ...args) => (file ? JSON.parse(readFileSync(file, "utf8")) : bench(...args));
const steps = measured(values.steps, "train-step.mjs", "--pairs", "5");
const preprocess = measured(values.preprocess, "preprocess.mjs", "--pairs", "3");

const s = (x) => x.toFixed(2);
const range = ({ median, min, max }) => `${s(median)} (${s(min)}–${s(max)})`;
const lines = [
  "# Benchmarks",
  "",
  `Made by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${cpus()[0]?.model}, ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}. Seconds; ours and the peer's runs alternate; ` +
    "median (least–most). A ratio below 1 means that cellhue is faster.",
  "",
  "## Training step",
  "Forward, backward and Adam, with the upload of the batch and the loss fetched; the peer in the faster of its two memory formats.",
  "",
  "| work | cellhue | peer | ratio | pairs |",
  "|---|---|---|---|---|",
  ...steps.map(
    (r) =>
      `| ${r.work} | ${range(r.seconds)} | ${range(r.peerSeconds)} (${r.peer}) | ${range(r.ratio)} | ${r.pairs} |`,
  ),
  "",
  "## Preprocess",
  "A made set of 5,900 cells × 20,000 genes, a third non-zero; cold processes, from the import to the last PNG; " +
    `medians of ${preprocess.runs.cellhue.length} pairs.`,
  "",
  "| stage | cellhue | scanpy | ratio |",
  "|---|---|---|---|",
  ...Object.entries(preprocess.median.cellhue).map(([stage, ours]) => {
    const theirs = preprocess.median.scanpy[stage];
    return `| ${stage} | ${s(ours)} | ${s(theirs)} | ${s(ours / theirs)} |`;
  }),
  "",
];
writeFileSync(here("../docs/benchmarks.md"), lines.join("\n"));
console.log(lines.join("\n"));
