// What the protocol does to the result: the published one (the embedding sees all samples) against the inductive one
// (all is fitted on training samples) on the same folds, every net and every baseline, with 95 % intervals; and the same
// on shuffled labels. Writes docs/protocols.md. Runs are kept in --out, and taken up again where they were.
// usage: node bench/protocols.mjs [SET …] [--data ../shared/data] [--out runs/protocols] [--threads 0] [--table]
//   SET: of those below (default: all); --threads 1: of two of these at a time; --table: run nothing, write the table
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { audit, compare, preprocess, train } from "../dist/index.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: "string", default: "../shared/data" },
    out: { type: "string", default: "runs/protocols" },
    threads: { type: "string", default: "0" },
    table: { type: "boolean", default: false },
  },
});

/** Some 55 steps a training; `readme` is the accuracy that ../shared/data/README.md gives for its logistic baseline. */
const sets = {
  tcga_gbm_verhaak: { label: "subtype", epochs: 7, readme: 0.961, shuffled: true },
  infercnvpy_oligodendroglioma: {
    label: "cell_type",
    epochs: 7,
    readme: 0.971,
    normalize: "log1p-cp10k",
  },
  "10x_pbmc68k_reduced": { label: "bulk_labels", epochs: 2, readme: 0.81 },
  zeisel_simlr680: { label: "cluster", epochs: 2, readme: 0.997 },
  brain_tumor1_pomeroy90: { label: "tumour", epochs: 14, readme: 0.889, folds: 4 },
  pomeroy_outcome60: { label: "outcome", epochs: 18, readme: 0.65 },
};
const nets = {
  net: ["efficientnet_lite0", "resnet18"],
  weights: { efficientnet_lite0: "pretrained", resnet18: "random" },
};
const common = { size: 64, batch: 16, lr: 3e-4 };

const progress = {
  task: () => ({ update() {}, end() {} }),
  note: (line) => console.error(line),
  warn: (line) => console.error(`warning: ${line}`),
};
const chosen = positionals.length > 0 ? positionals : Object.keys(sets);
if (!values.table)
  for (const name of chosen) {
    const { readme: _, shuffled = false, ...settings } = sets[name];
    const out = join(values.out, name);
    const file = join(values.data, `${name}.h5ad`);
    await preprocess(
      { ...common, ...nets, ...settings, threads: Number(values.threads), file, out },
      { progress },
    );
    await train(out, {}, { progress });
    await compare(out, {}, { progress });
    await audit(out, { shuffled }, { progress });
    console.error(`${name}: done`);
  }

const json = async (path) => JSON.parse(await readFile(path, "utf8"));
const points = (v) => v.toFixed(3);
const range = ({ estimate, low, high }) =>
  low === null || high === null ? points(estimate) : `${points(estimate)} (${points(low)}–${points(high)})`;
const signed = (v) => `${v < 0 ? "−" : "+"}${Math.abs(v).toFixed(3)}`;
const lines = [];
for (const name of Object.keys(sets)) {
  const out = join(values.out, name);
  if (!existsSync(join(out, "audit.json"))) continue;
  const inductive = await json(join(out, "metrics.json"));
  const published = await json(join(out, "audit", "published", "metrics.json"));
  const { inflation, shuffled, label, image, duplicates } = await json(join(out, "audit.json"));
  const { data, verdict } = inductive;
  const all = (metrics) =>
    new Map([...metrics.models.map((m) => [m.net, m]), ...metrics.baselines.map((b) => [b.name, b])]);
  const [ours, theirs] = [all(inductive), all(published)];
  const skill = new Map(verdict.models.map((m) => [m.name, m.skill]));
  lines.push(
    `### ${name}: ${data.samples} samples × ${data.genes.toLocaleString("en")} genes, '${data.label}', ${data.classes.length} classes, largest ${points(data.majority)}`,
    "",
    "| model | inductive | published | published − inductive | better than guessing? | balanced (inductive) |",
    "|---|---|---|---|---|---|",
    ...inflation.map(({ name: model, difference: d }) => {
      const interval = d.low === null ? "" : ` (${signed(d.low)} to ${signed(d.high)})`;
      const { pooled } = ours.get(model);
      return `| ${model} | ${range(pooled.metrics.accuracy)} | ${range(theirs.get(model).pooled.metrics.accuracy)} | ${signed(d.estimate)}${interval} | ${skill.get(model).shown ? "yes" : "no skill shown"} | ${range(pooled.metrics.balancedAccuracy)} |`;
    }),
    "",
    verdict.summary,
  );
  if (shuffled.length > 0)
    lines.push(
      `On shuffled labels: ${shuffled.map((s) => `${s.name} ${points(s.accuracy)}`).join(", ")} (largest class ${points(shuffled[0].majority)}).`,
    );
  for (const { words } of [...label, ...image]) lines.push(`Audit: ${words}.`);
  if (duplicates.length > 0)
    lines.push(
      `Audit: ${duplicates.length} pairs of samples are alike (correlation of gene-centred expression at least 0.99), ${duplicates.filter((d) => d.acrossFolds).length} of them in different folds.`,
    );
  const logistic = ours.get("logistic_l2").mean.accuracy;
  lines.push(
    `Logistic regression (L2), mean over folds: ${points(logistic)}; the data's README has ${points(sets[name].readme)} (mean of three seeds).`,
    "",
  );
}
const head = `# Published protocol against inductive

Written by \`node bench/protocols.mjs\` (Node ${process.version}); nothing here is typed by hand. Pooled out-of-fold accuracy with
95 % bootstrap intervals; the same stratified folds (seed 42) and the same training samples under both protocols. Nets:
EfficientNet-Lite0 with ImageNet weights, ResNet-18 from random weights; ${common.size} px, batch ${common.batch}, learning rate ${common.lr}, some 55 steps
a training, 15 % of the training samples kept for calibration. "Published": PCA, UMAP and t-SNE of all samples before the
folds are drawn. "Inductive": all is fitted on the training samples of each fold. The intervals are of the pair alone.

`;
await writeFile("docs/protocols.md", `${head}${lines.join("\n")}`);
console.error("docs/protocols.md");
