/** The scores of a run as metrics.json holds them, and how reports name them. */
import type { Calibration } from "../evaluate/calibration.js";
import type { MetricIntervals } from "../evaluate/metric-intervals.js";
import { METRIC_NAMES, type MetricName } from "../evaluate/metrics.js";
import type { RankedModel, Ranking } from "../evaluate/ranking.js";
import type { FoldScores } from "./figures/fold-scores.js";
import type { ModelScoresFigure } from "./figures/scores.js";

export const METRIC_LABELS: Readonly<Record<MetricName, string>> = {
  accuracy: "accuracy",
  balancedAccuracy: "balanced accuracy",
  precisionMacro: "precision (macro)",
  recallMacro: "recall (macro)",
  f1Macro: "F1 (macro)",
  mcc: "Matthews correlation",
  aucOvrMacro: "AUC one-vs-rest (macro)",
  aucOvoMacro: "AUC one-vs-one (macro)",
  aucOvoWeighted: "AUC one-vs-one (weighted)",
};

/** null (or absent in a fold) where a metric is not defined. */
export type Scores = Readonly<Record<MetricName, number | null>>;

/** What is said of every model; more keys do no harm. */
interface Judged {
  /** One for each of `Results.splits`. */
  folds: readonly (Partial<Scores> & { nTrain: number; nTest: number; accuracy: number })[];
  mean: Scores;
  sd: Scores;
  /** All held-out predictions (of the first repeat) together, with 95 % intervals. */
  pooled: MetricIntervals;
  calibration: Calibration;
  /** Counts over all folds, rows true, columns predicted; null above 200 classes, where there are its cells. */
  confusion?: readonly (readonly number[])[] | null;
  confusionCells?: readonly (readonly [actual: number, predicted: number, count: number])[];
}

/** One of metrics.json's `models`. */
export interface ModelScores extends Judged {
  net: string;
  /** As the settings have it. */
  weights: string;
  folds: readonly (Judged["folds"][number] & {
    nValidation: number;
    seconds: number;
    bestEpoch?: number;
    /** What nested cross-validation chose. */
    chosen?: Readonly<Record<string, number>>;
    /** null where the fold has no validation part. */
    temperature: number | null;
  })[];
  labelSets: {
    asked: number;
    samples: number;
    coverage: number;
    interval: readonly [low: number, high: number];
    meanSize: number;
  } | null;
}

/** One of metrics.json's `baselines`. */
export interface BaselineScores extends Judged {
  name: string;
  title: string;
  features: string;
}

/** One of metrics.json's `comparisons`: paired over the folds' accuracies. */
export interface Comparison {
  a: string;
  b: string;
  test: string;
  statistic: number;
  p: number;
  /** The smallest p that so many pairs can give. */
  pAttainable: number;
  note?: string;
}

/** What metrics.json says of the models. */
export interface Results {
  models: readonly ModelScores[];
  baselines: readonly BaselineScores[];
  /** Each split in order: the fold of a repeat, by name. */
  splits: readonly { repeat: number; fold: number; name: string }[];
  comparisons: readonly Comparison[];
  /** Over nets and baselines. */
  verdict: Ranking;
  /** What the folds mean. */
  notes: readonly string[];
}

/** A model at its place in the verdict. */
export type Ranked = { name: string; rank: RankedModel } & (
  | { kind: "net"; scores: ModelScores }
  | { kind: "baseline"; scores: BaselineScores }
);

/** The baseline that guesses the largest class. */
const GUESS = "majority";

/** Nets and baselines, the best accuracy first. */
export function ranked({
  models,
  baselines,
  verdict,
}: Pick<Results, "models" | "baselines" | "verdict">): Ranked[] {
  return verdict.models.flatMap((rank): Ranked[] => {
    const { name } = rank;
    const net = models.find((m) => m.net === name);
    if (net) return [{ name, rank, kind: "net", scores: net }];
    const baseline = baselines.find((b) => b.name === name);
    return baseline ? [{ name, rank, kind: "baseline", scores: baseline }] : [];
  });
}

export const isGuess = ({ kind, name }: Ranked): boolean => kind === "baseline" && name === GUESS;

/** The best net, and the best baseline that does more than guess. */
export function leaders(models: readonly Ranked[]): { net?: Ranked; baseline?: Ranked } {
  return {
    net: models.find(({ kind }) => kind === "net"),
    baseline: models.find((model) => model.kind === "baseline" && !isGuess(model)),
  };
}

/** The pairs of classes that a model takes for each other, the most samples first. */
export function confusedPairs({ confusion, confusionCells }: Pick<Judged, "confusion" | "confusionCells">) {
  const cells =
    confusionCells ?? (confusion ?? []).flatMap((row, a) => row.map((count, b) => [a, b, count] as const));
  const sizes = new Map<number, number>();
  for (const [actual, , count] of cells) sizes.set(actual, (sizes.get(actual) ?? 0) + count);
  return cells
    .filter(([actual, predicted, count]) => actual !== predicted && count > 0)
    .map(([actual, predicted, count]) => ({ actual, predicted, count, of: sizes.get(actual) ?? count }))
    .sort((a, b) => b.count - a.count || a.actual - b.actual || a.predicted - b.predicted);
}

/** How many times the cross-validation was drawn. */
export const repeatsOf = ({ splits }: Pick<Results, "splits">): number =>
  new Set(splits.map(({ repeat }) => repeat)).size;

/** Input of `foldScores`; the share of the largest class is the accuracy that takes no skill. */
export function foldScoresOf(models: readonly ModelScores[], largestShare?: number): FoldScores {
  return {
    nets: models.map((m) => m.net),
    metrics: METRIC_NAMES.map((name) => ({
      label: METRIC_LABELS[name],
      values: models.map((m) => m.folds.map((f) => f[name] ?? null)),
      mean: models.map((m) => m.mean[name]),
      sd: models.map((m) => m.sd[name]),
      reference: name === "accuracy" ? largestShare : undefined,
    })),
  };
}

/** Input of `scoresFigure`. */
export function scoresFigureOf(
  results: Pick<Results, "models" | "baselines" | "verdict">,
  majority: number,
): ModelScoresFigure {
  return {
    models: ranked(results).map(({ name, kind, rank, scores }) => {
      const { estimate, low, high } = scores.pooled.metrics.accuracy;
      return { name, kind, top: rank.top, estimate, low, high };
    }),
    majority,
  };
}
