/**
 * The classical classifiers that stand beside the nets on the same folds, with the names that tables and files use.
 *
 * "pca" features are the scores of 50 principal components of *standardised genes* (or of as many as there are), genes
 * and components fitted on the training samples; the scores are not scaled again. Scaled to one variance, the many
 * components of noise would count as much as the few of signal: k nearest neighbours then falls from 0.92 to 0.71 on
 * the TCGA glioblastomas, and a baseline that was weakened proves nothing.
 * "image" features are the numbers that an image holds: for the published encoder t-SNE 1 and 2, PC 1 and UMAP 1.
 */
import type { Progress } from "../../progress.js";
import type { Features, Fit } from "./classifier.js";
import { fitKnn, NEIGHBOURS } from "./knn.js";
import { logistic } from "./logistic.js";
import { fitMajority } from "./majority.js";
import { fitNearestCentroid } from "./nearest-centroid.js";
import { standardised } from "./standardise.js";

export type BaselineName =
  | "logistic_l2"
  | "logistic_l1"
  | "knn"
  | "nearest_centroid"
  | "four_numbers"
  | "majority";

export interface Baseline {
  /** In tables and file names. */
  readonly name: BaselineName;
  /** For readers. */
  readonly title: string;
  /** What it is to be given; "none": any features will do, only their rows count. */
  readonly features: "pca" | "image" | "none";
  readonly fit: Fit;
}

const l2 = logistic({ penalty: "l2" });

/** In the order of tables. */
export const baselines: readonly Baseline[] = [
  { name: "logistic_l2", title: "logistic regression (L2)", features: "pca", fit: l2 },
  {
    name: "logistic_l1",
    title: "logistic regression (L1)",
    features: "pca",
    fit: logistic({ penalty: "l1" }),
  },
  { name: "knn", title: `${NEIGHBOURS} nearest neighbours`, features: "pca", fit: fitKnn },
  { name: "nearest_centroid", title: "nearest centroid", features: "pca", fit: fitNearestCentroid },
  {
    name: "four_numbers",
    title: "logistic regression on the image's four numbers",
    features: "image",
    fit: standardised(l2),
  },
  { name: "majority", title: "largest class", features: "none", fit: fitMajority },
];

/** Above so many classes a logistic regression of one vector a class takes hours where the nets take minutes. */
const MOST_CLASSES_OF_LOGISTIC = 200;

/** Those that are fitted where there are so many classes: above 200 none that solves a problem for each class. */
export const baselinesFor = (classes: number): readonly Baseline[] =>
  classes <= MOST_CLASSES_OF_LOGISTIC
    ? baselines
    : baselines.filter(({ name }) => !["logistic_l2", "logistic_l1", "four_numbers"].includes(name));

/** @throws RangeError where there is none of this name */
export function baselineOf(name: BaselineName): Baseline {
  const found = baselines.find((baseline) => baseline.name === name);
  if (found === undefined) throw new RangeError(`no baseline '${name}'`);
  return found;
}

/**
 * Fits a baseline on the training samples and predicts the test samples.
 * @param train training samples × features, of the kind that the baseline takes
 * @param codes class of each training sample, in 0…classes−1
 * @param test as `train`
 * @returns test samples × classes probabilities, row-major; the class predicted is the most probable one (the lowest
 *   one of equals)
 * @throws RangeError where shapes or codes do not fit, there is no training sample, or a value is not finite
 */
export function runBaseline(
  name: BaselineName,
  train: Features,
  codes: Int32Array,
  classes: number,
  test: Features,
  progress?: Progress,
): Float64Array {
  return baselineOf(name).fit(train, codes, classes, progress)(test);
}
