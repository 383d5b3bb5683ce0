/**
 * Predictions of new samples, as a table in a file (CSV) and as columns of obs. A label stays what it is in the model;
 * samples below a threshold of confidence are "unassigned".
 */
import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { argmaxRows } from "../evaluate/metrics.js";
import { diskError, writePiecesAtomic } from "./atomic.js";
import { csvPieces } from "./csv.js";
import type { ObsColumn } from "./h5ad/write-obs.js";

/** What stands in place of a label where the confidence is too low. */
export const unassignedLabel = "unassigned";

/** What a model says of n samples. */
export interface ModelResults {
  /** n × classes, row-major. */
  probabilities: Float32Array;
  /** n distances to training. */
  distances: Float32Array;
}

export interface Predictions extends ModelResults {
  labels: readonly string[];
  /** Least confidence to be assigned; null: all are. */
  threshold: number | null;
  /** The most probable class of each sample, −1 where it is unassigned. */
  codes: Int32Array;
  /** Its probability, also where the sample is unassigned. */
  confidence: Float32Array;
  /** 1 where a sample is far from training; null where the model does not say from where on. */
  outliers: Uint8Array | null;
  /** The classes that are in the label set of each sample; null where the model states no sets. */
  sets: number[][] | null;
}

export interface DecisionRules {
  /** Least confidence to be assigned; null: all are. */
  threshold: number | null;
  /** Greatest distance that is not flagged. */
  distance: number | null;
  /** Least probability of a class in a label set. */
  set: number | null;
}

export function decide(results: ModelResults, labels: readonly string[], rules: DecisionRules): Predictions {
  const { probabilities, distances } = results;
  const { threshold, distance, set } = rules;
  const k = labels.length;
  const best = argmaxRows(probabilities, k);
  const confidence = Float32Array.from(best, (code, i) => probabilities[i * k + code]);
  const codes = best.map((code, i) => (threshold !== null && confidence[i] < threshold ? -1 : code));
  const inSet = (i: number) =>
    labels.flatMap((_, c) => (set !== null && probabilities[i * k + c] >= set ? [c] : []));
  return {
    ...results,
    labels,
    threshold,
    codes,
    confidence,
    outliers: distance === null ? null : Uint8Array.from(distances, (d) => (d > distance ? 1 : 0)),
    sets: set === null ? null : Array.from(codes, (_, i) => inSet(i)),
  };
}

/**
 * Writes `sample,predicted,confidence,<one probability a class>,distance`; the folder is made where there is none.
 * @param names of the samples, which may repeat
 * @throws CellhueError for the disk
 */
export async function writePredictions(
  path: string,
  names: readonly string[],
  predictions: Predictions,
): Promise<void> {
  const { labels, probabilities, distances, codes, confidence } = predictions;
  const k = labels.length;
  const header = ["sample", "predicted", "confidence", ...labels, "distance"];
  const row = (i: number) => [
    names[i],
    labels[codes[i]] ?? unassignedLabel,
    confidence[i],
    ...probabilities.subarray(i * k, (i + 1) * k),
    distances[i],
  ];
  try {
    await mkdir(dirname(resolve(path)), { recursive: true });
  } catch (error) {
    throw diskError(error, path);
  }
  await writePiecesAtomic(path, csvPieces(header, names.length, row), { sweep: true });
}

/** cellhue_predicted, cellhue_confidence, cellhue_distance and, where there are such, cellhue_outlier and cellhue_label_set. */
export function predictionColumns(predictions: Predictions): ObsColumn[] {
  const { labels, threshold, codes, confidence, distances, outliers, sets } = predictions;
  // All labels of the model are categories, whether or not they occur, so that two files of it can be compared.
  const abstains = threshold !== null && !labels.includes(unassignedLabel);
  const categories = abstains ? [...labels, unassignedLabel] : labels;
  const none = categories.indexOf(unassignedLabel);
  const columns: ObsColumn[] = [
    {
      name: "cellhue_predicted",
      kind: "categorical",
      categories,
      codes: codes.map((code) => (code < 0 ? none : code)),
    },
    { name: "cellhue_confidence", kind: "number", values: confidence },
    { name: "cellhue_distance", kind: "number", values: distances },
  ];
  if (outliers !== null) columns.push({ name: "cellhue_outlier", kind: "boolean", values: outliers });
  if (sets !== null) {
    const values = sets.map((set) => JSON.stringify(set.map((c) => labels[c])));
    columns.push({ name: "cellhue_label_set", kind: "string", values });
  }
  return columns;
}
