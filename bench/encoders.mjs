// Every encoder of genes on every labelled set under the inductive protocol, beside the baselines; and how many known markers
// the explanations find. Writes docs/encoders.md. Each run is kept under --work, so that it goes on where it was cut off.
// usage: node bench/encoders.mjs [--data ../shared/data] [--work DIR] [--sets a,b] [--encoders a,b] [--nets a,b]
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/data" },
    work: { type: "string", default: "runs/encoders" },
    sets: { type: "string", default: "oligodendroglioma,tcga,brain,nutt,outcome,pbmc,zeisel" },
    encoders: { type: "string", default: "deepinsight,triptych,fotomics,spectral" },
    nets: { type: "string", default: "compact" },
    methods: { type: "string", default: "integrated-gradients" },
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
/** Up in these subtypes of glioblastoma (Verhaak et al. 2010). */
const markers = {
  Class: ["EGFR"],
  Pron: ["PDGFRA", "OLIG2", "DLL3"],
  Mes: ["CHI3L1", "CD44"],
  Neur: ["SYT1", "GABRA1", "NEFL"],
};

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
  const done = join(run, "encoders-bench.json");
  if (existsSync(done)) return JSON.parse(readFileSync(done, "utf8"));
  const path = join(values.data, file);
  if (!existsSync(path)) return undefined;
  mkdirSync(values.work, { recursive: true });
  cli(
    "preprocess",
    path,
    ...["--label", label, "--out", run, "--encoder", encoder, "--normalize", normalize, "--folds", folds],
    ...recipe.split(" ").slice(0, 4),
  );
  cli("train", run, "--net", values.nets, "--folds", folds, ...recipe.split(" ").slice(4));
  const { metrics } = JSON.parse(cli("compare", run));
  const result = {
    nets: metrics.models.map(({ net, mean, sd }) => ({ net, accuracy: mean.accuracy, sd: sd.accuracy })),
    baselines: metrics.baselines.map(({ name, mean }) => ({ name, accuracy: mean.accuracy })),
    seconds: JSON.parse(readFileSync(join(run, "run.json"), "utf8")).stages.preprocess.seconds,
    markers: set === "tcga" ? list(values.methods).map((method) => recall(run, method)) : [],
  };
  writeFileSync(done, JSON.stringify(result));
  return result;
}

/** Ranks of the markers by an explanation, and by Welch's t test. */
function recall(run, method) {
  cli("explain", run, "--method", method);
  const { classes, checks, failed } = JSON.parse(readFileSync(join(run, "genes.json"), "utf8"));
  const ranks = [];
  for (const { label, file } of classes) {
    const wanted = Object.entries(markers).find(([start]) => label.startsWith(start))?.[1] ?? [];
    const [header, ...rows] = readFileSync(join(run, file), "utf8")
      .trim()
      .split(/\r?\n/)
      .map((line) => line.split(","));
    for (const gene of wanted) {
      const row = rows.find((cells) => cells[0] === gene);
      if (row)
        ranks.push({
          label,
          gene,
          rank: Number(row[header.indexOf("rank")]),
          t: Number(row[header.indexOf("t_rank")]),
        });
    }
  }
  return { method, ranks, better: checks.deletion.better, failed: failed.length };
}

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
const marked = found.flatMap(({ encoder, markers: all }) => all.map((m) => ({ encoder, ...m })));
const genes = marked[0]?.ranks.map(({ gene, label }) => `${gene} (${label})`) ?? [];
const text = `# Encoders of genes

Made by \`node bench/encoders.mjs\`. Inductive protocol, stratified 5-fold, seed 42: accuracy, mean ± standard deviation of the
folds. All encoders with the training of images of genes (${recipe}; z-scores, one gene a pixel by t-SNE on correlation where
the encoder leaves the choice), so that the picture is what differs. Baselines see the same folds.

${line(["set", ...names, ...baselines])}
${line(["set", ...names, ...baselines].map(() => "---"))}
${rows.join("\n")}

## Known markers of the TCGA subtypes: rank among all genes

${line(["encoder", "method", ...genes, "among the first 50", "deletion better than chance", "failed checks"])}
${line(["encoder", "method", ...genes, "", "", ""].map(() => "---"))}
${marked
  .map(({ encoder, method, ranks, better, failed }) =>
    line([
      encoder,
      method,
      ...ranks.map(({ rank }) => rank),
      `${ranks.filter(({ rank }) => rank <= 50).length} of ${ranks.length}`,
      better ? "yes" : "no",
      failed,
    ]),
  )
  .join("\n")}
${marked[0] ? line(["–", "Welch's t test", ...marked[0].ranks.map(({ t }) => t), `${marked[0].ranks.filter(({ t }) => t <= 50).length} of ${marked[0].ranks.length}`, "–", "–"]) : ""}
`;
const notes = "docs/encoders-notes.md";
writeFileSync("docs/encoders.md", existsSync(notes) ? `${text}\n${readFileSync(notes, "utf8")}` : text);
