/** What the stage explain found, as plain data: genes.json of a run, and the report's section of the genes. */
import { whole } from "./numbers.js";

export const genesSchema = "cellhue.genes/1";

export interface GenesReport {
  schema: typeof genesSchema;
  net: string;
  encoder: string;
  method: string;
  genes: number;
  /** Genes that the encoder paints; all where it paints places. */
  painted: number;
  classes: ExplainedClass[];
  /** Says that these are not all classes of the run; null where they are. */
  part: string | null;
  /** Labels without a rightly classified held-out sample: nothing explains them. */
  missing: string[];
  /** Median and greatest gap between the attributions of a sample and its score, as shares; of integrated gradients. */
  completeness: { median: number; greatest: number } | null;
  checks: {
    randomisation: RandomisationCheck;
    /** The same of the maps of the image. */
    maps: RandomisationCheck;
    labels: { similarity: number; verdict: "passes" | "fails" | "undecided"; sentence: string } | null;
    deletion: CurveCheck;
    insertion: CurveCheck;
    /** Of the folds. */
    stability: Agreement | null;
    /** Of nets of one fold that differ in their seed alone. */
    seeds: (Agreement & { nets: number }) | null;
    chance: { rounds: number; resolution: number; sentence: string } | null;
  };
  /** Of a saliency-guided run: its curves beside those of the standard training of the same fold. */
  trainings: { samples: number; guided: TrainedCurves; standard: TrainedCurves; sentence: string } | null;
  /** The checks that failed, in words; none: the explanation may be believed as far as they go. */
  failed: string[];
  summary: string;
}

export interface ExplainedClass {
  label: string;
  /** genes/genes_<class>.csv */
  file: string;
  /** Held-out samples that it is the mean of. */
  samples: number;
  /** Of these the samples about which the method says nothing: its map is 0 everywhere. */
  empty: number;
  /** Genes with a false-discovery rate of at most 0.05 against shuffled labels; null where there is no null. */
  significant: number | null;
  /** The strongest; none of score 0. */
  top: {
    gene: string;
    score: number;
    stability: number | null;
    q: number | null;
    /** Rank by Welch's t test of the class against the others, from 1. */
    tRank: number;
  }[];
}

/** What it means that a map is 0 everywhere. */
export const emptyReason = (method: string): string =>
  method === "grad-cam" ? "no positive evidence at this layer" : "the map is 0 everywhere";

/** The same with what to do, as a sentence without a full stop. @param where the maps are so, e.g. " in all samples" */
export const emptyWords = (method: string, where = ""): string =>
  `${method} finds nothing${where}: ${emptyReason(method)}; use ${method === "grad-cam" ? "--method hires-cam or occlusion" : "another --method"}`;

/** The same of a class. */
export const emptyClassWords = (method: string, { samples, empty }: ExplainedClass): string =>
  emptyWords(method, ` in ${empty === samples ? "any" : whole(empty)} of the ${whole(samples)} samples`);

export interface RandomisationCheck {
  /** `ssim`: structural similarity, of maps of the image. */
  steps: { layer: string; similarity: number; ssim?: number }[];
  verdict: "passes" | "fails" | "undecided";
  sentence: string;
}

/** Of rankings of the genes, mean over their pairs and the classes. */
export interface Agreement {
  spearman: number;
  /** Of the first k. */
  jaccard: number;
  k: number;
  sentence: string;
}

export interface TrainedCurves {
  /** On the fold's test samples. */
  accuracy: number;
  deletion: CurveCheck;
  insertion: CurveCheck;
}

export interface CurveCheck {
  area: number;
  random: number;
  expression: number;
  better: boolean;
  samples: number;
  sentence: string;
  /** Mean probability of the class over the shares of the genes that are set to their mean, or put back. */
  curves: { fractions: number[]; method: number[]; random: number[]; expression: number[] };
}
