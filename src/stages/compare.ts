/**
 * Compare: from the out-of-fold predictions of nets and baselines to metrics.json (schema "cellhue.metrics/1"): all
 * metrics per fold and pooled, with intervals; calibration and label sets; Wilcoxon's test for every pair of nets, and a
 * verdict over all models that says where the data cannot decide; warnings. Figures: training_history,
 * confusion_matrix_avg, reliability, risk_coverage.
 */
import { basename } from "node:path";
import type { Settings } from "../config.js";
import { throwIfAborted } from "../errors.js";
import { baselinesFor } from "../evaluate/baselines/index.js";
import { type Calibration, calibration } from "../evaluate/calibration.js";
import { conformalCoverage } from "../evaluate/conformal.js";
import { type ConfusionCell, confusionCells, largestConfusion } from "../evaluate/confusion-matrix.js";
import { MANY_CLASSES } from "../evaluate/many-classes.js";
import { type MetricIntervals, metricIntervals } from "../evaluate/metric-intervals.js";
import { argmaxRows, type FoldMetrics, foldMetrics } from "../evaluate/metrics.js";
import { type Ranking, rankModels } from "../evaluate/ranking.js";
import { riskCoverage } from "../evaluate/risk-coverage.js";
import { temperRows } from "../evaluate/softmax.js";
import { type MetricSpread, meanAndSd } from "../evaluate/summary.js";
import { type Undertrained, undertrained } from "../evaluate/undertrained.js";
import { wilcoxonSignedRank } from "../evaluate/wilcoxon.js";
import { wilsonInterval } from "../evaluate/wilson.js";
import { type Predictions, readPredictions } from "../io/fold-predictions.js";
import type { RunFolder } from "../io/run-folder.js";
import { type RunSplit, readSplits } from "../io/splits.js";
import type { NetName } from "../net/weights/layouts.js";
import { RandomState } from "../random.js";
import type { ConfusionAverage } from "../report/figures/confusion-average.js";
import { stepsPerEpoch } from "../train/batches.js";
import type { EpochRecord } from "../train/loop.js";
import type { Candidate } from "../train/tune.js";
import { calibrateOn } from "./calibrate.js";
import type { StageContext } from "./context.js";

export const metricsSchema = "cellhue.metrics/1";

/** folds/<net>/<k>/history.json, as the training writes it. */
export interface FoldHistory {
  fold: number;
  epochs: EpochRecord[];
  /** Of the lowest validation loss. */
  bestEpoch?: number;
  /** What nested cross-validation chose. */
  chosen?: Candidate;
  nTrain: number;
  nValidation: number;
  nTest: number;
  seconds: number;
  weights: { source: string; sha256: string | null; pretrained: boolean };
}

/** Which classes are taken for which. */
export interface Confusion {
  /** Counts over all folds: rows true, columns predicted, in the order of data.classes; null above 200 classes. */
  confusion: number[][] | null;
  /** The same as a mean count per fold. */
  confusionMean: number[][] | null;
  /** Each row divided by its sum. */
  confusionNormalised: number[][] | null;
  /** Above 200 classes, in place of the three: the cells of `confusion` that are not 0. */
  confusionCells?: ConfusionCell[];
}

/** What is said of every model, net or baseline. */
export interface Scores extends Confusion {
  mean: FoldMetrics;
  sd: MetricSpread;
  /** On the predictions of all folds together (of the first repeat), with 95 % intervals; by groups where there are any. */
  pooled: MetricIntervals;
}

/** How label sets did on the test samples, each fold's set by its own validation part. */
export interface SetCoverage {
  /** What was asked for. */
  asked: number;
  samples: number;
  coverage: number;
  interval: [low: number, high: number];
  meanSize: number;
}

export interface ModelMetrics extends Scores {
  net: NetName;
  encoder: Settings["encoder"];
  protocol: Settings["protocol"];
  /** As the settings have it: "pretrained", "random" or a file. */
  weights: string;
  /** What that came to. */
  weightsSource: FoldHistory["weights"];
  /** `seconds`: training of the fold. */
  folds: ({
    fold: number;
    nTrain: number;
    nValidation: number;
    nTest: number;
    seconds: number;
    bestEpoch?: number;
    chosen?: Candidate;
    /** Fitted on the fold's validation part; null where it has none. */
    temperature: number | null;
  } & FoldMetrics)[];
  /** `after`: each sample at the temperature of its fold. */
  calibration: Calibration;
  /** null where no validation part calibrates them. */
  labelSets: SetCoverage | null;
}

export interface BaselineMetrics extends Scores {
  name: string;
  title: string;
  features: string;
  folds: ({ fold: number; nTrain: number; nTest: number } & FoldMetrics)[];
  calibration: Calibration;
}

export interface Comparison {
  a: NetName;
  b: NetName;
  metric: "accuracy";
  test: "wilcoxon";
  statistic: number;
  p: number;
  /** The smallest p that so many pairs can give. */
  pAttainable: number;
  pairs: number;
  note?: string;
}

export interface Metrics {
  schema: typeof metricsSchema;
  data: {
    file: string;
    sha256: string;
    samples: number;
    genes: number;
    dropped: number;
    label: string;
    classes: { name: string; count: number }[];
    /** Share of the largest class: the accuracy of always guessing it. */
    majority: number;
  };
  settings: Pick<
    Settings,
    | "protocol"
    | "cv"
    | "folds"
    | "repeats"
    | "group"
    | "split"
    | "validation"
    | "epochs"
    | "lr"
    | "batch"
    | "size"
    | "seed"
    | "components"
    | "genes"
    | "scale"
    | "normalize"
    | "permuteLabels"
  >;
  /** Each split in order: the fold of a repeat, by name. */
  splits: { repeat: number; fold: number; name: string }[];
  models: ModelMetrics[];
  baselines: BaselineMetrics[];
  comparisons: Comparison[];
  /** Which models are better than which, and better than guessing; over nets and baselines. */
  verdict: Ranking;
  warnings: Undertrained[];
  /** What the folds mean, in sentences. */
  notes: string[];
}

interface Fold extends Predictions {
  history: FoldHistory;
  validation: Predictions;
}

/** What all models of a run share. */
interface Design {
  classes: readonly string[];
  splits: readonly RunSplit[];
  /** Group code of each sample. */
  groups: Int32Array | undefined;
  seed: number;
  samples: number;
}

/** Keep the streams of random numbers apart from those of training. */
const INTERVALS = 0xb007;
const RANKING = 0xba9e;

export async function compareStage(run: RunFolder, settings: Settings, ctx: StageContext): Promise<Metrics> {
  const { progress, signal } = ctx;
  if ((await run.begin("compare", settings)) === "done") {
    progress.note("compare: done before on the same predictions");
    const metrics = await run.readJson<Metrics>("metrics.json");
    for (const { message } of metrics.warnings) progress.warn(message);
    return metrics;
  }
  const { record } = run;
  const names = record.classes.map((c) => c.name);
  const counts = record.classes.map((c) => c.count);
  const samples = counts.reduce((sum, count) => sum + count, 0);
  const majority = Math.max(...counts) / samples;
  const { splits, notes, groups } = await readSplits(run);
  const design: Design = {
    classes: names,
    splits,
    groups: groups === null ? undefined : codesOf(groups),
    seed: settings.seed,
    samples,
  };

  const models: ModelMetrics[] = [];
  const warnings: Undertrained[] = [];
  const curves: { net: string; folds: { fold: number; loss: number[] }[] }[] = [];
  const pooled = new Map<string, Pooled[]>();
  const baselines = baselinesFor(names.length);
  const task = progress.task("metrics", settings.net.length + baselines.length);
  for (const net of settings.net) {
    throwIfAborted(signal);
    const folds = await readFolds(run, net, splits, names);
    const judged = judgeNet(folds, settings, design);
    models.push({
      net,
      encoder: settings.encoder,
      protocol: settings.protocol,
      weights: settings.weights[net] ?? "pretrained",
      weightsSource: folds[0].history.weights,
      ...judged,
    });
    pooled.set(net, pool(folds, design));
    const losses = folds.map(({ history }) => history.epochs.map(({ loss }) => loss));
    curves.push({ net, folds: losses.map((loss, fold) => ({ fold, loss })) });
    const warning = undertrained({
      net,
      losses,
      accuracy: judged.mean.accuracy,
      majority,
      classes: names.length,
      stepsPerEpoch: stepsPerEpoch(Math.min(...folds.map(({ history }) => history.nTrain)), settings.batch),
    });
    if (warning && !settings.permuteLabels) {
      warnings.push(warning);
      progress.warn(warning.message);
    }
    task.update(models.length);
  }
  const classical: BaselineMetrics[] = [];
  for (const { name, title, features } of baselines) {
    throwIfAborted(signal);
    const folds = await Promise.all(
      splits.map(({ test }, k) => readPredictions(run, `baselines/${name}/${k}.csv`, names, test.length)),
    );
    const scores = judge(folds, design);
    const { actual, probabilities } = pool(folds, design)[0];
    classical.push({
      name,
      title,
      features,
      ...scores,
      folds: scores.folds.map((metrics, fold) => ({
        fold,
        nTrain: splits[fold].train.length + splits[fold].validation.length,
        nTest: splits[fold].test.length,
        ...metrics,
      })),
      calibration: calibration(actual, probabilities, names.length),
    });
    pooled.set(name, pool(folds, design));
    task.update(models.length + classical.length);
  }
  task.end();

  const verdict = rankAll(models, classical, pooled, design);
  const metrics: Metrics = {
    schema: metricsSchema,
    data: {
      file: basename(record.input.path),
      sha256: record.input.sha256,
      samples,
      genes: record.input.genes,
      dropped: record.input.dropped,
      label: settings.label,
      classes: record.classes.map(({ name, count }) => ({ name, count })),
      majority,
    },
    settings: shown(settings),
    splits: splits.map(({ repeat, fold, name }) => ({ repeat, fold, name })),
    models,
    baselines: classical,
    comparisons: compareNets(models),
    verdict,
    warnings,
    notes,
  };
  await run.writeJson("metrics.json", metrics);

  throwIfAborted(signal);
  const figures = await writeFigures(run, metrics, curves, pooled);
  await run.finish("compare", ["metrics.json", ...figures]);
  return metrics;
}

function shown(settings: Settings): Metrics["settings"] {
  const { protocol, cv, folds, repeats, group, split, validation, epochs, lr, batch, size, seed } = settings;
  const { components, genes, scale, normalize, permuteLabels } = settings;
  return {
    protocol,
    cv,
    folds,
    repeats,
    group,
    split,
    validation,
    epochs,
    lr,
    batch,
    size,
    seed,
    components,
    genes,
    scale,
    normalize,
    permuteLabels,
  };
}

function codesOf(texts: readonly string[]): Int32Array {
  const names = [...new Set(texts)];
  return Int32Array.from(texts, (text) => names.indexOf(text));
}

/** The predictions of one repeat, in the order of the samples. */
interface Pooled extends Predictions {
  /** Indices of samples, rising. */
  rows: Int32Array;
  /** Fold of each. */
  folds: Int32Array;
}

function pool(folds: readonly Predictions[], { splits, classes }: Design): Pooled[] {
  const k = classes.length;
  const repeats = Math.max(...splits.map(({ repeat }) => repeat)) + 1;
  return Array.from({ length: repeats }, (_, repeat) => {
    const at = splits.flatMap((split, s) =>
      split.repeat === repeat ? Array.from(split.test, (row, i) => ({ row, s, i })) : [],
    );
    at.sort((a, b) => a.row - b.row);
    const probabilities = new Float64Array(at.length * k);
    for (const [to, { s, i }] of at.entries())
      probabilities.set(folds[s].probabilities.subarray(i * k, (i + 1) * k), to * k);
    return {
      rows: Int32Array.from(at, ({ row }) => row),
      folds: Int32Array.from(at, ({ s }) => s),
      actual: Int32Array.from(at, ({ s, i }) => folds[s].actual[i]),
      probabilities,
    };
  });
}

/** Metrics per fold, over folds, and pooled with intervals. */
function judge(folds: readonly Predictions[], design: Design): Scores & { folds: FoldMetrics[] } {
  const k = design.classes.length;
  const metrics = folds.map(({ actual, probabilities }) => foldMetrics(actual, probabilities, k));
  const cells = confusionCells(
    Int32Array.from(folds.flatMap(({ actual }) => [...actual])),
    Int32Array.from(folds.flatMap(({ probabilities }) => [...argmaxRows(probabilities, k)])),
    k,
  );
  const [{ actual, probabilities, rows }] = pool(folds, design);
  const { groups } = design;
  return {
    ...meanAndSd(metrics),
    folds: metrics,
    pooled: metricIntervals(actual, probabilities, k, {
      random: new RandomState([design.seed, INTERVALS]),
      groups: groups && rows.map((row) => groups[row]),
    }),
    ...confusionOf(cells, k, folds.length),
  };
}

function confusionOf(cells: ConfusionCell[], classes: number, folds: number): Confusion {
  if (classes > MANY_CLASSES)
    return { confusion: null, confusionMean: null, confusionNormalised: null, confusionCells: cells };
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [a, b, count] of cells) confusion[a][b] = count;
  return { confusion, ...perFold(confusion, folds) };
}

const perFold = (confusion: readonly number[][], folds: number) => ({
  confusionMean: confusion.map((row) => row.map((count) => count / folds)),
  confusionNormalised: confusion.map((row) => {
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((count) => (sum > 0 ? count / sum : 0));
  }),
});

function judgeNet(
  folds: readonly Fold[],
  settings: Settings,
  design: Design,
): Scores & Pick<ModelMetrics, "folds" | "calibration" | "labelSets"> {
  const k = design.classes.length;
  const calibrated = folds.map(({ validation }) => calibrateOn(validation, k, settings.coverage));
  const temperatures = calibrated.map((found) => found?.temperature.temperature ?? null);
  const scores = judge(folds, design);
  const [first] = pool(folds, design);
  const some = temperatures.some((t) => t !== null);
  return {
    ...scores,
    folds: scores.folds.map((metrics, s) => {
      const { nTrain, nValidation, nTest, seconds, bestEpoch, chosen } = folds[s].history;
      return {
        fold: s,
        nTrain,
        nValidation,
        nTest,
        seconds,
        bestEpoch,
        chosen,
        temperature: temperatures[s],
        ...metrics,
      };
    }),
    calibration: calibration(
      first.actual,
      first.probabilities,
      k,
      some ? Array.from(first.folds, (s) => temperatures[s] ?? 1) : undefined,
    ),
    labelSets: setCoverage(folds, calibrated, k, settings.coverage),
  };
}

function setCoverage(
  folds: readonly Fold[],
  calibrated: readonly ReturnType<typeof calibrateOn>[],
  classes: number,
  asked: number,
): SetCoverage | null {
  let samples = 0;
  let hits = 0;
  let labels = 0;
  folds.forEach(({ actual, probabilities }, s) => {
    const found = calibrated[s];
    if (found === null) return;
    const tempered = temperRows(probabilities, classes, found.temperature.temperature);
    const { coverage, meanSize } = conformalCoverage(actual, tempered, classes, found.sets);
    samples += actual.length;
    hits += Math.round(coverage * actual.length);
    labels += meanSize * actual.length;
  });
  if (samples === 0) return null;
  return {
    asked,
    samples,
    coverage: hits / samples,
    interval: wilsonInterval(hits, samples),
    meanSize: labels / samples,
  };
}

/** The verdict over nets and baselines. */
function rankAll(
  models: readonly ModelMetrics[],
  classical: readonly BaselineMetrics[],
  pooled: ReadonlyMap<string, Pooled[]>,
  { classes, splits, groups, seed }: Design,
): Ranking {
  const entries = [
    ...models.map(({ net, folds }) => ({ name: net as string, folds })),
    ...classical.map(({ name, folds }) => ({ name, folds })),
  ];
  const scored = entries.map(({ name, folds }) => ({
    name,
    predicted: (pooled.get(name) ?? []).map(({ probabilities }) => argmaxRows(probabilities, classes.length)),
    foldAccuracy: folds.map(({ accuracy }) => accuracy),
  }));
  const [{ actual, rows }] = pooled.get(entries[0].name) as Pooled[];
  const mean = (of: (split: RunSplit) => number) =>
    splits.reduce((sum, split) => sum + of(split), 0) / splits.length;
  return rankModels(
    scored,
    {
      actual,
      groups: groups && rows.map((row) => groups[row]),
      folds: {
        nTrain: mean(({ train, validation }) => train.length + validation.length),
        nTest: mean(({ test }) => test.length),
      },
    },
    { random: new RandomState([seed, RANKING]) },
  );
}

/** Every pair of nets, by the accuracies of the same folds. */
function compareNets(models: readonly ModelMetrics[]): Comparison[] {
  return models.flatMap((a, i) =>
    models.slice(i + 1).map((b) => {
      const accuracies = (model: ModelMetrics) => model.folds.map((fold) => fold.accuracy);
      const { statistic, p, pAttainable, n, note } = wilcoxonSignedRank(accuracies(a), accuracies(b));
      return {
        a: a.net,
        b: b.net,
        metric: "accuracy",
        test: "wilcoxon",
        statistic,
        p,
        pAttainable,
        pairs: n,
        note,
      };
    }),
  );
}

async function writeFigures(
  run: RunFolder,
  metrics: Metrics,
  curves: { net: string; folds: { fold: number; loss: number[] }[] }[],
  pooled: ReadonlyMap<string, Pooled[]>,
): Promise<string[]> {
  const [{ confusionAverage, reliability, riskCoverageCurves, trainingHistory }, { writeFigure }] =
    await Promise.all([import("../report/figures.js"), import("../report/figure.js")]);
  const { models, data } = metrics;
  const classes = data.classes.map(({ name }) => name);
  const figures = [
    trainingHistory({ nets: curves }),
    confusionAverage({ nets: models.map((model) => shownConfusion(model, data.classes)) }),
    reliability({ nets: models.map(({ net, calibration }) => ({ net, calibration })) }),
    riskCoverageCurves({
      nets: models.map(({ net }) => {
        const [{ actual, probabilities }] = pooled.get(net) as Pooled[];
        return { net, curve: riskCoverage(actual, probabilities, classes.length) };
      }),
      majority: data.majority,
    }),
  ];
  const names: string[] = [];
  for (const figure of figures) {
    await writeFigure(run, figure);
    names.push(`figures/${figure.name}.svg`, `figures/${figure.name}.png`);
  }
  return names;
}

/** Of so many of very many classes the figure shows the confusion, the others taken together. */
const SHOWN_CLASSES = 39;

function shownConfusion(
  { net, folds, confusionMean, confusionNormalised, confusionCells }: ModelMetrics,
  classes: Metrics["data"]["classes"],
): ConfusionAverage["nets"][number] {
  const names = classes.map(({ name }) => name);
  if (confusionMean !== null && confusionNormalised !== null)
    return { net, classes: names, mean: confusionMean, normalised: confusionNormalised };
  const sizes = classes.map(({ count }) => count);
  const { shown, matrix } = largestConfusion(confusionCells ?? [], sizes, SHOWN_CLASSES);
  const { confusionMean: mean, confusionNormalised: normalised } = perFold(matrix, folds.length);
  const others = `the other ${classes.length - shown.length} classes`;
  return { net, classes: [...shown.map((c) => names[c]), others], mean, normalised, others: true };
}

/** All folds of a net, in order. */
async function readFolds(
  run: RunFolder,
  net: NetName,
  splits: readonly RunSplit[],
  classes: readonly string[],
): Promise<Fold[]> {
  return Promise.all(
    splits.map(async ({ test, validation }, k) => {
      const path = `folds/${net}/${k}`;
      return {
        history: await run.readJson<FoldHistory>(`${path}/history.json`),
        ...(await readPredictions(run, `${path}/predictions.csv`, classes, test.length)),
        validation: await readPredictions(run, `${path}/validation.csv`, classes, validation.length),
      };
    }),
  );
}
