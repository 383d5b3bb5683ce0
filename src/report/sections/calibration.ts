/** "Can the probabilities be believed?": calibration, abstention, label sets, and their limits. */
import type { CalibrationMeasures } from "../../evaluate/calibration.js";
import { percent } from "../../evaluate/percent.js";
import { below, head, list, rowHead, scrolling } from "../elements.js";
import { type Child, el, type Markup } from "../markup.js";
import { range, score, share, signed, whole } from "../numbers.js";
import { type ModelScores, type Results, ranked } from "../scores.js";
import type { Design } from "../words.js";

const MEASURES = [
  ["NLL", ({ nll }) => score(nll)],
  ["Brier score", ({ brier }) => score(brier)],
  ["ECE", ({ ece }) => score(ece)],
  ["confidence less accuracy", ({ overconfidence }) => signed(overconfidence)],
] as const satisfies readonly (readonly [string, (m: CalibrationMeasures) => string])[];

/** @param figures the two figures, where they are there */
export function calibrationBody(results: Results, design: Design, classes: number, figures: Child): Child {
  const nets = ranked(results).flatMap(({ scores, kind }) => (kind === "net" ? [scores] : []));
  const tempered = nets.some(({ calibration }) => calibration.after !== null);
  return [
    el(
      "p",
      {},
      "A net is calibrated where its confidence is what it says: of the samples of which it is 80 % sure, 80 % are right. NLL and Brier score punish confident errors; ECE is the mean gap between confidence and accuracy. Of all three, less is better. Confidence less accuracy is above 0 where a model is too sure. ",
      tempered
        ? "After the arrow: at the temperature that the validation part of each fold gave. It makes a net more or less sure, and changes no predicted class."
        : "No validation part was set aside, so nothing is calibrated here: the probabilities are those that training left.",
    ),
    measuresTable(results),
    figures,
    abstention(nets),
    labelSets(nets, classes),
    el("h3", {}, "Limits"),
    list([
      "The held-out predictions come from several nets, one a fold, each with its own temperature. How well any single net is calibrated, that of model_final.onnx included, these numbers say on average only.",
      `The intervals take samples as independent. Several cells of one ${design.group === null ? "patient" : `'${design.group}'`} are not, so the true ones are then wider.`,
      "All of this holds for samples like these. On data of another origin, confidence and label sets can fail without a sign.",
    ]),
  ];
}

function measuresTable(results: Results): Markup {
  const rows = ranked(results).map(({ name, scores: { calibration } }) =>
    el(
      "tr",
      {},
      rowHead(name),
      MEASURES.map(([, shown]) =>
        el(
          "td",
          {},
          shown(calibration.before),
          calibration.after === null ? undefined : ` → ${shown(calibration.after)}`,
        ),
      ),
    ),
  );
  return scrolling("Calibration", "numbers wide", head(["", ...MEASURES.map(([title]) => title)]), rows, 40);
}

/** The error among the surest samples. */
function abstention(nets: readonly ModelScores[]): Child {
  const surest = nets.map(({ net, calibration }) => ({
    net,
    points: (calibration.after ?? calibration.before).riskAtCoverage,
  }));
  if (surest.length === 0) return undefined;
  const rows = surest.map(({ net, points }) =>
    el(
      "tr",
      {},
      rowHead(net),
      points.map(({ errors, assigned, risk }) =>
        el("td", {}, share(risk), below(`${whole(errors)} of ${whole(assigned)}`)),
      ),
    ),
  );
  return [
    el("h3", {}, "Where only the surest samples are assigned"),
    el(
      "p",
      {},
      "Share of wrong ones among the samples of which a net is surest; the others would be left unassigned. Where this hardly falls from right to left, the confidence does not tell right from wrong.",
    ),
    scrolling(
      "Error among the surest samples",
      "numbers wide",
      head(["", "surest quarter", "half", "three quarters", "all"]),
      rows,
    ),
  ];
}

function labelSets(nets: readonly ModelScores[], classes: number): Child {
  const rows = nets.flatMap(({ net, labelSets: sets }) => {
    if (sets === null) return [];
    const [low, high] = sets.interval;
    const kept = high < sets.asked ? "no, fewer" : low > sets.asked ? "no, more" : "yes";
    return [
      el(
        "tr",
        {},
        rowHead(net),
        el("td", {}, percent(sets.asked)),
        el("td", {}, share(sets.coverage), below(range(low, high, share))),
        el("td", {}, kept),
        el("td", {}, sets.meanSize.toFixed(2), below(`of ${classes}`)),
        el("td", {}, whole(sets.samples)),
      ),
    ];
  });
  if (rows.length === 0) return undefined;
  return [
    el("h3", {}, "Label sets"),
    el(
      "p",
      {},
      "In place of one class, a set of classes that holds the true one for the share of samples that was asked for (conformal sets, by the validation part of each fold). A small mean size says that the sets are of use; sets of nearly all classes say nothing. The share is one over all samples: a single class or patient can fare worse.",
    ),
    scrolling(
      "Label sets",
      "numbers wide",
      head(["", "asked", "reached (95 % interval)", "as asked", "mean size", "samples"]),
      rows,
    ),
  ];
}
