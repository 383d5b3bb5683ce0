// Very many classes, to the end: makes samples of 150, 300 and 2,000 classes (three of each, 60 genes), runs all stages one after
// the other, and keeps their seconds and peak memory (Linux) in bench/kept/many-classes.json, of which docs/reliability.md is made.
// usage: npm run build && node bench/many-classes.mjs [--classes 150,300,2000] [--work DIR] [--stages compare,saliency,…]
//   --stages: these alone, on the runs that lie in DIR
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { command } from "./command.mjs";
import { randomFrom } from "./faults.mjs";
import { manyClassesFile, writeDocument } from "./reliability-doc.mjs";

const { values } = parseArgs({
  options: {
    classes: { type: "string", default: "150,300,2000" },
    work: { type: "string", default: join(tmpdir(), "cellhue-many-classes") },
    stages: { type: "string", default: "preprocess,train,compare,saliency,explain,report" },
  },
});
const EACH = 3;
const GENES = 60;
/** Options of each stage; those of docs/reliability.md. */
const stages = {
  preprocess: [
    "--label",
    "kind",
    "--encoder",
    "deepinsight",
    "--size",
    "32",
    "--components",
    "10",
    "--folds",
    "3",
  ],
  train: ["--net", "compact", "--epochs", "3"],
  compare: [],
  saliency: [],
  explain: ["--nulls", "0", "--seeds", "0"],
  report: [],
};
const wanted = values.stages.split(",");
mkdirSync(values.work, { recursive: true });

/** Normal random numbers around a centre for each class, as two tables of text. */
function make(classes, folder) {
  const random = randomFrom(classes);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const rows = [["sample", ...Array.from({ length: GENES }, (_, g) => `GENE${g}`)].join(",")];
  const labels = ["sample,kind"];
  for (let c = 0; c < classes; c++) {
    const centre = Array.from({ length: GENES }, () => 3 * normal());
    for (let i = 0; i < EACH; i++) {
      const sample = `s${EACH * c + i}`;
      rows.push([sample, ...centre.map((m) => (m + 0.3 * normal()).toFixed(3))].join(","));
      labels.push(`${sample},class ${c}`);
    }
  }
  writeFileSync(join(folder, "x.csv"), `${rows.join("\n")}\n`);
  writeFileSync(join(folder, "labels.csv"), `${labels.join("\n")}\n`);
}

const old = existsSync(manyClassesFile) ? JSON.parse(readFileSync(manyClassesFile, "utf8")) : { runs: [] };
const runs = [];
for (const classes of values.classes.split(",").map(Number)) {
  const folder = join(values.work, String(classes));
  const out = join(folder, "run");
  if (wanted.includes("preprocess")) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    make(classes, folder);
  } else if (wanted.includes("compare")) rmSync(join(out, "metrics.json"), { force: true }); // compared anew, and all that follows
  const took = { ...old.runs.find((r) => r.classes === classes)?.stages };
  for (const [stage, options] of Object.entries(stages)) {
    if (!wanted.includes(stage)) continue;
    const given =
      stage === "preprocess"
        ? [join(folder, "x.csv"), "--labels", join(folder, "labels.csv"), "--out", out]
        : [out];
    const { seconds, peakMB } = await command(stage, ...given, ...options, "--quiet");
    took[stage] = { seconds, peakMB };
    process.stderr.write(`${classes} classes, ${stage}: ${JSON.stringify(took[stage])}\n`);
  }
  const megabytes = (file) =>
    existsSync(join(out, file)) ? Math.round(statSync(join(out, file)).size / 1e5) / 10 : 0;
  runs.push({
    classes,
    samples: EACH * classes,
    stages: took,
    metricsMB: megabytes("metrics.json"),
    reportMB: megabytes("report.html"),
  });
}
const machine = `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
const kept = [...old.runs.filter((r) => !runs.some(({ classes }) => classes === r.classes)), ...runs];
kept.sort((a, b) => a.classes - b.classes);
const made = new Date().toISOString().slice(0, 10);
writeFileSync(manyClassesFile, `${JSON.stringify({ made, machine, runs: kept }, null, 1)}\n`);
writeDocument();
