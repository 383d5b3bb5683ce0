/**
 * Audit: what a run's accuracy owes to leaks and batches. The other protocol and shuffled labels are run on the same folds
 * in run folders of their own under audit/; label and batch are predicted from what should not know them; samples that
 * are in the data twice are named. Writes audit.json, and the report anew.
 */
import { basename, join } from "node:path";
import type { Settings } from "../config.js";
import { CellhueError } from "../errors.js";
import { accuracy } from "../evaluate/accuracy.js";
import { baselinesFor } from "../evaluate/baselines/index.js";
import { predictability } from "../evaluate/baselines/predictability.js";
import { bootstrap, type Interval } from "../evaluate/bootstrap.js";
import { EXACT_SAMPLES, findDuplicates } from "../evaluate/duplicates.js";
import { exactBound } from "../evaluate/metric-intervals.js";
import { argmaxRows } from "../evaluate/metrics.js";
import { type BatchColumn, batchColumns } from "../io/batch-columns.js";
import { readSampleValues } from "../io/encoded.js";
import { readPredictions } from "../io/fold-predictions.js";
import { readSamples, type Samples } from "../io/images.js";
import { RunFolder } from "../io/run-folder.js";
import { type RunSplit, readSplits } from "../io/splits.js";
import { shellWord, visible } from "../io/visible.js";
import { eachEntry, type Matrix, rowBlocks } from "../matrix.js";
import { RandomState } from "../random.js";
import type { AuditReport } from "../report/audit-report.js";
import type { Column } from "../table.js";
import { imageNumbers } from "./baselines.js";
import type { StageContext } from "./context.js";
import { readNormalised } from "./normalised.js";
import { readInput } from "./prepare.js";
import { runThrough } from "./run.js";

export interface AuditOptions {
  /** Columns of obs that say where samples come from; empty: those found by name. */
  batchColumns?: readonly string[];
  /** Whether to run on shuffled labels; default true. */
  shuffled?: boolean;
}

/** Keeps its random numbers apart from those of other stages. */
const STREAM = 0xa0d1;

/**
 * @param folder of a run that is compared
 * @throws CellhueError where it is not, its file has changed, or a named column is not there
 */
export async function auditRun(
  folder: string,
  { batchColumns: asked = [], shuffled = true }: AuditOptions,
  ctx: StageContext,
): Promise<AuditReport> {
  const run = await RunFolder.open(folder);
  try {
    const { settings } = run.record;
    const { progress } = ctx;
    run.requireBefore("audit");
    // A run that was killed may have its audit, and not yet the report of it.
    const { saliency, explain } = run.record.stages;
    const reported = async (report: AuditReport) => {
      if (saliency?.state !== "done" || explain?.state !== "done") return report;
      const { reportStage } = await import("./report.js");
      await reportStage(run, settings, ctx);
      return report;
    };
    if (await run.isDone("audit", settings, { asked, shuffled })) {
      progress.note("audit: done before on the same run");
      return await reported(await run.readJson<AuditReport>("audit.json"));
    }
    const input = await readInput({ ...settings, file: run.record.input.path }, ctx);
    if (input.record.sha256 !== run.record.input.sha256)
      throw new CellhueError("the file has changed since the run began", {
        where: run.record.input.path,
        remedy: `cellhue run ${shellWord(basename(run.record.input.path))} … makes a run of the new file`,
      });
    // Named columns are looked up before anything is removed and hours are spent.
    const columns = batchColumns(input.obs, settings.label, asked, input.labels.rows);
    await run.begin("audit", settings, { asked, shuffled });
    const other = settings.protocol === "inductive" ? "published" : "inductive";
    const beside = async (name: string, changes: Partial<Settings>) => {
      progress.note(`audit: ${name}`);
      const out = join(run.root, "audit", name);
      await runThrough({ ...settings, ...changes, file: run.record.input.path, out }, "compare", ctx);
      return out;
    };
    // The validation part stays as it is, so that both protocols train on the same samples.
    const otherRun = await beside(other, { protocol: other, validation: settings.validation });
    const shuffledRun =
      shuffled && !settings.permuteLabels ? await beside("shuffled", { permuteLabels: true }) : null;

    const samples = await readSamples(run);
    const { splits, groups } = await readSplits(run);
    const first = splits.filter(({ repeat }) => repeat === 0);
    const design: Design = { samples, splits: first, groups, seed: settings.seed };
    const x = await readNormalised(run, settings, "encoders/all", input);
    const detected = await genesDetected(x, ctx);
    const all: BatchColumn[] = detected === null ? columns : [...columns, detected];
    const own = await heldOut(run.root, design, settings);
    const others = await heldOut(otherRun, design, settings);
    const report: AuditReport = {
      schema: "cellhue.audit/1",
      inflation: inflation(own, others, settings.protocol, design),
      label: labelFrom(all, design),
      image: await batchFromImage(run, settings, columns, design),
      duplicates: await duplicatesOf(run, settings, x, design, ctx),
      shuffled: shuffledRun === null ? [] : await chance(shuffledRun, design, settings),
      notes: notesOf(all, columns.length, shuffled, x.rows),
    };
    await run.writeJson("audit.json", report);
    await run.finish("audit", ["audit.json"]);
    return await reported(report);
  } finally {
    run.close();
  }
}

interface Design {
  samples: Samples;
  /** Of the first repeat. */
  splits: readonly RunSplit[];
  groups: readonly string[] | null;
  seed: number;
}

/** Predicted codes of the held-out samples of each model, in the order of the splits. */
interface HeldOut {
  rows: Int32Array;
  actual: Int32Array;
  predicted: Map<string, Int32Array>;
}

async function heldOut(root: string, { samples, splits }: Design, { net }: Settings): Promise<HeldOut> {
  const run = await RunFolder.open(root, { shared: true });
  try {
    const { classes } = samples;
    const paths = new Map<string, (k: number) => string>([
      ...net.map((name) => [name, (k: number) => `folds/${name}/${k}/predictions.csv`] as const),
      ...baselinesFor(classes.length).map(
        ({ name }) => [name, (k: number) => `baselines/${name}/${k}.csv`] as const,
      ),
    ]);
    const predicted = new Map<string, Int32Array>();
    let actual = new Int32Array(0);
    for (const [name, path] of paths) {
      const folds = await Promise.all(
        splits.map(({ test }, k) => readPredictions(run, path(k), classes, test.length)),
      );
      actual = Int32Array.from(folds.flatMap((fold) => [...fold.actual]));
      predicted.set(
        name,
        Int32Array.from(folds.flatMap((fold) => [...argmaxRows(fold.probabilities, classes.length)])),
      );
    }
    return { rows: Int32Array.from(splits.flatMap(({ test }) => [...test])), actual, predicted };
  } finally {
    run.close();
  }
}

function groupCodes(groups: readonly string[], rows: Int32Array): Int32Array {
  const names = [...new Set(groups)];
  return rows.map((row) => names.indexOf(groups[row]));
}

/** Interval of a mean. @param rows the sample of each value */
function interval(
  values: ArrayLike<number>,
  rows: Int32Array,
  { groups, seed }: Pick<Design, "groups" | "seed">,
): Interval {
  const [found] = bootstrap(
    values.length,
    (times) => {
      let sum = 0;
      let count = 0;
      for (let i = 0; i < times.length; i++) {
        sum += times[i] * values[i];
        count += times[i];
      }
      return [sum / count];
    },
    {
      random: new RandomState([seed, STREAM]),
      groups: groups === null ? undefined : groupCodes(groups, rows),
    },
  );
  return found;
}

/** Interval of a share: with an exact bound where all or none are right. */
function shareInterval(
  hits: Float64Array,
  rows: Int32Array,
  design: Pick<Design, "groups" | "seed">,
): Interval {
  const found = interval(hits, rows, design);
  if (found.low !== null || (found.estimate !== 0 && found.estimate !== 1)) return found;
  const { groups } = design;
  const codes = groups === null ? undefined : groupCodes(groups, rows);
  return exactBound(found, codes === undefined ? hits.length : new Set(codes).size, codes);
}

const right = (actual: Int32Array, predicted: Int32Array): Float64Array =>
  Float64Array.from(actual, (code, i) => Number(code === predicted[i]));

function inflation(
  own: HeldOut,
  other: HeldOut,
  protocol: Settings["protocol"],
  design: Design,
): AuditReport["inflation"] {
  const [published, inductive] = protocol === "published" ? [own, other] : [other, own];
  return [...own.predicted.keys()].map((name) => {
    const a = right(published.actual, published.predicted.get(name) as Int32Array);
    const b = right(inductive.actual, inductive.predicted.get(name) as Int32Array);
    const mean = (v: Float64Array) => v.reduce((sum, x) => sum + x, 0) / v.length;
    const found = interval(
      a.map((v, i) => v - b[i]),
      published.rows,
      design,
    );
    const difference = { estimate: mean(a) - mean(b), low: found.low, high: found.high };
    return {
      name,
      published: mean(a),
      inductive: mean(b),
      difference,
      words: inflationWords(difference),
    };
  });
}

function inflationWords({ estimate, low, high }: AuditReport["inflation"][number]["difference"]): string {
  const range = low === null || high === null ? "" : ` (95 % interval ${signed(low)} to ${signed(high)})`;
  if (low !== null && low > 0) return `the published protocol flatters it by ${signed(estimate)}${range}`;
  if (high !== null && high < 0) return `the published protocol does worse here: ${signed(estimate)}${range}`;
  return `undecided: ${signed(estimate)}${range}`;
}

const signed = (v: number) => `${v < 0 ? "−" : "+"}${Math.abs(v).toFixed(3)}`;

function labelFrom(columns: readonly BatchColumn[], design: Design): AuditReport["label"] {
  const { codes, classes } = design.samples;
  const judge = (name: string, kind: AuditReport["label"][number]["kind"], used: readonly BatchColumn[]) => {
    const found = predictability(
      used.map(({ values }) => values),
      codes,
      classes.length,
      design.splits,
    );
    const { predicted, rows } = found;
    const actual = rows.map((row) => codes[row]);
    return {
      kind,
      ...judged(name, { rows, actual, predicted }, design, "the label", `'${visible(name, 60)}'`),
    };
  };
  const each = columns.map((column) =>
    judge(column.name, column.values.kind === "number" ? "numbers" : "categories", [column]),
  );
  if (columns.length < 2) return each;
  const together = judge("all of these together", "all", columns);
  return [...each, together];
}

/** A verdict of how far `what` is predictable from `from`. */
function judged(
  column: string,
  { rows, actual, predicted }: Record<"rows" | "actual" | "predicted", Int32Array>,
  design: Design,
  what: string,
  from: string,
): AuditReport["image"][number] {
  const counts = new Map<number, number>();
  for (const code of actual) counts.set(code, (counts.get(code) ?? 0) + 1);
  const majority = Math.max(...counts.values()) / actual.length;
  const score = accuracy(actual, predicted);
  const { low, high } = shareInterval(right(actual, predicted), rows, design);
  const words =
    low !== null && low > majority
      ? `${what} can be told from ${from}: ${score.toFixed(2)}, where guessing gives ${majority.toFixed(2)}`
      : `${what} is not told from ${from} better than by guessing (${score.toFixed(2)} against ${majority.toFixed(2)})`;
  return { column, accuracy: score, low, high, majority, words };
}

/** Each batch column from the numbers that the image of a held-out sample holds, by the encoder of its fold. */
async function batchFromImage(
  run: RunFolder,
  settings: Settings,
  columns: readonly BatchColumn[],
  design: Design,
): Promise<AuditReport["image"]> {
  const categories = columns.filter(({ values }) => values.kind === "categorical");
  const images: Column[][] = [];
  for (const k of design.splits.keys()) {
    const image = imageNumbers(await readSampleValues(run, settings, k));
    images.push(
      Array.from({ length: image.cols }, (_, j) => ({
        kind: "number",
        integer: false,
        values: Float64Array.from({ length: image.rows }, (_, i) => image.data[i * image.cols + j]),
      })),
    );
  }
  return categories.flatMap(({ name, values }) => {
    if (values.kind !== "categorical" || values.codes.includes(-1)) return [];
    const folds = design.splits.map((split, k) =>
      predictability(images[k], values.codes, values.categories.length, [split]),
    );
    const actual = Int32Array.from(folds.flatMap(({ rows }) => Array.from(rows, (row) => values.codes[row])));
    const predicted = Int32Array.from(folds.flatMap(({ predicted }) => [...predicted]));
    const rows = Int32Array.from(folds.flatMap((fold) => [...fold.rows]));
    return [judged(name, { rows, actual, predicted }, design, `'${visible(name, 60)}'`, "the image")];
  });
}

/** How many genes each sample has; null where the matrix cannot tell (it has values below 0, or no zeros). */
async function genesDetected(x: Matrix, ctx: StageContext): Promise<BatchColumn | null> {
  let negative = false;
  const counts = new Float64Array(x.rows);
  for await (const { first, block } of rowBlocks(x, { ...ctx, what: "genes of each sample" }))
    eachEntry(block, first, (row, _gene, v) => {
      if (v < 0) negative = true;
      if (v > 0) counts[row]++;
    });
  if (negative || new Set(counts).size < 2) return null;
  return { name: "number of genes", values: { kind: "number", integer: true, values: counts } };
}

/** Pairs beyond these are counted, not listed. */
const MOST_PAIRS = 1000;

async function duplicatesOf(
  run: RunFolder,
  settings: Settings,
  x: Matrix,
  { samples, splits }: Design,
  ctx: StageContext,
): Promise<AuditReport["duplicates"]> {
  const { scores } = await readSampleValues(run, { ...settings, protocol: "published" }, "final");
  const tested = new Int32Array(x.rows).fill(-1);
  splits.forEach(({ test }, k) => {
    for (const i of test) tested[i] = k;
  });
  const pairs = await findDuplicates(x, scores, scores.length / x.rows, {
    ...ctx,
    what: "duplicates",
    threads: settings.threads,
  });
  return pairs.slice(0, MOST_PAIRS).map(({ a, b, correlation, identical }) => ({
    a: samples.names[a],
    b: samples.names[b],
    correlation,
    identical,
    acrossFolds: tested[a] !== tested[b],
  }));
}

async function chance(root: string, design: Design, settings: Settings): Promise<AuditReport["shuffled"]> {
  const run = await RunFolder.open(root, { shared: true });
  let samples: Samples;
  let splits: readonly RunSplit[];
  let groups: readonly string[] | null;
  try {
    samples = await readSamples(run);
    ({ splits, groups } = await readSplits(run));
  } finally {
    run.close();
  }
  const own: Design = {
    samples,
    splits: splits.filter(({ repeat }) => repeat === 0),
    groups,
    seed: design.seed,
  };
  const { rows, actual, predicted } = await heldOut(root, own, settings);
  return [...predicted].map(([name, codes]) => {
    const { column: _, ...found } = judged(
      name,
      { rows, actual, predicted: codes },
      own,
      "a shuffled label",
      name,
    );
    return { name, ...found };
  });
}

function notesOf(all: readonly BatchColumn[], named: number, shuffled: boolean, samples: number): string[] {
  const notes = [
    named === 0
      ? "No column of obs is called after a batch (patient, plate, lane, run, …): name yours with --batch-columns NAME, or nothing is known of them."
      : `Looked at as batches: ${all.map(({ name }) => `'${visible(name, 60)}'`).join(", ")}.`,
  ];
  if (samples > EXACT_SAMPLES)
    notes.push(
      `Of ${samples.toLocaleString("en-US")} samples those that are the same are all found; those that are nearly the same by an approximate search, which may miss some.`,
    );
  if (!shuffled) notes.push("The run on shuffled labels was left out (--no-shuffled).");
  return notes;
}

/** The audit in a few lines. */
export function formatAudit({ inflation, label, image, duplicates, shuffled, notes }: AuditReport): string {
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
  const across = duplicates.filter((d) => d.acrossFolds);
  const pair = (d: AuditReport["duplicates"][number]) =>
    `${visible(d.a, 40)} and ${visible(d.b, 40)}: ${d.identical ? "identical" : `correlation ${d.correlation.toFixed(4)}`}`;
  return [
    "Published against inductive protocol, accuracy on the same folds",
    ...inflation.map(
      ({ name, published, inductive, words }) =>
        `  ${name.padEnd(20)} ${published.toFixed(3)} ${inductive.toFixed(3)}  ${words}`,
    ),
    ...section(
      "The label from where a sample comes from",
      label.map(({ words }) => words),
    ),
    ...section(
      "The batch from the image",
      image.map(({ words }) => words),
    ),
    ...section("Samples that are there twice", [
      duplicates.length === 0
        ? "none found"
        : `${duplicates.length} pairs, ${across.length} of them in different folds`,
      ...(across.length > 0 ? across : duplicates).slice(0, 5).map(pair),
    ]),
    ...section(
      "Shuffled labels",
      shuffled.map(({ name, words }) => `${name.padEnd(20)} ${words}`),
    ),
    ...section("", notes),
  ].join("\n");
}
