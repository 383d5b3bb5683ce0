/** What numbers mean, in sentences that a reader without statistics understands. Plain text, not markup. */
import type { Settings } from "../config.js";
import type { PairVerdict } from "../evaluate/ranking.js";
import { pText } from "../evaluate/verdict-words.js";
import { visible } from "../io/visible.js";
import { score } from "./numbers.js";
import {
  type Comparison,
  isGuess,
  leaders,
  type ModelScores,
  type Ranked,
  type Results,
  ranked,
} from "./scores.js";

const LEVEL = 0.05;

/** The settings that say what a score means. */
export type Design = Pick<
  Settings,
  | "encoder"
  | "protocol"
  | "cv"
  | "folds"
  | "repeats"
  | "group"
  | "split"
  | "validation"
  | "patience"
  | "tune"
  | "genes"
  | "topGenes"
  | "scale"
  | "normalize"
  | "components"
  | "permuteLabels"
>;

/** With a full stop, and no line break within "p = 0.01". */
export function sentence(text: string): string {
  const tied = text.replace(/\bp ([=<]) /g, "p\u00a0$1\u00a0");
  return /[.!?…]$/.test(tied) ? tied : `${tied}.`;
}

/** Something to know, under a heading of a word or two. */
export interface Point {
  topic: string;
  text: string;
}

/** Name of a column within a sentence. */
const column = (name: string | null): string => `'${visible(name ?? "", 60)}'`;

export interface ComparisonWords {
  /** In a word or two. */
  verdict: string;
  decided: boolean;
  sentences: string[];
}

/**
 * @param models those of the two nets among them give the means
 * @param repeats times that the folds were drawn
 */
export function comparisonWords(
  c: Comparison,
  models: readonly Pick<ModelScores, "net" | "mean">[],
  repeats = 1,
): ComparisonWords {
  const [a, b] = [c.a, c.b].map((net) => models.find((m) => m.net === net));
  const sentences: string[] = [];
  const means = [a?.mean.accuracy ?? null, b?.mean.accuracy ?? null];
  const [first, second] = means;
  if (first !== null && second !== null)
    sentences.push(
      `Mean accuracy over folds: ${c.a} ${score(first)}, ${c.b} ${score(second)}; the difference is ${score(Math.abs(first - second))}.`,
    );
  const floor =
    c.pAttainable < 1e-6 ? "below 0.000001" : c.pAttainable.toFixed(6).replace(/0+$/, "").replace(/\.$/, "");
  sentences.push(
    `${testName(c.test)} of the paired fold accuracies: statistic ${c.statistic}, ${pText(c.p)}; smallest p that these folds can give: ${floor}.`,
  );
  if (c.note !== undefined) sentences.push(sentence(c.note));
  if (repeats > 1) {
    sentences.push(
      "The folds of several repeats test the same samples again, so the pairs are not independent and this p is too small to decide by.",
    );
    return { verdict: "undecided by this test", decided: false, sentences };
  }
  const decided = c.p < LEVEL;
  if (decided) {
    const better =
      first !== null && second !== null && first !== second ? (first > second ? c.a : c.b) : undefined;
    sentences.push(
      `The difference is larger than chance alone explains at the ${LEVEL} level. The folds share most of their training samples, so take this as a strong hint rather than a proof.`,
    );
    return { verdict: better === undefined ? "different" : `${better} is better`, decided, sentences };
  }
  sentences.push(
    c.pAttainable >= LEVEL
      ? `With so few pairs no difference, however large, can get below ${LEVEL}: this test cannot tell the two nets apart here. More folds would be needed (six pairs at the least).`
      : `The folds do not tell the two nets apart; that is no proof that they are equal.`,
  );
  return { verdict: "undecided", decided, sentences };
}

function testName(test: string): string {
  return /wilcoxon/i.test(test) ? "Wilcoxon signed-rank test (two-sided, exact)" : test;
}

/** Share of the largest class in 0…1; 0 without samples. */
export function largestShare(classes: readonly { count: number }[]): number {
  const total = classes.reduce((sum, c) => sum + c.count, 0);
  return total === 0 ? 0 : Math.max(...classes.map((c) => c.count)) / total;
}

/** What the verdict leaves to be said: net against baseline, no skill, undecided pairs. */
export function verdictWords(results: Results): Point[] {
  const { verdict } = results;
  const models = ranked(results);
  const { net, baseline } = leaders(models);
  const pair = net && baseline && pairOf(verdict.pairs, net, baseline);
  const unskilled = models.filter((model) => !model.rank.skill.shown && !isGuess(model));
  const undecided = verdict.pairs.filter(({ decided }) => !decided).length;
  return [
    ...(pair ? [{ topic: "Best net, best baseline", text: sentence(pair.sentence) }] : []),
    ...(unskilled.length > 0
      ? [
          {
            topic: "No skill shown",
            text: sentence(
              `${unskilled.map(({ name, rank: { skill } }) => `${name} (accuracy ${score(skill.accuracy)}, ${pText(skill.p)})`).join(", ")}; always guessing the largest class reaches ${score(unskilled[0].rank.skill.majority)}`,
            ),
          },
        ]
      : []),
    ...(undecided > 0
      ? [
          {
            topic: "Undecided",
            text: `${countOf(undecided, verdict.pairs.length)}. Undecided means that the data cannot tell the two apart, not that they are equal.`,
          },
        ]
      : []),
  ];
}

/** "3 of the 28 pairs of models". */
function countOf(some: number, all: number): string {
  if (some < all) return `${some} of the ${all} pairs of models`;
  return all === 1 ? "the only pair of models" : `all ${all} pairs of models`;
}

function pairOf(pairs: readonly PairVerdict[], a: Ranked, b: Ranked): PairVerdict | undefined {
  return pairs.find(({ better, worse }) =>
    better === a.name ? worse === b.name : better === b.name && worse === a.name,
  );
}

/** What "held out" means under these settings. */
export function heldOutWords(design: Design): Point[] {
  const { protocol, normalize, genes, scale } = design;
  const fitted = [
    ...(normalize === "log1p-scran" ? ["size factors"] : []),
    ...(genes === "all" ? [] : ["choice of genes"]),
    ...(scale ? ["scaling"] : []),
    "principal components",
    "t-SNE",
    "UMAP",
    "nets",
  ];
  const samples = samplingWords(design);
  return [
    ...(protocol === "inductive"
      ? [
          {
            topic: "Held out",
            text: `In each fold, ${fitted.join(", ")} and baselines were all fitted on the training samples alone. The test samples went through what had been fitted and had no part in it.`,
          },
        ]
      : []),
    ...(samples === undefined ? [] : [{ topic: "Folds", text: samples }]),
  ];
}

/** Which samples the accuracy speaks for. Folds that ignore a named group have a note of their own. */
function samplingWords({ cv, group, split }: Design): string | undefined {
  switch (cv) {
    case "stratified":
      return group === null
        ? "They take samples one by one. Where several samples come from one patient, they are in training and test at once, and the accuracy does not hold for a new patient; --group COLUMN keeps them together."
        : undefined;
    case "split":
      return `Training and test samples are those that the column ${column(split)} names.`;
    default:
      return `Samples of the same ${column(group)} are never in training and test at once: the accuracy is that for a new ${column(group)}.`;
  }
}

/** How samples were dealt to folds: "stratified by class, 5 folds × 3 repeats". */
export function foldsWords({ cv, group, split, repeats }: Design, splits: number): string {
  const how = {
    stratified: "stratified by class",
    group: `by whole groups of ${column(group)}`,
    "stratified-group": `by whole groups of ${column(group)}, stratified by class`,
    "leave-one-group-out": `each ${column(group)} held out once`,
    split: `as the column ${column(split)} says`,
  }[cv];
  const each = splits / repeats;
  const count = `${each} ${each === 1 ? "fold" : "folds"}`;
  return `${how}, ${count}${repeats > 1 ? ` × ${repeats} repeats` : ""}`;
}

/** Said where the embedding was fitted on all samples before the folds were drawn. */
export const LEAK =
  "The images of this run come from an embedding (PCA, t-SNE, UMAP) that was fitted on all samples, those of the test folds included, before the folds were drawn. That is the published protocol. The nets were thus tested on samples that had already shaped their images, so the accuracies here are optimistic: expect less on samples that the embedding has never seen.";
