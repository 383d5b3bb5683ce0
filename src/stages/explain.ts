/**
 * Explain: which genes decided, and whether the answer can be trusted. For every class the genes that moved the scores of its
 * held-out, rightly classified samples, each by the net of the fold that had not seen it (genes/genes_<class>.csv); then the
 * checks (explain/checks.ts) on the first fold that has such samples, and the agreement of the folds (genes.json). What a
 * fold gave is kept under genes/, so that a run that was cut off goes on.
 */
import type { Settings } from "../config.js";
import { CellhueError, throwIfAborted } from "../errors.js";
import { argmaxRows } from "../evaluate/metrics.js";
import { descending } from "../evaluate/ranks.js";
import { type ClassGenes, classGenes, type HeldOutAttributions } from "../explain/aggregate.js";
import { attributeGenes } from "../explain/attribute.js";
import { csvText } from "../io/csv.js";
import { encoderFolder } from "../io/encoded.js";
import { readSamples, type Samples } from "../io/images.js";
import type { RunFolder } from "../io/run-folder.js";
import { readSplits } from "../io/splits.js";
import { visible } from "../io/visible.js";
import {
  type CurveCheck,
  type ExplainedClass,
  emptyWords,
  type GenesReport,
  genesSchema,
} from "../report/genes-report.js";
import type { StageContext } from "./context.js";
import { checkFold, classMean, type FoldChecks, TOP } from "./explain/checks.js";
import { drawFigures, type ShownMap, shownMaps, surest } from "./explain/figures.js";
import {
  type Attributed,
  attributed,
  chooseClasses,
  chooseSamples,
  type FirstSplit,
  heldOut,
  openFold,
  rowsOf,
  type Work,
} from "./explain/fold.js";
import { SHOWN, writeClasses, writeCurves } from "./explain/tables.js";
import { warnOfEmpty, warnOfMissing } from "./missing-classes.js";
import { readNormalised } from "./normalised.js";
import type { RunInput } from "./prepare.js";
import { finalNetOf } from "./train.js";

/** What a fold says about its held-out samples. */
interface FoldAttribution extends Attributed {
  k: number;
  /** Indices of samples of the run. */
  rows: Int32Array;
}

export async function explainStage(
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
  open: () => Promise<Pick<RunInput, "load" | "genes">>,
): Promise<void> {
  const { progress, signal } = ctx;
  const wanted = chooseClasses({ run, settings }); // refuses a name before anything is removed
  if ((await run.begin("explain", settings)) === "done") {
    progress.note("explain: done before with the same nets");
    return;
  }
  const net = finalNetOf(run);
  const samples = await readSamples(run);
  const { splits } = await readSplits(run);
  const first: FirstSplit[] = splits
    .map((split, k) => ({ ...split, k }))
    .filter(({ repeat }) => repeat === 0);
  const input = await open();
  const x = await readNormalised(run, settings, "encoders/all", input);
  const work: Work = { run, settings, ctx, samples, net, x };
  const chosen = await chooseSamples(work, first, wanted);
  const best = [...surest(work, chosen).values()];

  const folds: FoldAttribution[] = [];
  const maps: ShownMap[] = [];
  let checked: (FoldChecks & { rows: Int32Array }) | undefined;
  const task = progress.task(`genes by ${settings.method}`, first.length);
  try {
    for (const [at, split] of first.entries()) {
      throwIfAborted(signal);
      task.update(at, split.name);
      const { rows } = chosen[at];
      if (rows.length === 0) continue;
      const own = await workOf(work, split.k, input);
      const fold = await openFold(own, split);
      try {
        const path = `genes/fold_${split.k}.safetensors`;
        const found = await attributed(own, fold, path, rows, () => fold.weights);
        folds.push({ k: split.k, rows, ...found });
        const shown = best.filter((b) => b.fold === at);
        maps.push(...(await shownMaps(own, fold, shown)));
        checked ??= { rows, ...(await checkFold(own, fold, split, rows, found.values)) };
      } finally {
        await fold.release();
      }
    }
    task.update(first.length);
  } finally {
    task.end();
  }

  const all = joined(folds, samples, work.x.cols);
  const byClass = new Map<number, ClassGenes>();
  const missing: string[] = [];
  const found = new Set(all.codes);
  for (const code of wanted) {
    const label = samples.classes[code];
    if (found.has(code)) byClass.set(code, classGenes(all, code, label, TOP));
    else missing.push(label);
  }
  const note = partOf(wanted.length, samples.classes.length, settings);
  if (note !== null) progress.note(note);
  const lacks = { one: "nothing explains it", many: "nothing explains them" };
  warnOfMissing(progress, missing, net, lacks);
  const genes = input.genes();
  const nulls = (code: number) =>
    (checked?.shuffled ?? []).flatMap(
      (values) => classMean(work, checked?.rows ?? all.codes, values, code) ?? [],
    );
  const classes = await writeClasses(work, genes, byClass, nulls);
  const report = reportOf(work, note, missing, classes, byClass, folds, checked);
  const curves = await writeCurves(work, report);
  const names = await drawFigures(work, genes.names, report, byClass, maps);
  await run.writeJson("genes.json", report);
  warnOfEmpty(progress, classes, settings.method);
  for (const line of report.failed) progress.warn(line);
  progress.note(report.summary);
  await run.finish("explain", ["genes.json", ...classes.map(({ file }) => file), curves, ...names]);
}

/** The same with X normalised as for the fold. */
async function workOf(work: Work, k: number, input: Pick<RunInput, "load">): Promise<Work> {
  const { run, settings } = work;
  return { ...work, x: await readNormalised(run, settings, encoderFolder(settings, k), input) };
}

function joined(folds: readonly FoldAttribution[], { codes }: Samples, genes: number): HeldOutAttributions {
  const rows = Int32Array.from(folds.flatMap((fold) => [...fold.rows]));
  const values = new Float32Array(rows.length * genes);
  let at = 0;
  for (const fold of folds) {
    values.set(fold.values, at);
    at += fold.values.length;
  }
  const own = rows.map((row) => codes[row]);
  return {
    values,
    genes,
    codes: own,
    predicted: own,
    folds: Int32Array.from(folds.flatMap(({ k, rows }) => Array.from(rows, () => k))),
  };
}

/** Says that not all classes are explained; null where they are. */
const partOf = (explained: number, classes: number, { class: named }: Settings): string | null =>
  explained === classes
    ? null
    : `genes of ${named.length > 0 ? "the" : "the largest"} ${explained} of ${classes} classes${named.length > 0 ? " that were asked for" : ""}; those of others: cellhue explain RUN --class NAME`;

/** @param checked undefined where no fold has a sample to look at */
function reportOf(
  { settings, net, x }: Work,
  part: string | null,
  missing: string[],
  classes: ExplainedClass[],
  byClass: ReadonlyMap<number, ClassGenes>,
  folds: readonly FoldAttribution[],
  checked: FoldChecks | undefined,
): GenesReport {
  const checks = checked?.checks ?? nothing;
  const { randomisation, maps, labels, deletion, insertion } = checks;
  const rounds = checked?.shuffled.length ?? 0;
  const failed = [
    ...[randomisation, maps, labels].flatMap((check) => (check?.verdict === "fails" ? [check.sentence] : [])),
    ...(checked === undefined || deletion.better ? [] : [`deletion: ${deletion.sentence}`]),
    ...(checked === undefined || insertion.better ? [] : [`insertion: ${insertion.sentence}`]),
  ];
  const gaps = Float64Array.from(folds.flatMap((f) => [...f.incomplete])).sort();
  return {
    schema: genesSchema,
    net,
    encoder: settings.encoder,
    method: settings.method,
    genes: x.cols,
    painted: checked?.painted.length ?? 0,
    classes,
    part,
    missing,
    completeness:
      gaps.length === 0 ? null : { median: gaps[gaps.length >> 1], greatest: gaps[gaps.length - 1] },
    checks: {
      ...checks,
      stability: stabilityOf(byClass),
      chance:
        rounds === 0
          ? null
          : {
              rounds,
              resolution: 1 / (rounds * x.cols + 1),
              sentence: `scores of ${rounds} ${rounds === 1 ? "net" : "nets"} trained on shuffled labels are the null, pooled over the genes`,
            },
    },
    trainings: checked?.trainings ?? null,
    failed: failed.map((line) => `the explanation fails a check: ${line}`),
    summary:
      checked === undefined
        ? `no held-out sample was classified rightly by ${net}: there is nothing to explain`
        : summaryOf(classes, failed),
  };
}

const noCurves: CurveCheck = {
  area: 0,
  random: 0,
  expression: 0,
  better: false,
  samples: 0,
  sentence: "no sample to look at",
  curves: { fractions: [], method: [], random: [], expression: [] },
};
const undecided = { steps: [], verdict: "undecided", sentence: "no sample to look at" } as const;
/** The checks where there is no sample to make them on. */
const nothing: FoldChecks["checks"] = {
  randomisation: { ...undecided, steps: [] },
  maps: { ...undecided, steps: [] },
  labels: null,
  deletion: noCurves,
  insertion: noCurves,
  seeds: null,
};

/** Classes of the summary: it is one line. */
const TOLD = 40;

function summaryOf(classes: readonly ExplainedClass[], failed: readonly string[]): string {
  const best = classes.slice(0, TOLD).map(
    ({ label, top }) =>
      `${label}: ${
        top
          .slice(0, 3)
          .map(({ gene }) => gene)
          .join(", ") || "none"
      }`,
  );
  if (classes.length > TOLD) best.push(`and of ${classes.length - TOLD} classes more in genes/`);
  const trust =
    failed.length === 0
      ? "every check passed"
      : `${failed.length} of the checks failed, so do not build on them`;
  return `strongest genes – ${best.join("; ")} (${trust})`;
}

function stabilityOf(byClass: ReadonlyMap<number, ClassGenes>): GenesReport["checks"]["stability"] {
  const known = [...byClass.values()].flatMap(({ stability }) => stability ?? []);
  const mean = (of: (s: (typeof known)[number]) => number | null) => {
    const found = known.flatMap((s) => of(s) ?? []);
    return found.length === 0 ? null : found.reduce((a, b) => a + b, 0) / found.length;
  };
  const [rho, jaccard] = [mean((s) => s.spearman), mean((s) => s.jaccard)];
  if (rho === null || jaccard === null) return null;
  return {
    spearman: rho,
    jaccard,
    k: TOP,
    sentence: `between two folds the ranks agree by ${rho.toFixed(2)} (Spearman) and the first ${TOP} genes overlap by ${jaccard.toFixed(2)} (Jaccard), mean over the classes`,
  };
}

/** What a sample's class owes to each gene, by the net of the fold that held it out. */
export interface ExplainedSample {
  sample: string;
  label: string;
  predicted: string;
  fold: string;
  /** genes/sample_<row>.csv */
  file: string;
  /** Says that the method finds nothing; null where it does. */
  empty: string | null;
  /** None of score 0. */
  top: { gene: string; score: number }[];
}

/**
 * The genes of single samples, to the score of the class that each is predicted as.
 * @throws CellhueError where a sample is not in the run, or the run is not explained yet
 */
export async function explainSamples(
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
  open: () => Promise<Pick<RunInput, "load" | "genes">>,
  wanted: readonly string[],
): Promise<ExplainedSample[]> {
  const samples = await readSamples(run);
  const rows = wanted.map((name) => {
    const row = samples.names.indexOf(name);
    if (row >= 0) return row;
    throw new CellhueError("there is no such sample in the run", {
      where: "<sample>",
      found: visible(name, 80),
      expected: `one of the ${samples.names.length} samples of embedding.csv, e.g. ${visible(samples.names[0], 80)}`,
    });
  });
  const net = finalNetOf(run);
  const { splits } = await readSplits(run);
  const input = await open();
  const { names, ids } = input.genes();
  const found: ExplainedSample[] = [];
  for (const row of rows) {
    throwIfAborted(ctx.signal);
    const k = splits.findIndex(({ repeat, test }) => repeat === 0 && test.includes(row));
    if (k < 0)
      throw new CellhueError("no fold held this sample out: every net has seen it", {
        where: "<sample>",
        found: visible(samples.names[row], 80),
      });
    const { test, name } = splits[k];
    const probabilities = await heldOut(run, net, { k, test }, samples.classes);
    const code = argmaxRows(probabilities, samples.classes.length)[test.indexOf(row)];
    const x = await readNormalised(run, settings, encoderFolder(settings, k), input);
    const work: Work = { run, settings, ctx, samples, net, x };
    const fold = await openFold(work, { k, train: splits[k].train });
    try {
      const one = Int32Array.of(row);
      const from = fold.from(fold.weights, one);
      const { values } = await attributeGenes(settings.method, from, rowsOf(work.x, one), [code]);
      const order = descending(values.map(Math.abs));
      const file = `genes/sample_${samples.rows[row]}.csv`;
      await run.write(
        file,
        csvText(
          ["gene", "id", "score", "sign", "rank"],
          Array.from(order, (gene, at) => [
            names[gene],
            ids?.[gene] ?? "",
            values[gene],
            Math.sign(values[gene]),
            values[gene] === 0 ? null : at + 1,
          ]),
        ),
      );
      found.push({
        sample: samples.names[row],
        label: samples.classes[samples.codes[row]],
        predicted: samples.classes[code],
        fold: name,
        file,
        empty: values[order[0]] === 0 ? emptyWords(settings.method) : null,
        top: Array.from(order.subarray(0, SHOWN))
          .filter((gene) => values[gene] !== 0)
          .map((gene) => ({ gene: names[gene], score: values[gene] })),
      });
    } finally {
      await fold.release();
    }
  }
  return found;
}
