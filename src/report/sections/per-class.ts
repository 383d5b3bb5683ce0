/** "By class": the best net beside the best baseline. */
import type { ClassIntervals } from "../../evaluate/metric-intervals.js";
import { bdi, head, rowHead, scrolling } from "../elements.js";
import { intervalCell, intervalNotes, sharedNotes } from "../intervals.js";
import { type Child, el } from "../markup.js";
import { whole } from "../numbers.js";
import { confusedPairs, leaders, type Ranked, type Results, ranked, repeatsOf } from "../scores.js";

const METRICS = ["precision", "recall", "f1", "auc"] as const satisfies readonly (keyof ClassIntervals)[];
const TITLES = ["precision", "recall", "F1", "AUC"];

/** @param classes in the order of their codes */
export function perClassBody(results: Results, classes: readonly string[]): Child {
  const { net, baseline } = leaders(ranked(results));
  const shown = [net, baseline].filter((model) => model !== undefined);
  const of = (c: number) => shown.map(({ scores }) => scores.pooled.perClass[c]);
  const intervals = classes.flatMap((_, c) => of(c).flatMap((found) => METRICS.map((name) => found[name])));
  const shared = sharedNotes(intervals);
  const rows = classes.map((name, c) =>
    el(
      "tr",
      {},
      rowHead(name),
      el("td", {}, whole(of(c)[0].support.estimate ?? 0)),
      of(c).map((found) => METRICS.map((metric) => intervalCell(found[metric], shared))),
    ),
  );
  const column = (title: string) => el("th", { scope: "col" }, title);
  const header = el(
    "thead",
    {},
    el(
      "tr",
      {},
      el("th", { scope: "col", rowspan: 2 }, "class"),
      el("th", { scope: "col", rowspan: 2 }, "samples"),
      shown.map(({ name, kind }) =>
        el("th", { scope: "colgroup", colspan: METRICS.length, class: "group" }, `best ${kind}: `, bdi(name)),
      ),
    ),
    el(
      "tr",
      {},
      shown.map(() => TITLES.map(column)),
    ),
  );
  return [
    el(
      "p",
      {},
      `Precision: of the samples called so, the share that is. Recall: of the samples that are, the share called so. F1: both in one. AUC: the chance that a sample of the class gets a higher probability for it than one of another class. All held-out predictions${
        repeatsOf(results) > 1 ? " of the first repeat" : ""
      } together, with 95 % intervals: the fewer samples, the wider.`,
    ),
    scrolling("Scores by class", "numbers wide", header, rows, 40),
    intervalNotes(intervals, shared),
    net === undefined || classes.length <= READABLE ? undefined : confusedTable(net, classes),
  ];
}

/** Up to so many classes the matrix of confusion can be read: it has numbers. */
const READABLE = 40;
const MOST_PAIRS = 50;

function confusedTable({ name, scores }: Ranked, classes: readonly string[]): Child {
  const pairs = confusedPairs(scores);
  if (pairs.length === 0) return el("p", {}, bdi(name), " takes no class for another.");
  const shown = pairs.slice(0, MOST_PAIRS);
  const part =
    pairs.length > shown.length
      ? `the first ${shown.length} of ${whole(pairs.length)} pairs of classes; metrics.json has all of them`
      : `${pairs.length === 1 ? "one pair" : `${pairs.length} pairs`} of classes`;
  return [
    el("h3", {}, "What ", bdi(name), " takes for something else"),
    el("p", {}, `Held-out samples of one class that are called another: ${part}.`),
    scrolling(
      `What ${name} takes for something else`,
      "numbers",
      head(["class", "taken for", "samples", "of"], ["taken for"]),
      shown.map(({ actual, predicted, count, of }) =>
        el(
          "tr",
          {},
          rowHead(classes[actual]),
          el("td", { class: "words" }, bdi(classes[predicted])),
          el("td", {}, whole(count)),
          el("td", {}, whole(of)),
        ),
      ),
      40,
    ),
  ];
}
