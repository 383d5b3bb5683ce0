/** "Scores": every model in the order of the verdict, with intervals; over folds; fold by fold. */
import { METRIC_NAMES, type MetricName } from "../../evaluate/metrics.js";
import { pText } from "../../evaluate/verdict-words.js";
import { bdi, below, head, rowHead, scrolling } from "../elements.js";
import { intervalCell, intervalNotes, sharedNotes } from "../intervals.js";
import { type Child, el, type Markup } from "../markup.js";
import { score, whole } from "../numbers.js";
import {
  isGuess,
  METRIC_LABELS,
  type ModelScores,
  type Ranked,
  type Results,
  ranked,
  repeatsOf,
} from "../scores.js";

/** Beside accuracy; macro recall is balanced accuracy. */
const MORE = METRIC_NAMES.filter((name) => !["accuracy", "precisionMacro", "recallMacro"].includes(name));

/** All models: pooled, with intervals. */
export function scoreTable(results: Results): Child {
  const models = ranked(results);
  const intervals = models.flatMap(({ scores }) => Object.values(scores.pooled.metrics));
  const shared = sharedNotes(intervals);
  const rows = models.map((model, i) => {
    const { name, rank, scores } = model;
    return el(
      "tr",
      {},
      rowHead(name, description(model)),
      intervalCell(scores.pooled.metrics.accuracy, shared),
      el("td", {}, i === 0 ? "the best" : rank.top ? "undecided" : "worse"),
      isGuess(model)
        ? el("td", {}, "the guess")
        : el("td", {}, rank.skill.shown ? "yes" : "not shown", below(pText(rank.skill.p))),
      MORE.map((metric) => intervalCell(scores.pooled.metrics[metric], shared)),
    );
  });
  const names = [
    "accuracy",
    "against the best",
    "better than guessing",
    ...MORE.map((name) => METRIC_LABELS[name]),
  ];
  return [
    el(
      "p",
      {},
      `Nets and baselines on the same folds, in the order of the verdict: all held-out predictions${
        repeatsOf(results) > 1 ? " of the first repeat" : ""
      } together, below each value its 95 % interval (bootstrap). “–”: not defined. An AUC compares probabilities of different folds' models here, and can be lower than its mean over folds.`,
      repeatsOf(results) > 1 ? " The order is that of the mean accuracy over all folds." : undefined,
    ),
    scrolling("Scores of all models", "numbers wide", head(["", ...names]), rows, 40),
    intervalNotes(intervals, shared),
  ];
}

function description(model: Ranked): Child {
  if (model.kind === "net") return ["net; weights: ", bdi(model.scores.weights)];
  const { title, features } = model.scores;
  return features === "pca" && !isGuess(model) ? `${title} on principal components` : title;
}

/** All models: mean ± standard deviation over the folds. */
export function spreadTable(results: Results): Child {
  const rows = ranked(results).map(({ name, scores: { mean, sd } }) =>
    el(
      "tr",
      {},
      rowHead(name),
      METRIC_NAMES.map((metric) => {
        const spread = sd[metric];
        return el("td", {}, score(mean[metric]), spread === null ? undefined : below(`± ${score(spread)}`));
      }),
    ),
  );
  return [
    el("h3", {}, "Over the folds"),
    el(
      "p",
      {},
      `Mean ± standard deviation over ${results.splits.length} ${results.splits.length === 1 ? "fold" : "folds"}, each on the samples that it held out. The folds share training samples, so the deviation is no standard error.`,
    ),
    scrolling(
      "Scores over the folds",
      "numbers wide",
      head(["", ...METRIC_NAMES.map((name) => METRIC_LABELS[name])]),
      rows,
      40,
    ),
  ];
}

/** Accuracy of every model on every fold. */
export function accuracyByFold(results: Results): Child {
  const models = ranked(results);
  if (models.length === 0 || results.splits.length < 2) return undefined;
  const rows = results.splits.map(({ name }, s) =>
    el(
      "tr",
      {},
      rowHead(name),
      el("td", {}, whole(models[0].scores.folds[s].nTest)),
      models.map(({ scores }) => el("td", {}, score(scores.folds[s].accuracy))),
    ),
  );
  return [
    el("h3", {}, "Accuracy by fold"),
    scrolling(
      "Accuracy by fold",
      "numbers wide folds",
      head(["", "tested on", ...models.map(({ name }) => name)]),
      rows,
    ),
  ];
}

type Fold = ModelScores["folds"][number];
type Column = readonly [title: string, cell: (fold: Fold) => string];

const SHORT: Readonly<Record<MetricName, string>> = {
  accuracy: "accuracy",
  balancedAccuracy: "balanced accuracy",
  precisionMacro: "precision",
  recallMacro: "recall",
  f1Macro: "F1",
  mcc: "MCC",
  aucOvrMacro: "AUC OvR",
  aucOvoMacro: "AUC OvO",
  aucOvoWeighted: "AUC OvO weighted",
};

/** A net fold by fold. */
export function foldTable({ net, folds, mean, sd }: ModelScores, splits: Results["splits"]): Child {
  const metrics = METRIC_NAMES.filter((name) => folds.some((fold) => (fold[name] ?? null) !== null));
  const some = (what: (fold: Fold) => boolean) => folds.some(what);
  const only = (there: boolean, column: Column): Column[] => (there ? [column] : []);
  const columns: Column[] = [
    some(({ nValidation }) => nValidation > 0)
      ? [
          "train / validate / test",
          ({ nTrain, nValidation, nTest }) => [nTrain, nValidation, nTest].map(whole).join(" / "),
        ]
      : ["train / test", ({ nTrain, nTest }) => [nTrain, nTest].map(whole).join(" / ")],
    ...metrics.map((name): Column => [SHORT[name], (fold) => score(fold[name])]),
    ...only(
      some(({ chosen = {} }) => Object.keys(chosen).length > 0),
      [
        "chosen",
        ({ chosen = {} }) =>
          Object.entries(chosen)
            .map(([name, value]) => `${name} ${value}`)
            .join(", "),
      ],
    ),
    ...only(
      some(({ bestEpoch }) => bestEpoch !== undefined),
      ["best epoch", ({ bestEpoch }) => (bestEpoch === undefined ? "–" : String(bestEpoch))],
    ),
    ...only(
      some(({ temperature }) => temperature !== null),
      [
        "temperature",
        ({ temperature }) => (temperature === null ? "–" : temperature.toFixed(temperature < 100 ? 2 : 0)),
      ],
    ),
    ["seconds", ({ seconds }) => seconds.toFixed(seconds < 100 ? 1 : 0)],
  ];
  const summary = (name: string, of: ModelScores["mean"]): Markup =>
    el(
      "tr",
      { class: "sum" },
      rowHead(name),
      columns.map((_, c) => {
        const metric = metrics[c - 1];
        return el("td", {}, metric === undefined ? "" : score(of[metric]));
      }),
    );
  return [
    el("h3", {}, bdi(net), " by fold"),
    scrolling(`${net} by fold`, "numbers wide folds", head(["", ...columns.map(([title]) => title)]), [
      ...folds.map((fold, s) =>
        el(
          "tr",
          {},
          rowHead(splits[s].name),
          columns.map(([, cell]) => el("td", {}, cell(fold))),
        ),
      ),
      ...(folds.length > 1 ? [summary("mean", mean), summary("standard deviation", sd)] : []),
    ]),
  ];
}
