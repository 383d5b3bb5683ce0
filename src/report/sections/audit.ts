/** "Audit": what the leak adds, what the label and the images know of the batch, copies, and the level of chance. */
import type { AuditReport } from "../audit-report.js";
import { bdi, below, head, list, rowHead, scrolling } from "../elements.js";
import { type Child, el, type Markup } from "../markup.js";
import { range, score, signed } from "../numbers.js";
import { sentence } from "../words.js";

const MOST_DUPLICATES = 200;

/** @param figures audit_inflation, where it is there */
export function auditBody(audit: AuditReport, figures: Child): Child {
  const { inflation, label, image, duplicates, shuffled, notes } = audit;
  return [
    inflation.length === 0
      ? undefined
      : [
          el("h3", {}, "What the published protocol adds"),
          el(
            "p",
            {},
            "The same folds under both protocols. Where the difference is above 0, it is no skill: the embedding had seen the test samples.",
          ),
          figures,
          inflationTable(inflation),
        ],
    measured(
      "Is the label known without biology?",
      "How well the label is predicted on held-out samples from columns that should not know it, such as patient, plate or the number of genes found. Far above the largest class's share: a net may have learnt these instead.",
      "column",
      label.map((row) => ({ ...row, name: row.column, kind: KINDS[row.kind] })),
    ),
    measured(
      "Do the images know the batch?",
      "How well a column of obs is predicted from the numbers that an image holds. Far above the largest class's share: the images carry the batch.",
      "column",
      image.map((row) => ({ ...row, name: row.column })),
    ),
    measured(
      "Shuffled labels",
      "The same run on labels dealt out at random: the level of chance. Clearly above the largest class's share, something would leak.",
      "model",
      shuffled,
    ),
    el("h3", {}, "Copies among the samples"),
    duplicateTable(duplicates),
    notes.length === 0 ? undefined : [el("h3", {}, "Notes"), list(notes.map(sentence))],
  ];
}

const KINDS = { categories: "categories", numbers: "numbers", all: "all columns together" };

function inflationTable(inflation: AuditReport["inflation"]): Markup {
  const rows = inflation.map(({ name, published, inductive, difference: { estimate, low, high }, words }) =>
    el(
      "tr",
      {},
      rowHead(name),
      el("td", {}, score(published)),
      el("td", {}, score(inductive)),
      el("td", {}, signed(estimate), interval(low, high, signed)),
      el("td", { class: "words" }, sentence(words)),
    ),
  );
  return scrolling(
    "Inflation by the published protocol",
    "numbers wide",
    head(["", "published", "inductive", "difference", "in words"], ["in words"]),
    rows,
    40,
  );
}

interface Row {
  name: string;
  kind?: string;
  accuracy: number;
  low: number | null;
  high: number | null;
  majority: number;
  words: string;
}

function measured(title: string, meaning: string, what: string, rows: readonly Row[]): Child {
  if (rows.length === 0) return undefined;
  return [
    el("h3", {}, title),
    el("p", {}, meaning),
    scrolling(
      title,
      "numbers wide",
      head([what, "accuracy", "largest class", "in words"], ["in words"]),
      rows.map(({ name, kind, accuracy, low, high, majority, words }) =>
        el(
          "tr",
          {},
          rowHead(name, kind),
          el("td", {}, score(accuracy), interval(low, high)),
          el("td", {}, score(majority)),
          el("td", { class: "words" }, sentence(words)),
        ),
      ),
    ),
  ];
}

function interval(low: number | null, high: number | null, shown: (value: number) => string = score): Markup {
  return below(low === null || high === null ? "no interval" : range(low, high, shown));
}

function duplicateTable(duplicates: AuditReport["duplicates"]): Child {
  if (duplicates.length === 0) return el("p", {}, "No two samples are the same or nearly so.");
  const across = duplicates.filter(({ acrossFolds }) => acrossFolds).length;
  const shown = duplicates.slice(0, MOST_DUPLICATES);
  const rows = shown.map(({ a, b, correlation, identical, acrossFolds }) =>
    el(
      "tr",
      {},
      el("td", {}, bdi(a)),
      el("td", {}, bdi(b)),
      el("td", { class: "number" }, identical ? "identical" : correlation.toFixed(4)),
      el("td", {}, acrossFolds ? "in training and test" : "in the same fold"),
    ),
  );
  const pairs = duplicates.length === 1 ? "pair of samples is" : "pairs of samples are";
  return [
    el(
      "p",
      {},
      `${duplicates.length} ${pairs} the same or nearly so, ${across} of them in different folds: what was trained on is then tested on.`,
    ),
    scrolling(
      "Copies among the samples",
      undefined,
      head(["sample", "sample", "correlation", "folds"]),
      rows,
    ),
    shown.length < duplicates.length
      ? el("p", { class: "soft" }, `The first ${shown.length} are listed; audit.json has all.`)
      : undefined,
  ];
}
