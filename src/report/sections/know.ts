/** "Know this first": the verdict in words, what weakens the numbers, and what they speak for. */
import { pText } from "../../evaluate/verdict-words.js";
import type { AuditReport } from "../audit-report.js";
import { bdi, below, head, list, rowHead, scrolling } from "../elements.js";
import { intervalCell } from "../intervals.js";
import { type Child, el, type Markup } from "../markup.js";
import { score } from "../numbers.js";
import { leaders, type Ranked, type Results, ranked, repeatsOf } from "../scores.js";
import { type Design, heldOutWords, LEAK, type Point, sentence, verdictWords } from "../words.js";

interface Know {
  results?: Results;
  design: Design;
  warnings: readonly string[];
  audit?: AuditReport;
  /** Share of the largest class. */
  majority: number;
}

/** undefined where there is nothing to know. */
export function knowBody({ results, design, warnings, audit, majority }: Know): Child {
  const cautions = [
    ...(design.permuteLabels
      ? ["The labels of this run were dealt out at random: whatever is reached here is chance."]
      : []),
    ...(results && design.protocol === "published" ? [leakWords(results, audit)] : []),
    ...warnings.map(sentence),
  ];
  const box = cautions.length === 0 ? undefined : el("div", { class: "warn" }, list(cautions));
  if (results === undefined) return box;
  return [
    el("p", { class: "lead verdict" }, results.verdict.summary),
    glance(results, majority),
    box,
    list(
      [...verdictWords(results), ...heldOutWords(design), ...results.notes.map(note)].map(
        ({ topic, text }) => [el("b", {}, `${topic}:`), " ", text],
      ),
    ),
  ];
}

const note = (text: string): Point => ({ topic: "Note", text: sentence(text) });

/** The leak, and what the audit has measured of it for the best net. */
function leakWords(results: Results, audit: AuditReport | undefined): string {
  const { net } = leaders(ranked(results));
  const measured = audit?.inflation.find(({ name }) => name === net?.name);
  return measured === undefined ? LEAK : `${LEAK} Measured in the audit: ${sentence(measured.words)}`;
}

/** The best net, the best baseline and the guess, a line each. */
function glance(results: Results, majority: number): Markup {
  const { net, baseline } = leaders(ranked(results));
  // With repeats the verdict is by the mean over folds, which has no interval of its own.
  const repeated = repeatsOf(results) > 1;
  const row = (what: string, model: Ranked | undefined): Markup | undefined => {
    if (model === undefined) return undefined;
    const { accuracy, skill } = model.rank;
    const pooled = model.scores.pooled.metrics.accuracy;
    return el(
      "tr",
      {},
      rowHead(what, bdi(model.name)),
      repeated ? el("td", {}, score(accuracy)) : undefined,
      intervalCell({ ...pooled, note: undefined }),
      el("td", {}, skill.shown ? "yes" : "no skill shown", below(pText(skill.p))),
    );
  };
  const guess = el(
    "tr",
    {},
    rowHead("always the largest class"),
    repeated ? el("td", {}, "–") : undefined,
    el("td", {}, score(majority)),
    el("td", {}, "–"),
  );
  return scrolling(
    "The best net and the best baseline",
    "numbers wide",
    head([
      "",
      ...(repeated ? ["accuracy, mean over folds"] : []),
      repeated ? "of the first repeat (95 % interval)" : "accuracy (95 % interval)",
      "better than guessing",
    ]),
    [row("best net", net), row("best baseline", baseline), guess].filter((r) => r !== undefined),
  );
}
