/**
 * Compare: from the folds' out-of-fold predictions to metrics.json (schema "cellhue.metrics/1"): all metrics per fold
 * with mean and standard deviation, confusion matrices, Wilcoxon's test for every pair of nets, warnings; and the
 * figures training_history and confusion_matrix_avg.
 */
import { readdir } from "node:fs/promises";
import { basename } from "node:path";
import type { Settings } from "../config.js";
import { CellhueError, throwIfAborted } from "../errors.js";
import { confusionMatrix } from "../evaluate/confusion-matrix.js";
import { argmaxRows, type FoldMetrics, foldMetrics } from "../evaluate/metrics.js";
import { type MetricSpread, meanAndSd } from "../evaluate/summary.js";
import { type Undertrained, undertrained } from "../evaluate/undertrained.js";
import { wilcoxonSignedRank } from "../evaluate/wilcoxon.js";
import { parseCsv } from "../io/csv.js";
import type { RunFolder } from "../io/run-folder.js";
import { shellWord } from "../io/visible.js";
import type { NetName } from "../net/weights/layouts.js";
import type { StageContext } from "./context.js";

export const metricsSchema = "cellhue.metrics/1";

/** folds/<net>/<k>/history.json, as the training writes it. */
export interface FoldHistory {
  fold: number;
  epochs: { epoch: number; loss: number; seconds: number }[];
  nTrain: number;
  nTest: number;
  seconds: number;
  weights: { source: string; sha256: string | null; pretrained: boolean };
}

export interface ModelMetrics {
  net: NetName;
  encoder: Settings["encoder"];
  protocol: Settings["protocol"];
  /** As the settings have it: "pretrained", "random" or a file. */
  weights: string;
  /** What that came to. */
  weightsSource: FoldHistory["weights"];
  /** `seconds`: training of the fold. */
  folds: ({ fold: number; nTrain: number; nTest: number; seconds: number } & FoldMetrics)[];
  mean: FoldMetrics;
  sd: MetricSpread;
  /** Counts over all folds: rows true, columns predicted, in the order of data.classes. */
  confusion: number[][];
  /** The same as a mean count per fold. */
  confusionMean: number[][];
  /** Each row divided by its sum. */
  confusionNormalised: number[][];
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
    "folds" | "epochs" | "lr" | "batch" | "size" | "seed" | "components" | "normalize"
  >;
  models: ModelMetrics[];
  comparisons: Comparison[];
  warnings: Undertrained[];
}

interface Fold {
  history: FoldHistory;
  actual: Int32Array;
  probabilities: Float64Array;
}

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

  const models: ModelMetrics[] = [];
  const warnings: Undertrained[] = [];
  const curves: { net: string; folds: { fold: number; loss: number[] }[] }[] = [];
  for (const net of settings.net) {
    throwIfAborted(signal);
    const folds = await readFolds(run, net, settings.folds, names);
    const seen = folds.reduce((sum, fold) => sum + fold.actual.length, 0);
    if (seen !== samples) throw incomplete(run, net, `predictions of ${seen} samples`, `of ${samples}`);
    const metrics = folds.map((fold) => foldMetrics(fold.actual, fold.probabilities, names.length));
    const confusion = names.map(() => new Array<number>(names.length).fill(0));
    for (const { actual, probabilities } of folds) {
      const counted = confusionMatrix(actual, argmaxRows(probabilities, names.length), names.length);
      counted.forEach((row, i) => {
        row.forEach((count, j) => {
          confusion[i][j] += count;
        });
      });
    }
    const { mean, sd } = meanAndSd(metrics);
    models.push({
      net,
      encoder: settings.encoder,
      protocol: settings.protocol,
      weights: settings.weights[net] ?? "pretrained",
      weightsSource: folds[0].history.weights,
      folds: folds.map(({ history: { fold, nTrain, nTest, seconds } }, i) => ({
        fold,
        nTrain,
        nTest,
        seconds,
        ...metrics[i],
      })),
      mean,
      sd,
      confusion,
      confusionMean: confusion.map((row) => row.map((count) => count / folds.length)),
      confusionNormalised: confusion.map((row, i) => row.map((count) => count / counts[i])),
    });
    const losses = folds.map(({ history }) => history.epochs.map(({ loss }) => loss));
    curves.push({ net, folds: folds.map(({ history }, i) => ({ fold: history.fold, loss: losses[i] })) });
    const warning = undertrained({
      net,
      losses,
      accuracy: mean.accuracy,
      majority,
      classes: names.length,
      stepsPerEpoch: Math.ceil(Math.min(...folds.map(({ history }) => history.nTrain)) / settings.batch),
    });
    if (warning) {
      warnings.push(warning);
      progress.warn(warning.message);
    }
  }

  const { folds, epochs, lr, batch, size, seed, components, normalize } = settings;
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
    settings: { folds, epochs, lr, batch, size, seed, components, normalize },
    models,
    comparisons: compareAll(models),
    warnings,
  };
  await run.writeJson("metrics.json", metrics);

  const [{ confusionAverage, trainingHistory }, { writeFigure }] = await Promise.all([
    import("../report/figures.js"),
    import("../report/figure.js"),
  ]);
  throwIfAborted(signal);
  await writeFigure(run.path("figures"), trainingHistory({ nets: curves }));
  await writeFigure(
    run.path("figures"),
    confusionAverage({
      nets: models.map(({ net, confusionMean, confusionNormalised }) => ({
        net,
        classes: names,
        mean: confusionMean,
        normalised: confusionNormalised,
      })),
    }),
  );
  const figures = ["training_history", "confusion_matrix_avg"].flatMap((name) => [
    `figures/${name}.svg`,
    `figures/${name}.png`,
  ]);
  await run.finish("compare", ["metrics.json", ...figures]);
  return metrics;
}

/** Every pair of nets, by the accuracies of the same folds. */
function compareAll(models: readonly ModelMetrics[]): Comparison[] {
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

/** All folds of a net, in order; each sample's prediction is read back from the text as the float it was. */
async function readFolds(
  run: RunFolder,
  net: NetName,
  folds: number,
  classes: readonly string[],
): Promise<Fold[]> {
  const numbers = (await readdir(run.path("folds", net)).catch(() => []))
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
  if (numbers.length !== folds) throw incomplete(run, net, `${numbers.length} folds`, `${folds} folds`);
  return Promise.all(
    numbers.map(async (fold) => {
      const path = `folds/${net}/${fold}`;
      const history = await run.readJson<FoldHistory>(`${path}/history.json`);
      const [header = [], ...rows] = parseCsv(await run.readText(`${path}/predictions.csv`));
      // The columns of probabilities are the last ones: a class may itself be called "label".
      const label = header.indexOf("label");
      const first = header.length - classes.length;
      const fits = classes.every((name, c) => header[first + c] === name);
      const code = new Map(classes.map((name, c) => [name, c]));
      const actual = Int32Array.from(rows, (row) => code.get(row[label]) ?? -1);
      if (!fits || actual.includes(-1))
        throw incomplete(run, net, `other classes in fold ${fold}`, "those of run.json");
      const probabilities = Float64Array.from(rows.flatMap((row) => row.slice(first).map(Number)));
      return { history, actual, probabilities };
    }),
  );
}

function incomplete(run: RunFolder, net: string, found: string, expected: string): CellhueError {
  return new CellhueError(`the predictions of ${net} are not complete`, {
    where: run.path("folds", net),
    found,
    expected,
    remedy: `cellhue train ${shellWord(run.root)} --net ${net}`,
  });
}
