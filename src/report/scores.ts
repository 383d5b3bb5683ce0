/** The scores of a run as metrics.json holds them, and how reports name them. */
import { METRIC_NAMES, type MetricName } from "../evaluate/metrics.js";
import type { FoldScores } from "./figures/fold-scores.js";

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

/** One of metrics.json's `models`; more keys do no harm. */
export interface ModelScores {
  net: string;
  encoder: string;
  protocol: string;
  weights: string;
  folds: readonly (Partial<Scores> & {
    fold: number;
    nTrain: number;
    nTest: number;
    accuracy: number;
    seconds: number;
  })[];
  mean: Scores;
  sd: Scores;
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
