/** "Which is better?": every pair of models, and Wilcoxon's test of the nets. */
import { pText } from "../../evaluate/verdict-words.js";
import { bdi, below, head, rowHead, scrolling } from "../elements.js";
import { type Child, el } from "../markup.js";
import { range, signed } from "../numbers.js";
import { type Comparison, type Results, repeatsOf } from "../scores.js";
import { comparisonWords, sentence } from "../words.js";

const TESTS = {
  mcnemar:
    "McNemar's exact test on the held-out predictions of the same samples (with groups, of whole groups). It asks whether these trained models differ; that training on other samples might change them is not in it. For that see the last column: the corrected resampled t test of the fold accuracies (Nadeau and Bengio), which with few folds can hardly decide anything.",
  "corrected-t":
    "the corrected resampled t test of the accuracies of all folds and repeats (Nadeau and Bengio), which allows for training samples that the folds share.",
};

export function comparisonBody(results: Results): Child {
  const { verdict, comparisons } = results;
  const exact = verdict.test === "mcnemar";
  const rows = verdict.pairs.map(({ better, worse, difference, low, high, p, pHolm, decided, note, tests }) =>
    el(
      "tr",
      {},
      rowHead(better, ["against ", bdi(worse)]),
      el("td", {}, signed(difference)),
      el("td", {}, low === null || high === null ? "–" : range(low, high, signed)),
      el("td", {}, p === null ? "–" : bare(p)),
      el("td", {}, bare(pHolm)),
      el(
        "td",
        { class: "words" },
        decided ? [el("b", {}, "decided:"), " ", bdi(better), " is better"] : "undecided",
        note === undefined ? undefined : below(sentence(note)),
      ),
      exact ? el("td", {}, bare(tests.correctedT.pHolm)) : undefined,
    ),
  );
  return [
    verdict.pairs.length === 0
      ? undefined
      : [
          el(
            "p",
            {},
            `Differences of accuracy, each with its own 95 % interval. What decides, at 0.05, is p after Holm's adjustment for all ${verdict.pairs.length} pairs: ${TESTS[verdict.test]} Undecided does not mean equal.`,
          ),
          scrolling(
            "Pairs of models",
            "numbers wide",
            head(
              [
                "",
                "difference",
                "95 % interval",
                "p",
                "p after Holm",
                "verdict",
                ...(exact ? ["corrected t test, p after Holm"] : []),
              ],
              ["verdict"],
            ),
            rows,
          ),
        ],
    comparisons.length === 0
      ? undefined
      : [
          el("h3", {}, "The nets by Wilcoxon's test, as published"),
          comparisons.map((comparison) => wilcoxon(comparison, results)),
        ],
  ];
}

/** "0.0273", "< 0.001". */
const bare = (p: number): string => pText(p).replace(/^p (= )?/, "");

function wilcoxon(comparison: Comparison, results: Results): Child {
  const { verdict, sentences } = comparisonWords(comparison, results.models, repeatsOf(results));
  return [
    el(
      "h4",
      {},
      bdi(comparison.a),
      " against ",
      bdi(comparison.b),
      ": ",
      el("span", { class: "verdict" }, verdict),
    ),
    el("p", {}, sentences.join(" ")),
  ];
}
