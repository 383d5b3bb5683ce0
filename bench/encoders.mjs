// Every encoder of genes on every labelled set under the inductive protocol, beside the baselines; and how many known markers
// each explanation finds, beside the ranks by logistic regression and a t test. Writes docs/encoders.md. Each run is kept under
// --work, so that it goes on where it was cut off.
// usage: npm run build && node bench/encoders.mjs [--data ../shared/data] [--work DIR] [--sets a,b] [--encoders a,b] [--nets a,b]
//   [--methods a,b] [--out FILE]
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
    encoders: { type: "string", default: "deepinsight,triptych,fotomics,spectral" },
    nets: { type: "string", default: "compact" },
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
  oligodendroglioma: ["infercnvpy_oligodendroglioma.h5ad", "cell_type", "log1p-cp10k"],
  tcga: ["tcga_gbm_verhaak.h5ad", "subtype", "none"],
  // One class has four samples, so this set has four folds.
  brain: ["brain_tumor1_pomeroy90.h5ad", "tumour", "none", "4"],
  nutt: ["glioma_nutt50.h5ad", "tumour", "none"],
  outcome: ["pomeroy_outcome60.h5ad", "outcome", "none"],
  pbmc: ["10x_pbmc68k_reduced.h5ad", "bulk_labels", "none"],
  zeisel: ["zeisel_simlr680.h5ad", "cluster", "none"],
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

const cli = (...args) =>
  execFileSync(process.execPath, ["dist/cli/main.js", ...args, "--json", "--quiet"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1 << 28,
  });

/** The training of images of genes, for the picture of places as well, so that the picture is what differs. */
const recipe =
  "--size 48 --genes variance --epochs 60 --lr 1e-3 --batch 16 --schedule one-cycle --weight-decay 0.01 --label-smoothing 0.05";

function measure(set, encoder) {
  const [file, label, normalize, folds = "5"] = sets[set];
  const run = join(values.work, `${set}-${encoder}-${values.nets.replaceAll(",", "-")}`);
  const path = join(values.data, file);
  if (!existsSync(path)) return undefined;
  mkdirSync(values.work, { recursive: true });
  const result = kept(join(run, "encoders-bench.json"), () => {
    cli(
      "preprocess",
      path,
      ...["--label", label, "--out", run, "--encoder", encoder, "--normalize", normalize, "--folds", folds],
      ...recipe.split(" ").slice(0, 4),
    );
    cli("train", run, "--net", values.nets, "--folds", folds, ...recipe.split(" ").slice(4));
    const { metrics } = JSON.parse(cli("compare", run));
    return {
      nets: metrics.models.map(({ net, mean, sd }) => ({ net, accuracy: mean.accuracy, sd: sd.accuracy })),
      baselines: metrics.baselines.map(({ name, mean }) => ({ name, accuracy: mean.accuracy })),
      seconds: JSON.parse(readFileSync(join(run, "run.json"), "utf8")).stages.preprocess.seconds,
    };
  });
  const markers = published[set] === undefined ? [] : list(values.methods).map((m) => explained(run, set, m));
  return { ...result, markers };
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
    cli("explain", run, "--method", method, "--nulls", "0", "--seeds", "0");
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
  const [file, label, normalize] = sets[set];
  const settings = resolveSettings([callSource({ file: join(values.data, file), label, normalize })]);
  const input = await readInput(settings, { progress: silent });
  const x = await input.load();
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
  const { t } = welchT(x, codes, classes.length);
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
    else console.error(`${set}: no file, left out`);
    if (result)
      console.log(
        `${set} ${encoder}: ${result.nets.map(({ net, accuracy }) => `${net} ${accuracy.toFixed(3)}`).join(", ")}`,
      );
  }

const three = (v) => v.toFixed(3);
const names = [
  ...new Set(found.flatMap(({ encoder, nets }) => nets.map(({ net }) => `${encoder} × ${net}`))),
];
const baselines = ["logistic_l2", "logistic_l1", "nearest_centroid", "knn", "majority"];
const rows = [...new Set(found.map(({ set }) => set))].map((set) => {
  const own = found.filter((f) => f.set === set);
  const cells = names.map((name) => {
    const hit = own.flatMap(({ encoder, nets }) =>
      nets.filter(({ net }) => `${encoder} × ${net}` === name),
    )[0];
    return hit ? `${three(hit.accuracy)} ± ${three(hit.sd)}` : "–";
  });
  const base = baselines.map((name) => {
    const hit = own[0].baselines.find((b) => b.name === name);
    return hit ? three(hit.accuracy) : "–";
  });
  return `| ${[set, ...cells, ...base].join(" | ")} |`;
});
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
const text = `# Encoders of genes

Made by \`node bench/encoders.mjs\`. Inductive protocol, stratified 5-fold, seed 42: accuracy, mean ± standard deviation of the
folds. All encoders with the training of images of genes (${recipe}; z-scores, one gene a pixel by t-SNE on correlation where
the encoder leaves the choice), so that the picture is what differs. Baselines see the same folds.

${line(["set", ...names, ...baselines])}
${line(["set", ...names, ...baselines].map(() => "---"))}
${rows.join("\n")}

${tables.join("\n")}`;
const notes = "docs/encoders-notes.md";
writeFileSync(values.out, existsSync(notes) ? `${text}\n${readFileSync(notes, "utf8")}` : text);
