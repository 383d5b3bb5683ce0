/** "Protocol": how samples were dealt, and what was fitted on which of them. */
import { percent } from "../../evaluate/percent.js";
import { head, scrolling, table } from "../elements.js";
import { type Child, el } from "../markup.js";
import { whole } from "../numbers.js";
import type { Results } from "../scores.js";
import { type Design, foldsWords } from "../words.js";

type Row = readonly [string, string];

export interface ProtocolData {
  design: Design;
  genes: number;
  classes: readonly { count: number }[];
  results?: Results;
}

export function protocolBody({ design, genes, classes, results }: ProtocolData): Child {
  const { protocol } = design;
  const counts = classes.map(({ count }) => count);
  const rows: Row[] = [
    [
      "protocol",
      protocol === "inductive"
        ? "inductive: all is fitted on training samples"
        : "published: the embedding is fitted on all samples",
    ],
    ["folds", foldsWords(design, results?.splits.length ?? design.folds * design.repeats)],
    ...sizes(results),
    ["group column", design.group ?? "none"],
    ["split column", design.split ?? "none"],
    ["validation part", validationWords(design)],
    ["genes", genesWords(design, genes)],
    ["scaling", design.scale ? "each gene divided by its standard deviation in training" : "none"],
    ["normalisation", design.normalize],
    ["encoder", `${design.encoder}, ${design.components} principal components`],
    ...tuning(design),
    ["labels", design.permuteLabels ? "dealt out at random" : "as in the file"],
    ...(counts.length === 0
      ? []
      : [["classes", `${counts.length}, of ${ends(counts)} samples (listed above)`] as const]),
  ];
  return [
    table(rows),
    el("h3", {}, "What was fitted on which samples"),
    scrolling(
      "What was fitted on which samples",
      undefined,
      head(["what", "fitted on"]),
      fits(design, results).map(([what, on]) =>
        el("tr", {}, el("th", { scope: "row" }, what), el("td", {}, on)),
      ),
      40,
    ),
    el(
      "p",
      { class: "soft after" },
      "What had been done to the file before, on all of its samples (genes chosen, batches corrected, values scaled), is in the numbers and cannot be undone here.",
    ),
  ];
}

/** Samples of a fold. */
function sizes(results: Results | undefined): Row[] {
  const folds = results?.models[0]?.folds ?? [];
  if (folds.length === 0) return [];
  const of = (part: "nTrain" | "nValidation" | "nTest") => ends(folds.map((fold) => fold[part]));
  return [
    [
      "samples of a fold",
      `${of("nTrain")} to train on, ${of("nValidation")} to validate on, ${of("nTest")} to test on`,
    ],
  ];
}

/** "36–37", "36". */
function ends(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? whole(low) : `${whole(low)}–${whole(high)}`;
}

function validationWords({ validation, patience, cv }: Design): string {
  if (validation === 0)
    return cv === "split" ? "as the split column says" : "none: nothing is stopped early or calibrated";
  const named = cv === "split" ? ", where the split column names none" : "";
  const use =
    patience > 0
      ? `training stops after ${patience} epochs without a better loss there, and the net is that of the best epoch`
      : "the net is that of the last epoch, whichever was best there";
  return `${percent(validation)} of the training samples${named}; ${use}`;
}

function genesWords({ genes, topGenes }: Design, all: number): string {
  return genes === "all"
    ? `all ${whole(all)}`
    : `the ${whole(Math.min(topGenes, all))} most variable ones of training (${genes})`;
}

function tuning({ tune }: Design): Row[] {
  const values = Object.entries(tune).map(([name, list]) => `${name} out of ${list.join(", ")}`);
  return values.length === 0 ? [] : [["chosen by nested folds", values.join("; ")]];
}

function normalisedOn(normalize: Design["normalize"], embedding: string): string {
  if (normalize === "none") return "not done";
  return normalize === "log1p-scran" ? `size factors: ${embedding}` : "nothing: each sample by itself";
}

function fits(
  { protocol, normalize, genes, scale, validation, patience, cv }: Design,
  results: Results | undefined,
): Row[] {
  const training = "training samples of the fold";
  const embedding = protocol === "inductive" ? training : "all samples, those of the test folds included";
  const validated = validation > 0 || cv === "split";
  return [
    ["normalisation", normalisedOn(normalize, embedding)],
    ...(genes === "all" ? [] : [["choice of genes", embedding] as const]),
    ...(scale ? [["scaling", embedding] as const] : []),
    ["principal components, t-SNE, UMAP, ranges of the image", embedding],
    ["net", training],
    ...(validated
      ? [
          [
            `${patience > 0 ? "best epoch, " : ""}temperature, label sets`,
            "validation samples of the fold",
          ] as const,
        ]
      : []),
    ["baselines", validated ? "training and validation samples of the fold" : training],
    ["scores in this report", "nothing: computed on the test samples of the fold"],
    [
      "model_final.onnx",
      cv === "split" && results?.splits.length === 1
        ? "the training samples of the split: it is the net tested here"
        : `all samples${validated ? " but a validation part" : ""}: none is left to test it, the folds tell how good such a net is`,
    ],
    [
      "maps and example images shown here",
      protocol === "inductive" ? "all samples; to look at only" : "all samples; the nets saw these images",
    ],
  ];
}
