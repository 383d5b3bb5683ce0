/** What numbers mean, in sentences that a reader without statistics understands. Plain text, not markup. */
import { meanSd } from "./figures/fold-scores.js";
import type { Comparison, ModelScores } from "./scores.js";

const LEVEL = 0.05;

/** "p = 0.0625", "p = 0.31", "p < 0.001": as many digits as matter. */
export function pValue(p: number): string {
  if (p < 0.001) return "p < 0.001";
  return `p = ${Number(p.toFixed(p < 0.1 ? 4 : 3))}`;
}

export interface ComparisonWords {
  /** In a word or two. */
  verdict: string;
  decided: boolean;
  sentences: string[];
}

/** @param models those of the two nets among them give the means */
export function comparisonWords(c: Comparison, models: readonly ModelScores[]): ComparisonWords {
  const [a, b] = [c.a, c.b].map((net) => models.find((m) => m.net === net));
  const sentences: string[] = [];
  const means = [a?.mean.accuracy ?? null, b?.mean.accuracy ?? null];
  const [first, second] = means;
  if (first !== null && second !== null)
    sentences.push(
      `Mean accuracy over folds: ${c.a} ${first.toFixed(3)}, ${c.b} ${second.toFixed(3)}; the difference is ${Math.abs(first - second).toFixed(3)}.`,
    );
  const floor = c.pAttainable.toFixed(6).replace(/0+$/, "").replace(/\.$/, "");
  sentences.push(
    `${testName(c.test)} of the paired fold accuracies: statistic ${c.statistic}, ${pValue(c.p)}; smallest p that these folds can give: ${floor}.`,
  );
  if (c.note !== undefined) sentences.push(c.note);
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

/** One sentence on the best net, beside what takes no skill. */
export function headline(models: readonly ModelScores[], classes: readonly { count: number }[]): string {
  const scored = models.filter((m) => m.mean.accuracy !== null);
  if (scored.length === 0) return "No net has been trained yet.";
  const best = scored.reduce((x, y) => ((y.mean.accuracy ?? 0) > (x.mean.accuracy ?? 0) ? y : x));
  const mean = best.mean.accuracy ?? 0;
  const sd = best.sd.accuracy;
  const share = largestShare(classes);
  const skill =
    mean - (sd ?? 0) > share
      ? `always naming the largest class would reach ${share.toFixed(3)}`
      : `this is not clearly above ${share.toFixed(3)}, what always naming the largest class reaches`;
  return `Best mean accuracy on held-out samples: ${meanSd(mean, sd)} (${best.net}, ${best.folds.length} folds); ${skill}.`;
}

/** Share of the largest class in 0…1; 0 without samples. */
export function largestShare(classes: readonly { count: number }[]): number {
  const total = classes.reduce((sum, c) => sum + c.count, 0);
  return total === 0 ? 0 : Math.max(...classes.map((c) => c.count)) / total;
}

/** Said where the embedding was fitted on all samples before the folds were drawn. */
export const LEAK =
  "The images of this run come from an embedding (PCA, t-SNE, UMAP) that was fitted on all samples, those of the test folds included, before the folds were drawn. That is the published protocol. The nets were thus tested on samples that had already shaped their images, so the accuracies here are optimistic: expect less on samples that the embedding has never seen.";
