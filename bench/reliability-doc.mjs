/**
 * docs/reliability.md out of the figures that are kept by bench/reliability.mjs, `npm run fuzz` and bench/many-classes.mjs. Each
 * of them makes it anew; so does `node bench/reliability-doc.mjs`.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
export const reliabilityFile = here("kept/reliability.json");
export const fuzzFile = here("kept/fuzz.json");
export const manyClassesFile = here("kept/many-classes.json");
const read = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined);

export function writeDocument() {
  const figures = read(reliabilityFile);
  if (figures === undefined) return; // the kills are what the document is about
  const text = document(figures, read(fuzzFile), read(manyClassesFile));
  writeFileSync(here("../docs/reliability.md"), text);
}

const sum = (values) => values.reduce((a, b) => a + b, 0);
const count = (items, of) => items.filter(of).length;
const thousands = (n) => n.toLocaleString("en-US");
const cell = (text) => String(text).replaceAll("|", "\\|").replaceAll("\n", " ");
const table = (head, rows) => [
  `| ${head.join(" | ")} |`,
  `|${head.map(() => "---").join("|")}|`,
  ...rows.map((row) => `| ${row.map(cell).join(" | ")} |`),
  "",
];

/** Stages in the order of a run, with how often each was struck. */
const order = [
  "start",
  "preprocess",
  "folds",
  "baselines",
  "train",
  "compare",
  "saliency",
  "explain",
  "report",
];
function byStage(stages) {
  const found = new Map();
  for (const stage of stages) found.set(stage, (found.get(stage) ?? 0) + 1);
  const rank = (stage) => {
    const at = order.indexOf(stage.replace(/^after /, ""));
    return (at < 0 ? order.length : at) + (stage.startsWith("after ") ? 0.5 : 0);
  };
  return [...found].sort(([a], [b]) => rank(a) - rank(b));
}

const told = (stages) =>
  byStage(stages)
    .map(([stage, n]) => `${stage} ${n}`)
    .join(", ");

/** @param fuzz, many undefined where they were not measured */
function document(figures, fuzz, many) {
  const {
    made,
    machine,
    seed,
    references,
    kills = [],
    points = [],
    interrupts = [],
    commands = [],
    faults = [],
    failures,
  } = figures;
  const struck = points.filter((point) => point.struck);
  const all = [...kills, ...points, ...interrupts, ...commands, ...faults];
  const lines = [
    "# Reliability",
    "",
    `Made by \`npm run reliability\` on ${made}: ${machine}; seed ${seed}. Every case drives the built command line as a child ` +
      "process on small real runs; afterwards the same command is started again, and the whole run folder is compared with " +
      "that of a run which nobody disturbed, byte for byte.",
    "",
    `**${all.length} cases, ${count(all, (c) => c.survived)} as they should be, ${thousands(sum(all.map((c) => c.lost ?? 0)))} bytes lost.**`,
    "",
    ...table(
      ["reference run", "settings", "files", "bytes", "seconds"],
      references.map((r) => [
        r.name,
        `\`${r.settings}\``,
        r.files,
        thousands(r.bytes),
        sum(Object.values(r.seconds)).toFixed(1),
      ]),
    ),
    "## Killed",
    "SIGKILL to the process group at random moments, spread over the time that the stages take; in every third case the " +
      "resume is killed as well. A checkpoint is taken every 0.05 s (`CELLHUE_CHECKPOINT_SECONDS`; 60 s as shipped), so that kills " +
      "fall before, between and into checkpoints.",
    "",
    ...table(
      ["kills in", "cases", "kills", "struck while in", "survived", "bytes lost"],
      ["preprocess", "train", "report"].map((part) => {
        const own = kills.filter((k) => k.part === part);
        const hits = own.flatMap((k) => k.struck);
        return [
          part,
          own.length,
          hits.length,
          told(hits),
          `${count(own, (k) => k.survived)} of ${own.length}`,
          thousands(sum(own.map((k) => k.lost))),
        ];
      }),
    ),
    "Moments seldom meet the microseconds of a rename, so the process is also killed at random ones of its file operations:",
    "",
    ...table(
      ["killed", "cases", "struck while in", "survived", "bytes lost"],
      [
        ["half", "with half a file written"],
        ["renaming", "right before a rename"],
        ["renamed", "right after a rename"],
        ["removing", "right before a removal"],
      ].map(([kind, what]) => {
        const own = struck.filter((p) => p.kind === kind);
        return [
          what,
          own.length,
          told(own.map((p) => p.stage)),
          `${count(own, (p) => p.survived)} of ${own.length}`,
          thousands(sum(own.map((p) => p.lost))),
        ];
      }),
    ),
    `Ctrl-C (SIGINT): ${interrupts.length} cases (${told(interrupts.map((i) => i.at))}), exit code 130 once cellhue listens ` +
      `(before that the system ends the process), no lock left, ${count(interrupts, (i) => i.survived)} ended in the same folder.`,
    "",
    ...besides(commands),
    "In every case was looked at: right after the kill, that no file under its own name was half a file; that the resume ends with " +
      "exit code 0; that what finished stages had written was not written again (inode and time of the files); that no temporary " +
      "file, lock, checkpoint or `work/` is left; and that every file has the bytes of the reference.",
    "",
    "### What may differ between two runs of the same",
    "- `run.json`: `created`, the `seconds` of the stages, the path of the folder, and the SHA-256 of files that hold seconds;",
    "- `folds/…/history.json`, `final/history.json`, `metrics.json`: `seconds`;",
    "- `report.html`: the date, the column of seconds, and the size of `metrics.json`, which follows from the digits of its seconds;",
    "- the copy of `predict --write`: the times at which HDF5 made its objects.",
    "",
    "All else is the same to the last bit: images, embeddings, weights, predictions, figures, tables, and `model_final.onnx`. " +
      "(On the same kind of processor: see the engine in architecture.md.)",
    "",
    "## Faults",
    "What cellhue answers, and whether the run ends in the same folder once the cause is gone.",
    "",
    ...table(
      ["fault", "case", "struck in", "exit code", "cellhue says", "then"],
      faults.map((f) => [
        f.group,
        f.what,
        f.at,
        f.code,
        f.said || "–",
        f.survived ? "as it should be" : "**FAILED**",
      ]),
    ),
    "Memory: an array, a graph or a worker that does not get its memory is told of with exit code 2 and what to do. Where V8's own heap or a " +
      "native library (onnxruntime's threads, resvg, WebAssembly's compiler) does not get it, the process ends itself, and a container's limit " +
      "is a SIGKILL: nothing of ours can set the exit code then (133, 134, 137, 139), but a shell that waits beside the process says that memory did not " +
      "suffice and what to do, the run folder is as after any kill, and the same command goes on with more memory. Where a container is " +
      "too small for any run, cellhue warns of it beforehand.",
    "",
  ];
  if (many !== undefined) lines.push(...manyClasses(many));
  if (fuzz !== undefined)
    lines.push(
      "## Damaged and hostile files",
      `What the readers make of mutated files: read, or refused with a reason. Made by \`npm run fuzz -- --cases ${fuzz.cases} --seed ${fuzz.seed}\` on ${fuzz.made}: ` +
        `${thousands(sum(fuzz.readers.map((f) => f.cases)))} cases.`,
      "",
      ...table(
        ["reader", "cases", "refused", "read", "hangs", "crashes", "peak MB"],
        fuzz.readers.map((f) => [
          f.reader,
          thousands(f.cases),
          thousands(f.refused),
          thousands(f.read),
          f.hangs,
          f.crashes,
          Math.round(f.peakMB),
        ]),
      ),
    );
  lines.push(
    "## How it is made",
    "Files are written to a temporary name in the same folder, flushed, and renamed. The name says whose it is (process, machine, start " +
      "time): in a run folder the next run removes what is left, elsewhere the next file that cellhue writes beside it, where the process is dead. `run.json` says how far each stage is, under a " +
      "fingerprint of its settings and input; a stage that was cut off goes on with the files that are there. One process at a time " +
      "holds `run.lock`; every write looks that the lock is still its own, so a run whose folder was removed makes nothing in its place. The " +
      "lock of a dead process is taken over, also where its number is another program's by now (start times are compared). The " +
      "input is looked at again whenever it is read again: a file that changed meanwhile is refused.",
    "",
  );
  if (failures.length > 0)
    lines.push(
      "## Failures",
      ...failures.map(({ kind, detail, wrong }) => `- ${kind}: ${detail}: ${wrong.join("; ")}`),
      "",
    );
  return lines.join("\n");
}

/** The commands beside a run. */
function besides(commands) {
  const names = [...new Set(commands.map(({ command }) => command))];
  if (names.length === 0) return [];
  return [
    "The commands that stand beside a run, on copies of the finished one: `audit`, `explain` with another method, and `predict`, " +
      "which writes outside of a run folder. Killed at random moments and file operations or interrupted, then started again; what " +
      "lies there is to be what the command makes undisturbed, and no temporary file is to be left (after SIGINT, at once).",
    "",
    ...table(
      ["command", "blow", "cases", "struck", "survived", "bytes lost"],
      names.flatMap((name) =>
        ["SIGKILL", "file operation", "SIGINT"].flatMap((how) => {
          const own = commands.filter((c) => c.command === name && c.how === how);
          if (own.length === 0) return [];
          return [
            [
              name,
              how === "file operation" ? "SIGKILL at a file operation" : how,
              own.length,
              count(own, (c) => c.struck),
              `${count(own, (c) => c.survived)} of ${own.length}`,
              thousands(sum(own.map((c) => c.lost))),
            ],
          ];
        }),
      ),
    ),
  ];
}

/** Runs of very many classes. */
function manyClasses({ made, machine, runs }) {
  return [
    "## Very many classes",
    `Made by \`node bench/many-classes.mjs\` on ${made}: ${machine}. Made samples of many classes, 60 genes, three samples a class; ` +
      "`--encoder deepinsight --net compact --size 32 --components 10 --folds 3 --epochs 3 --nulls 0 --seeds 0`, the stages one after the other (`train` draws " +
      "the folds, `compare` fits the baselines, `saliency` trains the final net). Seconds, and the peak memory of the process.",
    "",
    ...table(
      ["classes", "samples", ...Object.keys(runs[0].stages), "metrics.json, MB", "report.html, MB"],
      runs.map(({ classes, samples, stages, metricsMB, reportMB }) => [
        thousands(classes),
        thousands(samples),
        ...Object.values(stages).map(
          ({ seconds, peakMB }) => `${seconds.toFixed(1)} s, ${thousands(peakMB)} MB`,
        ),
        metricsMB.toFixed(1),
        reportMB.toFixed(1),
      ]),
    ),
    "Above 200 classes: of the baselines those that fit a vector for each class are left out; metrics.json has the cells of the " +
      "confusion that are not 0 (`confusionCells`) in place of the matrices, the figure shows the 39 largest classes and all others as one, " +
      "and the report lists the pairs of classes that are confused most; saliency maps and genes are those of the 200 largest classes " +
      "(`cellhue explain RUN --class NAME…` tells of others). All scores, overall and by class, are of all classes.",
    "",
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeDocument();
