/** predictions.csv and validation.csv of a fold: probabilities of some samples, written once and read by all that judge. */

import { CellhueError } from "../errors.js";
import { argmaxRows } from "../evaluate/metrics.js";
import { csvText, parseCsv } from "./csv.js";
import type { Samples } from "./images.js";
import type { RunFolder } from "./run-folder.js";

export interface Predictions {
  /** Class of each sample. */
  actual: Int32Array;
  /** Samples × classes, row-major; the very floats that were written. */
  probabilities: Float64Array;
}

/** Columns row, sample, label, predicted and one probability a class. @param of indices of the samples */
export function predictionsCsv(
  { names, rows, codes, classes }: Samples,
  of: Int32Array,
  probabilities: Float32Array | Float64Array,
): string {
  const k = classes.length;
  const predicted = argmaxRows(probabilities, k);
  return csvText(
    ["row", "sample", "label", "predicted", ...classes],
    Array.from(of, (i, at) => [
      rows[i],
      names[i],
      classes[codes[i]],
      classes[predicted[at]],
      ...probabilities.subarray(at * k, (at + 1) * k),
    ]),
  );
}

/**
 * @param path within the run folder
 * @param count how many samples there must be
 * @throws CellhueError where the file is absent, or of other samples or classes
 */
export async function readPredictions(
  run: RunFolder,
  path: string,
  classes: readonly string[],
  count: number,
): Promise<Predictions> {
  const [header = [], ...rows] = parseCsv(await run.readText(path));
  // The columns of probabilities are the last ones: a class may itself be called "label".
  const label = header.indexOf("label");
  const first = header.length - classes.length;
  const code = new Map(classes.map((name, c) => [name, c]));
  const actual = Int32Array.from(rows, (row) => code.get(row[label]) ?? -1);
  const fits = rows.length === count && classes.every((name, c) => header[first + c] === name);
  if (!fits || actual.includes(-1))
    throw new CellhueError("the predictions of a fold are not complete", {
      where: run.path(path),
      found: `${rows.length} samples${fits ? " of other classes" : ""}`,
      expected: `${count} samples of the classes of run.json`,
      remedy: "remove the file, then start the stage train again",
    });
  return { actual, probabilities: Float64Array.from(rows.flatMap((row) => row.slice(first).map(Number))) };
}
