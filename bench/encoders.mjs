// Every encoder of genes on every labelled set under the inductive protocol, beside the baselines; and how many known markers
// each explanation finds, beside the ranks by logistic regression and a t test. Writes docs/encoders.md. Each run is kept under
// --work, so that it goes on where it was cut off.
// usage: npm run build && node bench/encoders.mjs [--data ../shared/data] [--work DIR] [--sets a,b] [--encoders a,b] [--nets a,b]
//   [--methods a,b] [--threads N] [--out FILE]
//   [--kept]: writes the tables of what is under --work, and measures nothing
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { callSource, resolveSettings } from "../dist/config.js";
import { fitLogistic } from "../dist/evaluate/baselines/logistic.js";
import { fitScaling, standardise } from "../dist/evaluate/baselines/standardise.js";
import { welchT } from "../dist/evaluate/welch-t.js";
import { markerRecall } from "../dist/explain/marker-recall.js";
import { parseCsv } from "../dist/io/csv.js";
import { fillRows } from "../dist/matrix.js";
import { silent } from "../dist/progress.js";
import { readInput } from "../dist/stages/prepare.js";

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/data" },
    work: { type: "string", default: "runs/encoders" },
    sets: { type: "string", default: "oligodendroglioma,tcga,brain,nutt,outcome,pbmc,zeisel" },
    encoders: { type: "string", default: "deepinsight,triptych,fotomics,igtd,spectral" },
    nets: { type: "string", default: "compact,squeezenet1_1,mobilenet_v2,efficientnet_lite0" },
    threads: { type: "string", default: "2" },
    kept: { type: "boolean", default: false },
    methods: {
      type: "string",
      default:
        "integrated-gradients,gradient,gradient-x-input,smoothgrad,expected-gradients,grad-cam,hires-cam,occlusion",
    },
    out: { type: "string", default: "docs/encoders.md" },
  },
});
const list = (text) => text.split(",").filter((part) => part !== "");

const sets = {
  oligodendroglioma: {
    file: "infercnvpy_oligodendroglioma.h5ad",
    label: "cell_type",
    normalize: "log1p-cp10k",
  },
  tcga: { file: "tcga_gbm_verhaak.h5ad", label: "subtype" },
  // One class has four samples, so this set has four folds.
  brain: { file: "brain_tumor1_pomeroy90.h5ad", label: "tumour", folds: "4" },
  nutt: { file: "glioma_nutt50.h5ad", label: "tumour" },
  outcome: { file: "pomeroy_outcome60.h5ad", label: "outcome" },
  pbmc: { file: "10x_pbmc68k_reduced.h5ad", label: "bulk_labels", epochs: 7 },
  zeisel: { file: "zeisel_simlr680.h5ad", label: "cluster", epochs: 7 },
};
/** Published markers by set, up in the classes whose label begins so. */
const published = {
  // Subtypes of glioblastoma (Verhaak et al. 2010).
  tcga: {
    Class: ["EGFR"],
    Pron: ["PDGFRA", "OLIG2", "DLL3"],
    Mes: ["CHI3L1", "CD44"],
    Neur: ["SYT1", "GABRA1", "NEFL"],
  },
};
const markersOf = (set, label) =>
  Object.entries(published[set]).find(([start]) => label.startsWith(start))?.[1] ?? [];
/** The first genes in which markers are looked for. */
const TOP = 50;

const threads = ["--threads", values.threads];
const cli = (...args) =>
  execFileSync(process.execPath, ["dist/cli/main.js", ...args, "--json", "--quiet"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1 << 28,
  });

/** The training of images of genes, for the picture of places as well, so that the picture is what differs. */
const recipe = "--lr 1e-3 --batch 16 --schedule one-cycle --weight-decay 0.01 --label-smoothing 0.05";
/** Passes over the training samples: a large net takes so long that it gets a third, and fewer where the samples are many. */
const epochsOf = (net, set) => (net === "compact" ? 60 : (sets[set].epochs ?? 20));

function measure(set, encoder) {
  const { file, label, normalize = "none", folds = "5" } = sets[set];
  const run = join(values.work, `${set}-${encoder}`);
  const path = join(values.data, file);
  if (!existsSync(path)) return undefined;
  mkdirSync(values.work, { recursive: true });
  const preprocess = () => {
    const read = `--normalize ${normalize} --folds ${folds} --size 48 --genes variance`.split(" ");
    cli("preprocess", path, "--label", label, "--out", run, "--encoder", encoder, ...read, ...threads);
  };
  const known = (net) => !values.kept || existsSync(join(run, `bench-${net}.json`));
  const nets = list(values.nets)
    .filter(known)
    .map((net) =>
      kept(join(run, `bench-${net}.json`), () => {
        preprocess();
        const training = `--net ${net} --folds ${folds} --epochs ${epochsOf(net, set)} ${recipe}`;
        cli("train", run, ...training.split(" "), ...threads);
        const { metrics } = JSON.parse(cli("compare", run));
        const { mean, sd } = metrics.models[0];
        const methods = published[set] !== undefined && net === "compact" ? list(values.methods) : [];
        return {
          ...{ net, accuracy: mean.accuracy, sd: sd.accuracy },
          baselines: metrics.baselines.map(({ name, mean }) => ({ name, accuracy: mean.accuracy })),
          predictions: readFileSync(join(run, `oof_${net}.csv`), "utf8"),
          markers: methods.map((method) => explained(run, set, method)),
        };
      }),
    );
  if (nets.length === 0) return undefined;
  return { nets, baselines: nets[0].baselines, markers: nets.flatMap(({ markers }) => markers) };
}

/** What `compute` gives, written to a file and read from it the next time. */
function kept(file, compute) {
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8"));
  const result = compute();
  writeFileSync(file, JSON.stringify(result));
  return result;
}

/** Ranks of the markers by an explanation. Nets on shuffled labels and of other seeds have no part in the ranks. */
function explained(run, set, method) {
  return kept(join(run, `markers-${method}.json`), () => {
    cli("explain", run, "--method", method, "--nulls", "0", "--seeds", "0", ...threads);
    const { classes, checks, failed } = JSON.parse(readFileSync(join(run, "genes.json"), "utf8"));
    const ranked = classes.map(({ label, file }) => {
      const [header, ...rows] = parseCsv(readFileSync(join(run, file), "utf8"));
      const names = rows.map((cells) => cells[header.indexOf("gene")]);
      // Of genes that have no score (none of a class, where its maps are empty) the order means nothing.
      const scored = rows.filter((cells) => Number(cells[header.indexOf("score")]) !== 0).length;
      return { label, ranking: names, scored };
    });
    return { method, ...recall(set, ranked), better: checks.deletion.better, failed: failed.length };
  });
}

/** Ranks by all samples: size of the coefficients of logistic regression on standardised genes (L2, C = 1), and of Welch's t. */
async function classical(set) {
  const { file, label, normalize = "none" } = sets[set];
  const settings = resolveSettings([callSource({ file: join(values.data, file), label, normalize })]);
  const input = await readInput(settings, { progress: silent });
  const x = (await input.load()).normalised(null);
  const { names } = input.genes();
  const { classes, codes } = input.labels;
  const data = new Float64Array(x.rows * x.cols);
  const row = new Float32Array(x.cols);
  for (let i = 0; i < x.rows; i++) {
    fillRows(x, [i], row);
    data.set(row, i * x.cols);
  }
  const features = { rows: x.rows, cols: x.cols, data };
  const { coefficients } = fitLogistic(standardise(features, fitScaling(features)), codes, classes.length, {
    penalty: "l2",
  });
  // With two classes both have the one vector of coefficients.
  const vector = (all, code) => all.subarray((code * x.cols) % all.length).subarray(0, x.cols);
  const { t } = await welchT(x, codes, classes.length);
  const ranked = (all) =>
    classes.map((label, code) => {
      const scores = vector(all, code);
      const order = [...scores.keys()].sort((a, b) => Math.abs(scores[b]) - Math.abs(scores[a]));
      return { label, ranking: order.map((gene) => names[gene]), scored: order.length };
    });
  input.drop();
  return [
    { encoder: "–", method: "logistic regression (L2)", ...recall(set, ranked(coefficients)) },
    { encoder: "–", method: "Welch's t test", ...recall(set, ranked(t)) },
  ];
}

/** @param ranked names of the genes of each class, the strongest first, and how many have a score */
function recall(set, ranked) {
  const ranks = [];
  let [hits, markers, expected] = [0, 0, 0];
  for (const { label, ranking, scored } of ranked) {
    const wanted = markersOf(set, label);
    const { found, ranked: known, expected: share } = markerRecall(ranking, wanted, TOP);
    const rankOf = (gene) => (ranking.indexOf(gene) < scored ? ranking.indexOf(gene) + 1 : null);
    hits += found.filter((gene) => rankOf(gene) !== null).length;
    markers += known;
    expected += known * (share ?? 0);
    for (const gene of wanted) if (ranking.includes(gene)) ranks.push({ label, gene, rank: rankOf(gene) });
  }
  return { ranks, genes: ranked[0]?.ranking.length ?? 0, hits, markers, expected };
}

const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

const found = [];
for (const set of list(values.sets))
  for (const encoder of list(values.encoders)) {
    const result = measure(set, encoder);
    if (result) found.push({ set, encoder, ...result });
    else console.error(`${set} ${encoder}: not there, left out`);
    if (result)
      console.log(
        `${set} ${encoder}: ${result.nets.map(({ net, accuracy }) => `${net} ${accuracy.toFixed(3)}`).join(", ")}`,
      );
  }

/** The encoders whose mean of probabilities is a model of its own. */
const together = ["deepinsight", "triptych", "fotomics"];
/** Mean over the folds of the accuracy of the mean of several models' probabilities. */
function ensemble(predictions) {
  const tables = predictions.map((text) => parseCsv(text));
  const [header, ...rows] = tables[0];
  const at = (name) => header.indexOf(name);
  const classes = [...header.keys()].slice(at("predicted") + 1);
  const folds = new Map();
  rows.forEach((row, i) => {
    const mean = classes.map((c) => tables.reduce((sum, [, ...all]) => sum + Number(all[i][c]), 0));
    const guess = header[classes[mean.indexOf(Math.max(...mean))]];
    const fold = folds.get(row[at("fold")]) ?? { hits: 0, n: 0 };
    folds.set(row[at("fold")], { hits: fold.hits + (guess === row[at("label")] ? 1 : 0), n: fold.n + 1 });
  });
  const shares = [...folds.values()].map(({ hits, n }) => hits / n);
  return shares.reduce((a, b) => a + b) / shares.length;
}

const three = (v) => v.toFixed(3);
const baselines = ["logistic_l2", "logistic_l1", "nearest_centroid", "knn", "majority"];
const line = (cells) => `| ${cells.join(" | ")} |`;
/** One table for each set with published markers. */
async function markerTable(set) {
  const explanations = found
    .filter((f) => f.set === set)
    .flatMap(({ encoder, markers }) => markers.map((m) => ({ encoder, ...m })));
  const all = [...explanations, ...(await classical(set))];
  const wanted = all.at(-1).ranks.map(({ gene, label }) => ({ gene, label }));
  const { genes, expected, markers } = all.at(-1);
  const header = [
    ...["encoder", "method"],
    ...wanted.map(({ gene, label }) => `${gene} (${label})`),
    ...["median rank", `among the first ${TOP}`, "deletion better than chance", "failed checks"],
  ];
  const rows = all.map(({ encoder, method, ranks, hits, markers, better, failed }) => [
    encoder,
    method,
    ...wanted.map((w) => ranks.find((r) => r.gene === w.gene && r.label === w.label)?.rank ?? "–"),
    median(ranks.map(({ rank }) => rank ?? genes)),
    `${hits} of ${markers}`,
    better === undefined ? "–" : better ? "yes" : "no",
    failed ?? "–",
  ]);
  return `## Published markers of ${set}: rank by size among all ${genes} genes

By chance ${expected.toFixed(2)} of the ${markers} markers are among the first ${TOP} of their class, and the median rank is ${(genes + 1) / 2}. The last two lines
are by all samples: coefficients of logistic regression on standardised genes, and the t test of the class against the others. A
gene without a score (–) counts as last in the median.

${line(header)}
${line(header.map(() => "---"))}
${rows.map(line).join("\n")}
`;
}
const tables = [];
for (const set of Object.keys(published))
  if (found.some((f) => f.set === set)) tables.push(await markerTable(set));
const nets = list(values.nets);
const own = (set) => found.filter((f) => f.set === set);
const measured = [...new Set(found.map(({ set }) => set))];
const cell = (n) => (n ? `${three(n.accuracy)} ± ${three(n.sd)}` : "–");
/** The mean of several encoders' probabilities, where all are there. */
const joint = (set, net) => {
  const of = together.map((encoder) =>
    own(set)
      .find((f) => f.encoder === encoder)
      ?.nets.find((n) => n.net === net),
  );
  return of.includes(undefined) ? "–" : three(ensemble(of.map(({ predictions }) => predictions)));
};
/** Accuracies of every encoder × net. */
const accuracies = measured.flatMap((set) => [
  ...own(set).map(({ encoder, nets: of }) =>
    line([set, encoder, ...nets.map((net) => cell(of.find((n) => n.net === net)))]),
  ),
  line([set, "mean of three", ...nets.map((net) => joint(set, net))]),
]);
const classics = measured.map((set) =>
  line([set, ...baselines.map((name) => three(own(set)[0].baselines.find((b) => b.name === name).accuracy))]),
);
const ruled = (header, rows) => [line(header), line(header.map(() => "---")), ...rows].join("\n");
/** How long each takes to be fitted, as encoder-fits.mjs has kept it. */
function fitTable() {
  const file = new URL("kept/encoder-fits.json", import.meta.url);
  if (!existsSync(file)) return "";
  const { made, machine, samples, results } = JSON.parse(readFileSync(file, "utf8"));
  const counts = [...new Set(results.map(({ genes }) => genes))];
  const rows = [...new Set(results.map(({ encoder }) => encoder))].map((encoder) =>
    line([
      encoder,
      ...counts.map((genes) => results.find((r) => r.encoder === encoder && r.genes === genes).seconds),
    ]),
  );
  return `## Seconds to fit an encoder

By \`node bench/encoder-fits.mjs\` on ${made} (${machine}): ${samples} training samples, as many pixels as genes, one gene a pixel
(fotomics: bins).

${ruled(["encoder", ...counts.map((n) => `${n.toLocaleString("en")} genes`)], rows)}
`;
}
const text = `# Encoders of genes

Made by \`node bench/encoders.mjs\`. Inductive protocol, stratified folds (5; brain 4), seed 42: accuracy, mean ± standard
deviation of the folds. All encoders with 48 × 48 pixels, the 2,000 most variable genes of the training samples, and ${recipe};
\`compact\` learns 60 epochs, the nets with ImageNet weights 20 (7 on pbmc and zeisel). z-scores, one gene a pixel by t-SNE on
correlation where the encoder leaves the choice, so that the picture is what differs. "mean of three": the mean of the probabilities
by ${together.join(", ")}. The baselines see the same training samples.

${ruled(["set", "encoder", ...nets], accuracies)}

${ruled(["set", ...baselines], classics)}

${[...tables, fitTable()].join("\n")}`;
const notes = "docs/encoders-notes.md";
writeFileSync(values.out, existsSync(notes) ? `${text}\n${readFileSync(notes, "utf8")}` : text);
