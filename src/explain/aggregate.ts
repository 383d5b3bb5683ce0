/**
 * The genes of a class from the attributions of its samples: the mean over the held-out samples of the class that are
 * classified rightly, ranked by size. Samples that the model gets wrong are left out: what it saw in them is not the
 * class. Stability is the share of folds whose own mean has the gene among its k strongest. A gene of score 0 has no rank, and
 * a fold whose attributions are 0 throughout (the maps of Grad-CAM can be) ranks nothing.
 */
import { CellhueError } from "../errors.js";
import { type RankStability, rankStability } from "../evaluate/rank-stability.js";
import { descending } from "../evaluate/ranks.js";

/** Attributions of held-out samples, each by the model of the fold that did not train on it. */
export interface HeldOutAttributions {
  /** n × genes, row-major: attribution to the score of the sample's class. */
  readonly values: Float32Array;
  readonly genes: number;
  /** Class of each sample. */
  readonly codes: Int32Array;
  readonly predicted: Int32Array;
  /** Fold that held the sample out. */
  readonly folds: Int32Array;
}

export interface ClassGenes {
  /** Mean attribution of each gene; > 0 speaks for the class. */
  score: Float64Array;
  /** Genes by the size of their score, the greatest first; of equal ones the first gene. */
  order: Int32Array;
  /** Agreement of the folds; null where fewer than two have a rightly classified sample of the class about which anything is said. */
  stability: RankStability | null;
  /** Rightly classified samples, which the mean is of, and samples of the class. */
  samples: number;
  of: number;
  /** Of `samples` those whose attributions are 0 throughout. */
  empty: number;
}

/** A row of `genes_<class>.csv`. */
export interface GeneRow {
  gene: string;
  score: number;
  sign: 1 | 0 | -1;
  /** From 1, the strongest; null where the score is 0. */
  rank: number | null;
  stability: number | null;
}

/**
 * @param k of the top that stability is about
 * @param className of the class, for the error
 * @throws CellhueError where no held-out sample of the class is classified rightly; RangeError where lengths do not fit
 */
export function classGenes(from: HeldOutAttributions, code: number, className: string, k = 50): ClassGenes {
  const { values, genes, codes, predicted, folds } = from;
  const n = codes.length;
  if (predicted.length !== n || folds.length !== n || values.length !== n * genes)
    throw new RangeError(
      `classGenes: ${values.length} attributions of ${genes} genes, ${n} classes, ${predicted.length} predictions, ${folds.length} folds`,
    );
  const sums = new Map<number, { sum: Float64Array; samples: number }>();
  let samples = 0;
  let of = 0;
  let empty = 0;
  for (let i = 0; i < n; i++) {
    if (codes[i] !== code) continue;
    of++;
    if (predicted[i] !== code) continue;
    samples++;
    const fold = sums.get(folds[i]) ?? { sum: new Float64Array(genes), samples: 0 };
    sums.set(folds[i], fold);
    fold.samples++;
    let anything = false;
    for (let gene = 0; gene < genes; gene++) {
      const value = values[i * genes + gene];
      fold.sum[gene] += value;
      anything ||= value !== 0;
    }
    if (!anything) empty++;
  }
  if (samples === 0)
    throw new CellhueError(`no held-out sample of class '${className}' is classified rightly`, {
      found:
        of === 0
          ? "no held-out sample of it"
          : `${of === 1 ? "its one sample" : `all ${of} samples`} predicted as another class`,
      expected: "at least one, as its genes are explained from those",
      remedy: "look at the confusion matrix, and train longer or with --class-weights balanced",
    });
  const score = new Float64Array(genes);
  const byFold = [...sums].sort(([a], [b]) => a - b).map(([, fold]) => fold);
  for (const { sum } of byFold) for (let gene = 0; gene < genes; gene++) score[gene] += sum[gene] / samples;
  const ranked = byFold
    .filter(({ sum }) => sum.some((value) => value !== 0))
    .map((fold) => fold.sum.map((value) => Math.abs(value) / fold.samples));
  return {
    score,
    order: descending(score.map(Math.abs)),
    stability: ranked.length < 2 ? null : rankStability(ranked, k),
    samples,
    of,
    empty,
  };
}

/**
 * @param names one a gene
 * @returns rows in the order of their rank
 * @throws RangeError where there are not as many names as genes
 */
export function geneRows({ score, order, stability }: ClassGenes, names: readonly string[]): GeneRow[] {
  if (names.length !== score.length)
    throw new RangeError(`geneRows: ${names.length} names, ${score.length} genes`);
  return Array.from(order, (gene, k) => ({
    gene: names[gene],
    score: score[gene],
    sign: score[gene] > 0 ? 1 : score[gene] < 0 ? -1 : 0,
    rank: score[gene] === 0 ? null : k + 1,
    stability: stability?.share[gene] ?? null,
  }));
}
