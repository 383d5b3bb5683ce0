/**
 * Explain: which genes decided, and whether the answer can be trusted. For every class the genes that moved the scores of its
 * held-out, rightly classified samples, each by the net of the fold that had not seen it (genes/genes_<class>.csv); then the
 * checks: randomised weights, shuffled labels, deletion and insertion of genes, agreement of the folds (genes.json). What a
 * fold gave is kept under genes/, so that a run that was cut off goes on.
 */
import { readFile } from "node:fs/promises";
import type { Settings } from "../config.js";
import { geneMoments } from "../embed/scale.js";
import { encoderGraph, type Painter } from "../encode/encoder.js";
import { gridOf } from "../encode/genes/painter.js";
import { CellhueError, throwIfAborted } from "../errors.js";
import { argmaxRows } from "../evaluate/metrics.js";
import { descending } from "../evaluate/ranks.js";
import { softmaxRows } from "../evaluate/softmax.js";
import { spearman } from "../evaluate/spearman.js";
import { welchT } from "../evaluate/welch-t.js";
import { type ClassGenes, classGenes, geneRows, type HeldOutAttributions } from "../explain/aggregate.js";
import { type AttributionInput, attributeGenes, attributeImage } from "../explain/attribute.js";
import {
  cascadingRandomisation,
  layersFromHead,
  randomisationVerdict,
} from "../explain/cascading-randomisation.js";
import { type Faithfulness, faithfulness } from "../explain/faithfulness.js";
import { compareWithNull } from "../explain/null-attribution.js";
import { PainterGraph, type PainterGraphOptions } from "../explain/pullback.js";
import { ScoreGraph, type ScoreGraphOptions } from "../explain/score-model.js";
import { areaOf } from "../image-size.js";
import { csvText } from "../io/csv.js";
import { readEncoder } from "../io/encoded.js";
import { readPredictions } from "../io/fold-predictions.js";
import { readSamples, type Samples } from "../io/images.js";
import type { RunFolder } from "../io/run-folder.js";
import { type RunSplit, readSplits } from "../io/splits.js";
import { visible } from "../io/visible.js";
import { fillRows, type Matrix, selectRows } from "../matrix.js";
import { nets } from "../net/nets.js";
import type { Tensors } from "../net/tensors.js";
import { initialise } from "../net/weights/init.js";
import type { NetName } from "../net/weights/layouts.js";
import { readSafetensors, writeSafetensors } from "../net/weights/safetensors.js";
import { RandomState } from "../random.js";
import type { MappedGene } from "../report/figures/gene-maps.js";
import { type ExplainedClass, type GenesReport, genesSchema } from "../report/genes-report.js";
import type { StageContext } from "./context.js";
import type { GeneNames, RunInput } from "./prepare.js";
import { readWeights, trainAgain } from "./train.js";

/** Samples explained of a class in a fold, and in all: more change the means little and cost in proportion. */
const PER_CLASS = 8;
const MOST = 400;
/** Samples of the checks that run a model some hundred times on each. */
const CHECKED = 24;
const RANDOMISED = 6;
/** Depths at which weights are randomised. */
const DEPTHS = 5;
/** Random orders of the deletion curves. */
const DRAWS = 10;
/** Genes of the top that stability is about, of the report, and of the figures. */
const TOP = 50;
const SHOWN = 20;
const CIRCLES = 10;
/** Attributions of nets of true and of shuffled labels should not agree more than this. */
const MOST_SIMILAR = 0.5;
/** Keeps the trainings on shuffled labels apart from the others of the seed. */
const SHUFFLED = 0x5bff;
/** Keeps the random streams of this stage apart from the others of the seed. */
const STREAM = 0x6e5;

export async function explainStage(
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
  open: () => Promise<Pick<RunInput, "load" | "genes">>,
): Promise<void> {
  const { progress, signal } = ctx;
  if ((await run.begin("explain", settings)) === "done") {
    progress.note("explain: done before with the same nets");
    return;
  }
  const net = run.record.stages.train?.info?.finalNet as NetName;
  const samples = await readSamples(run);
  const { splits } = await readSplits(run);
  const first = splits.map((split, k) => ({ ...split, k })).filter(({ repeat }) => repeat === 0);
  const chosen = await chooseSamples(run, samples, net, first);
  const input = await open();
  const x = await input.load();
  const work: Work = { run, settings, ctx, samples, net, x };

  const folds: FoldAttribution[] = [];
  const task = progress.task(`genes by ${settings.method}`, first.length);
  try {
    for (const [at, split] of first.entries()) {
      throwIfAborted(signal);
      task.update(at, split.name);
      folds.push(await foldAttribution(work, split, chosen[at]));
    }
    task.update(first.length);
  } finally {
    task.end();
  }
  const all = joined(folds, samples, x.cols);
  const { report, byClass } = await describe(work, input.genes(), all, folds, first);
  const names = await drawFigures(work, input.genes(), report, byClass, folds, first);
  await run.writeJson("genes.json", report);
  for (const line of report.failed) progress.warn(line);
  progress.note(report.summary);
  await run.finish("explain", ["genes.json", ...report.classes.map(({ file }) => file), ...names]);
}

/** What a sample's class owes to each gene, by the net of the fold that held it out. */
export interface ExplainedSample {
  sample: string;
  label: string;
  predicted: string;
  fold: string;
  /** genes/sample_<row>.csv */
  file: string;
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
  const net = run.record.stages.train?.info?.finalNet as NetName;
  const { splits } = await readSplits(run);
  const input = await open();
  const { names, ids } = input.genes();
  const work: Work = { run, settings, ctx, samples, net, x: await input.load() };
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
    const fold = await openFold(work, { k, train: splits[k].train });
    try {
      const one = Int32Array.of(row);
      const weights = await readWeights(run, `folds/${net}/${k}`);
      const { values } = await attributeGenes(settings.method, fold.from(weights, one), rowsOf(work.x, one), [
        code,
      ]);
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
            at + 1,
          ]),
        ),
      );
      found.push({
        sample: samples.names[row],
        label: samples.classes[samples.codes[row]],
        predicted: samples.classes[code],
        fold: name,
        file,
        top: Array.from(order.subarray(0, SHOWN), (gene) => ({ gene: names[gene], score: values[gene] })),
      });
    } finally {
      await fold.release();
    }
  }
  return found;
}

interface Work {
  run: RunFolder;
  settings: Settings;
  ctx: StageContext;
  samples: Samples;
  net: NetName;
  /** All samples × genes, normalised. */
  x: Matrix;
}

type FirstSplit = RunSplit & { k: number };

/** What a fold says about its held-out samples. */
interface FoldAttribution {
  k: number;
  /** Indices of samples of the run. */
  rows: Int32Array;
  /** rows × genes. */
  values: Float32Array;
  incomplete: Float32Array;
}

/** Probabilities of the samples that a fold held out, by its net: test × classes. */
async function heldOut(
  run: RunFolder,
  net: NetName,
  { k, test }: Pick<FirstSplit, "k" | "test">,
  classes: readonly string[],
): Promise<Float64Array> {
  const path = `folds/${net}/${k}/predictions.csv`;
  return (await readPredictions(run, path, classes, test.length)).probabilities;
}

/** Of each fold the held-out samples that its net classifies rightly, the first PER_CLASS of each class, MOST in all. */
async function chooseSamples(
  run: RunFolder,
  { classes, codes }: Samples,
  net: NetName,
  first: readonly FirstSplit[],
): Promise<Int32Array[]> {
  const most = Math.max(1, Math.min(PER_CLASS, Math.floor(MOST / (first.length * classes.length))));
  const chosen: Int32Array[] = [];
  for (const { k, test } of first) {
    const predicted = argmaxRows(await heldOut(run, net, { k, test }, classes), classes.length);
    const taken = new Int32Array(classes.length);
    chosen.push(test.filter((row, i) => predicted[i] === codes[row] && taken[codes[row]]++ < most));
  }
  return chosen;
}

/** The models of a fold's net, and what its methods need beside; `release` frees them. */
async function openFold(
  { run, settings, ctx, samples, net, x }: Work,
  { k, train }: Pick<FirstSplit, "k" | "train">,
) {
  const encoder = await readEncoder(run, settings, k);
  const threads = settings.threads || undefined;
  const { size } = settings;
  const shared = { size, threads, signal: ctx.signal };
  const network: ScoreGraphOptions["network"] = (c, images) =>
    nets[net].build(c, images, samples.classes.length);
  const paint =
    (smooth: boolean): PainterGraphOptions["paint"] =>
    (g, expression) =>
      encoderGraph(g, encoder, expression, smooth).image;
  const genes = new ScoreGraph({ ...shared, network, painter: { genes: x.cols, paint: paint(true) } });
  const image = new ScoreGraph({ ...shared, network });
  const painter = new PainterGraph({ paint: paint(true), genes: x.cols, threads, signal: ctx.signal });
  const exact = new PainterGraph({ paint: paint(false), genes: x.cols, threads, signal: ctx.signal });
  const { mean, variance } = geneMoments(selectRows(x, train));
  const training = {
    count: train.length,
    fill: (row: number, into: Float32Array) => fillRows(x, [train[row]], into),
  };
  return {
    encoder,
    genes,
    image,
    painter,
    exact,
    from: (weights: Tensors, rows: Int32Array): AttributionInput => ({
      genes: genes.model(weights),
      image: image.model(weights),
      painter,
      training,
      mean: Float32Array.from(mean),
      sd: Float32Array.from(variance, Math.sqrt),
      random: (i) => new RandomState([settings.seed, STREAM, rows[i]]),
    }),
    async release() {
      for (const graph of [genes, image, painter, exact]) await graph.release();
    },
  };
}

function rowsOf(x: Matrix, rows: Int32Array): Float32Array {
  const out = new Float32Array(rows.length * x.cols);
  fillRows(x, rows, out);
  return out;
}

const codesOf = ({ codes }: Samples, rows: Int32Array) => rows.map((row) => codes[row]);

/** The attributions of one fold, read from genes/ where they are there whole. */
async function foldAttribution(work: Work, split: FirstSplit, rows: Int32Array): Promise<FoldAttribution> {
  const { run, settings, samples, net, x } = work;
  const path = `genes/fold_${split.k}.safetensors`;
  const kept = await readKept(run, path, rows, x.cols);
  if (kept !== undefined) return { k: split.k, rows, ...kept };
  const fold = await openFold(work, split);
  try {
    const weights = await readWeights(run, `folds/${net}/${split.k}`);
    const { values, incomplete } = await attributeGenes(
      settings.method,
      fold.from(weights, rows),
      rowsOf(x, rows),
      codesOf(samples, rows),
    );
    const found = { values, incomplete: Float32Array.from(incomplete ?? []) };
    await writeKept(run, path, rows, x.cols, found);
    return { k: split.k, rows, ...found };
  } finally {
    await fold.release();
  }
}

/** Attributions of some samples, for a run that is cut off after them. */
type Kept = Pick<FoldAttribution, "values" | "incomplete">;

async function writeKept(
  run: RunFolder,
  path: string,
  rows: Int32Array,
  genes: number,
  { values, incomplete }: Kept,
): Promise<void> {
  const tensors = new Map([
    ["rows", { dims: [rows.length], data: Float32Array.from(rows) }],
    ["values", { dims: [rows.length, genes], data: values }],
    ["incomplete", { dims: [incomplete.length], data: incomplete }],
  ]);
  await run.write(path, writeSafetensors(tensors));
}

/** @returns undefined where they are not there, damaged, or of other samples */
async function readKept(
  run: RunFolder,
  path: string,
  rows: Int32Array,
  genes: number,
): Promise<Kept | undefined> {
  const bytes = await readFile(run.path(path)).catch(() => undefined);
  if (bytes === undefined) return undefined;
  try {
    const { tensors } = readSafetensors(bytes, path);
    const [values, incomplete] = [tensors.get("values")?.data, tensors.get("incomplete")?.data];
    const same = tensors.get("rows")?.data.every((row, i) => row === rows[i]);
    if (same && incomplete && values?.length === rows.length * genes) return { values, incomplete };
  } catch {
    // Damaged: computed anew.
  }
  return undefined;
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

/** Everything that is told: tables, checks, summary. */
async function describe(
  work: Work,
  names: GeneNames,
  all: HeldOutAttributions,
  folds: readonly FoldAttribution[],
  first: readonly FirstSplit[],
): Promise<{ report: GenesReport; byClass: Map<number, ClassGenes> }> {
  const { run, settings, ctx, samples, net, x } = work;
  const byClass = new Map<number, ClassGenes>();
  const missing: string[] = [];
  for (const [code, label] of samples.classes.entries()) {
    if (all.codes.includes(code)) byClass.set(code, classGenes(all, code, label, TOP));
    else missing.push(label);
  }
  for (const label of missing)
    ctx.progress.warn(
      `no held-out sample of '${label}' was classified rightly by ${net}: nothing explains it`,
    );

  // The checks that run the models often look at the first fold that has samples.
  const at = folds.findIndex(({ rows }) => rows.length > 0);
  if (at < 0) return { report: nothing(work, missing), byClass };
  const split = first[at];
  const fold = await openFold(work, split);
  try {
    const weights = await readWeights(run, `folds/${net}/${split.k}`);
    const { rows, values } = folds[at];
    const shuffled = await shuffledScores(work, split, rows, fold);
    const { painter } = fold.encoder;
    const painted =
      painter.kind === "genes" ? painter.chosen : Int32Array.from({ length: x.cols }, (_, g) => g);
    const classes: ExplainedClass[] = [];
    const t = welchT(x, samples.codes, samples.classes.length).t;
    for (const [code, genes] of byClass) {
      const tRanks = ranksOf(t.subarray(code * x.cols, (code + 1) * x.cols));
      const nulls = shuffled.map(({ scores }) => scores(code)).filter((scores) => scores !== undefined);
      const q = nulls.length > 0 ? compareWithNull(genes.score, nulls, true).q : null;
      classes.push(await writeClass(work, names, code, genes, q, tRanks));
    }
    const some = evenly(rows, CHECKED);
    const curves = await deletionChecks(work, fold, weights, rows, values, some);
    const randomisation = await randomised(work, fold, weights, evenly(rows, RANDOMISED), painted, split.k);
    const labels = labelCheck(shuffled, values, x.cols, painted);
    const stability = stabilityOf(byClass);
    const failed = [
      ...(randomisation.verdict === "fails" ? [randomisation.sentence] : []),
      ...(labels?.verdict === "fails" ? [labels.sentence] : []),
      ...(curves.deletion.better ? [] : [`deletion: ${curves.deletion.sentence}`]),
      ...(curves.insertion.better ? [] : [`insertion: ${curves.insertion.sentence}`]),
    ];
    const gaps = Float64Array.from(folds.flatMap((f) => [...f.incomplete])).sort();
    const report: GenesReport = {
      schema: genesSchema,
      net,
      encoder: settings.encoder,
      method: settings.method,
      genes: x.cols,
      painted: painted.length,
      classes,
      missing,
      completeness:
        gaps.length === 0 ? null : { median: gaps[gaps.length >> 1], greatest: gaps[gaps.length - 1] },
      checks: {
        randomisation,
        labels,
        ...curves,
        stability,
        chance:
          shuffled.length === 0
            ? null
            : {
                rounds: shuffled.length,
                resolution: 1 / (shuffled.length * x.cols + 1),
                sentence: `scores of ${shuffled.length} ${shuffled.length === 1 ? "net" : "nets"} trained on shuffled labels are the null, pooled over the genes`,
              },
      },
      failed: failed.map((line) => `the explanation fails a check: ${line}`),
      summary: summaryOf(classes, failed),
    };
    return { report, byClass };
  } finally {
    await fold.release();
  }
}

function nothing({ settings, net, x }: Work, missing: string[]): GenesReport {
  const none = {
    area: 0,
    random: 0,
    expression: 0,
    better: false,
    samples: 0,
    sentence: "no sample to look at",
    curves: { fractions: [], method: [], random: [], expression: [] },
  };
  return {
    schema: genesSchema,
    net,
    encoder: settings.encoder,
    method: settings.method,
    genes: x.cols,
    painted: 0,
    classes: [],
    missing,
    completeness: null,
    checks: {
      randomisation: { steps: [], verdict: "undecided", sentence: "no sample to look at" },
      labels: null,
      deletion: none,
      insertion: none,
      stability: null,
      chance: null,
    },
    failed: [],
    summary: `no held-out sample was classified rightly by ${net}: there is nothing to explain`,
  };
}

function summaryOf(classes: readonly ExplainedClass[], failed: readonly string[]): string {
  const best = classes.map(
    ({ label, top }) =>
      `${label}: ${top
        .slice(0, 3)
        .map(({ gene }) => gene)
        .join(", ")}`,
  );
  const trust =
    failed.length === 0
      ? "every check passed"
      : `${failed.length} of the checks failed, so do not build on them`;
  return `strongest genes – ${best.join("; ")} (${trust})`;
}

/** Rank of every gene by size, from 1. */
function ranksOf(scores: Float64Array): Int32Array {
  const ranks = new Int32Array(scores.length);
  descending(scores.map(Math.abs)).forEach((gene, at) => {
    ranks[gene] = at + 1;
  });
  return ranks;
}

/** At most `most` of the rows, evenly over them. */
const evenly = (rows: Int32Array, most: number): Int32Array =>
  rows.length <= most
    ? rows
    : Int32Array.from({ length: most }, (_, i) => rows[Math.floor((i * rows.length) / most)]);

async function writeClass(
  { run }: Work,
  { names, ids }: GeneNames,
  code: number,
  genes: ClassGenes,
  q: Float64Array | null,
  tRanks: Int32Array,
): Promise<ExplainedClass> {
  const { name: label, folder } = run.record.classes[code];
  const file = `genes/genes_${folder}.csv`;
  const rows = geneRows(genes, names).map((row, at) => {
    const column = genes.order[at];
    return { ...row, id: ids?.[column] ?? "", q: q?.[column] ?? null, tRank: tRanks[column] };
  });
  await run.write(
    file,
    csvText(
      ["gene", "id", "score", "sign", "rank", "stability", "q", "t_rank"],
      rows.map((row) => [
        row.gene,
        row.id,
        row.score,
        row.sign,
        row.rank,
        row.stability ?? "",
        row.q ?? "",
        row.tRank,
      ]),
    ),
  );
  return {
    label,
    file,
    samples: genes.samples,
    significant: q === null ? null : q.reduce((n, v) => n + (v <= 0.05 ? 1 : 0), 0),
    top: rows
      .slice(0, SHOWN)
      .map(({ gene, score, stability, q, tRank }) => ({ gene, score, stability, q, tRank })),
  };
}

/** Attributions of the first fold's samples by a net that was trained on shuffled labels. */
interface Shuffled {
  values: Float32Array;
  /** Mean over the samples of a class. */
  scores: (code: number) => Float64Array | undefined;
}

async function shuffledScores(
  work: Work,
  split: FirstSplit,
  rows: Int32Array,
  fold: Awaited<ReturnType<typeof openFold>>,
): Promise<Shuffled[]> {
  const { run, settings, ctx, samples, net, x } = work;
  const found: Shuffled[] = [];
  for (let round = 0; round < settings.nulls; round++) {
    const path = `genes/shuffled_${round}.safetensors`;
    let values = (await readKept(run, path, rows, x.cols))?.values;
    if (values === undefined) {
      const codes = samples.codes.slice();
      new RandomState([settings.seed, SHUFFLED, round])
        .permutation(split.train.length)
        .forEach((from, at) => {
          codes[split.train[at]] = samples.codes[split.train[from]];
        });
      const weights = await trainAgain(run, settings, ctx, net, split, async () => x, {
        folder: `genes/shuffled_${round}`,
        name: `${net} on shuffled labels ${round + 1}/${settings.nulls}`,
        stream: SHUFFLED + round,
        codes,
        validation: new Int32Array(0),
        settings: { patience: 0 },
      });
      ({ values } = await attributeGenes(
        settings.method,
        fold.from(weights, rows),
        rowsOf(x, rows),
        codesOf(samples, rows),
      ));
      await writeKept(run, path, rows, x.cols, { values, incomplete: new Float32Array(0) });
    }
    const all = values;
    found.push({
      values,
      scores: (code) => {
        const own = [...rows.keys()].filter((i) => samples.codes[rows[i]] === code);
        if (own.length === 0) return undefined;
        const mean = new Float64Array(x.cols);
        for (const i of own) for (let g = 0; g < x.cols; g++) mean[g] += all[i * x.cols + g] / own.length;
        return mean;
      },
    });
  }
  return found;
}

function labelCheck(
  shuffled: readonly Shuffled[],
  values: Float32Array,
  genes: number,
  painted: Int32Array,
): GenesReport["checks"]["labels"] {
  if (shuffled.length === 0) return null;
  const n = values.length / genes;
  const similarities: number[] = [];
  for (const other of shuffled)
    for (let i = 0; i < n; i++) {
      const of = (all: Float32Array) => Float32Array.from(painted, (gene) => all[i * genes + gene]);
      const own = of(values);
      if (own.some((v) => v !== own[0])) similarities.push(spearman(own, of(other.values)));
    }
  if (similarities.length === 0)
    return { similarity: Number.NaN, verdict: "undecided", sentence: "nothing to compare" };
  const similarity = similarities.reduce((a, b) => a + b, 0) / similarities.length;
  const verdict = similarity > MOST_SIMILAR ? "fails" : "passes";
  return {
    similarity,
    verdict,
    sentence: `a net trained on shuffled labels gives genes that agree with these by ${similarity.toFixed(2)} (Spearman of what they say for and against; at most ${MOST_SIMILAR} to pass)`,
  };
}

async function randomised(
  { run, settings, samples, x }: Work,
  fold: Awaited<ReturnType<typeof openFold>>,
  weights: Tensors,
  rows: Int32Array,
  painted: Int32Array,
  k: number,
): Promise<GenesReport["checks"]["randomisation"]> {
  const net = run.record.stages.train?.info?.finalNet as NetName;
  const random = initialise(fold.genes.specs, net, new RandomState([settings.seed, STREAM, k, 1]));
  const every = layersFromHead(fold.genes.specs);
  // Five depths, each with all layers from the head down to it.
  const layers = Array.from(
    { length: Math.min(DEPTHS, every.length) },
    (_, d, count = Math.min(DEPTHS, every.length)) => {
      const part = every.slice(
        Math.floor((d * every.length) / count),
        Math.floor(((d + 1) * every.length) / count),
      );
      return { name: part.at(-1)?.name ?? "", params: part.flatMap(({ params }) => params) };
    },
  );
  const expression = rowsOf(x, rows);
  const codes = codesOf(samples, rows);
  // With their signs: sizes alone also follow how far a gene is from its mean, whatever the net.
  const attribute = async (given: Tensors) => {
    const { values } = await attributeGenes(settings.method, fold.from(given, rows), expression, codes);
    return Float32Array.from({ length: rows.length * painted.length }, (_, p) => {
      const [i, at] = [Math.floor(p / painted.length), p % painted.length];
      return values[i * x.cols + painted[at]];
    });
  };
  const steps = await cascadingRandomisation(weights, random, layers, rows.length, attribute, true);
  const { verdict, similarity, bound } = randomisationVerdict(steps);
  return {
    steps: steps.map(({ layer, similarity }) => ({ layer, similarity })),
    verdict,
    sentence: `with all weights randomised the genes agree with these by ${similarity.toFixed(2)} (Spearman of what they say for and against; at most ${bound} to pass)`,
  };
}

async function deletionChecks(
  { settings, ctx, samples, x }: Work,
  fold: Awaited<ReturnType<typeof openFold>>,
  weights: Tensors,
  rows: Int32Array,
  values: Float32Array,
  some: Int32Array,
) {
  const image = fold.image.model(weights);
  const input = fold.from(weights, some);
  const orders = new Int32Array(some.length * x.cols);
  some.forEach((row, i) => {
    const at = rows.indexOf(row) * x.cols;
    orders.set(descending(Float64Array.from(values.subarray(at, at + x.cols))), i * x.cols);
  });
  const of = {
    // What the net really sees: the image is painted again, bytes and all.
    scores: async (expression: Float32Array) =>
      Float32Array.from(softmaxRows(await image.scores(await fold.exact.paint(expression)), image.classes)),
    classes: image.classes,
    x: rowsOf(x, some),
    codes: codesOf(samples, some),
    mean: input.mean,
  };
  const check = async (direction: "deletion" | "insertion", key: number) => {
    const random = new RandomState([settings.seed, STREAM, key]);
    return faithfulness(of, orders, direction, { random, draws: DRAWS, ...ctx });
  };
  const deletion = await check("deletion", 2);
  const insertion = await check("insertion", 3);
  const told = ({ method, random, expression, better, sentence }: Faithfulness) => ({
    area: method.area,
    random: random.area,
    expression: expression.area,
    better,
    samples: some.length,
    sentence,
  });
  return {
    deletion: { ...told(deletion), curves: curvesOf(deletion) },
    insertion: { ...told(insertion), curves: curvesOf(insertion) },
  };
}

const curvesOf = ({ fractions, method, random, expression }: Faithfulness) => ({
  fractions: [...fractions],
  method: [...method.curve],
  random: [...random.curve],
  expression: [...expression.curve],
});

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

/** Genes of the heat map, of each class. */
const HEAT = 8;
const MOST_HEAT = 60;

async function drawFigures(
  work: Work,
  { names }: GeneNames,
  report: GenesReport,
  byClass: ReadonlyMap<number, ClassGenes>,
  folds: readonly FoldAttribution[],
  first: readonly FirstSplit[],
): Promise<string[]> {
  const { run, settings, samples, net } = work;
  const { geneDeletion, geneHeat, geneMaps } = await import("../report/figures.js");
  const { writeFigure } = await import("../report/figure.js");
  const panels = await mapPanels(work, names, byClass, folds, first);
  const { size, method } = settings;
  const failed = report.failed.length > 0 ? "FAILS ITS CHECKS" : undefined;
  const figures = await geneMaps({ panels, size, net, method, failed });

  const rows = new Set<number>();
  const each = Math.max(1, Math.min(HEAT, Math.floor(MOST_HEAT / Math.max(1, byClass.size))));
  for (const { order } of byClass.values()) for (const gene of order.subarray(0, each)) rows.add(gene);
  if (rows.size > 0) {
    const shown = [...rows].slice(0, MOST_HEAT);
    const codes = [...byClass.keys()];
    const scores = new Float32Array(shown.length * codes.length);
    codes.forEach((code, c) => {
      const { score, order } = byClass.get(code) as ClassGenes;
      const most = Math.abs(score[order[0]]) || 1;
      shown.forEach((gene, i) => {
        scores[i * codes.length + c] = score[gene] / most;
      });
    });
    figures.push(
      await geneHeat({
        classes: codes.map((code) => samples.classes[code]),
        genes: shown.map((gene) => names[gene]),
        scores,
        method,
      }),
    );
    const panel = (title: string, { curves }: GenesReport["checks"]["deletion"]) => ({
      title,
      curves: [
        { name: `strongest first (${method})`, values: curves.method },
        { name: "random order", values: curves.random },
        { name: "by mean expression", values: curves.expression },
      ],
    });
    const { deletion, insertion } = report.checks;
    const shares = deletion.curves.fractions;
    figures.push(
      geneDeletion({ shares, panels: [panel("deletion", deletion), panel("insertion", insertion)] }),
    );
  }
  for (const figure of figures) await writeFigure(run.path("figures"), figure);
  return figures.flatMap(({ name }) => [`figures/${name}.svg`, `figures/${name}.png`]);
}

/** Of every class the explained sample that its net is surest of, beside the map of its image. */
async function mapPanels(
  work: Work,
  names: readonly string[],
  byClass: ReadonlyMap<number, ClassGenes>,
  folds: readonly FoldAttribution[],
  first: readonly FirstSplit[],
) {
  const { run, settings, samples, net, x } = work;
  const { classes, codes } = samples;
  const best = new Map<number, { fold: number; row: number; probability: number }>();
  for (const [fold, { k, rows }] of folds.entries()) {
    const { test } = first[fold];
    const probabilities = await heldOut(run, net, { k, test }, classes);
    for (const row of rows) {
      const probability = probabilities[test.indexOf(row) * classes.length + codes[row]];
      if (probability > (best.get(codes[row])?.probability ?? -1))
        best.set(codes[row], { fold, row, probability });
    }
  }
  const panels: import("../report/figures.js").GeneMapPanels["panels"][number][] = [];
  for (const fold of new Set([...best.values()].map((b) => b.fold))) {
    const chosen = [...best].filter(([, b]) => b.fold === fold);
    const rows = Int32Array.from(chosen, ([, { row }]) => row);
    const opened = await openFold(work, first[fold]);
    try {
      const weights = await readWeights(run, `folds/${net}/${first[fold].k}`);
      const images = await opened.exact.paint(rowsOf(x, rows));
      const maps = await attributeImage(
        settings.method,
        opened.from(weights, rows),
        images,
        codesOf(samples, rows),
      );
      const area = areaOf(settings.size);
      chosen.forEach(([code, { row, probability }], i) => {
        const rgb = new Uint8Array(3 * area);
        for (let c = 0; c < 3; c++)
          for (let p = 0; p < area; p++) rgb[3 * p + c] = Math.round(images[(3 * i + c) * area + p] * 255);
        const { score, order } = byClass.get(code) as ClassGenes;
        panels.push({
          label: classes[code],
          sample: samples.names[row],
          probability,
          image: rgb,
          map: maps.subarray(i * area, (i + 1) * area).map(Math.abs),
          genes: Array.from(order.subarray(0, CIRCLES), (gene) => ({
            gene: names[gene],
            score: score[gene],
            at: placeOf(opened.encoder.painter, gene),
          })),
        });
      });
    } finally {
      await opened.release();
    }
  }
  return panels.sort((a, b) => classes.indexOf(a.label) - classes.indexOf(b.label));
}

/** Middle of a gene's pixel in the image (of the red channel, where each has its own). */
function placeOf(painter: Painter, gene: number): MappedGene["at"] {
  if (painter.kind !== "genes") return undefined;
  const i = painter.chosen.indexOf(gene);
  if (i < 0) return undefined;
  const { width } = gridOf(painter);
  const pixel = painter.placings[0][i];
  const middle = (index: number) => (index + 0.5) * painter.zoom;
  return { x: middle(pixel % width), y: middle(Math.floor(pixel / width)) };
}
