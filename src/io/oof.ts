/** oof_<model>.csv: out-of-fold probabilities of every sample that was held out, in the order of the file. */
import { argmaxRows } from "../evaluate/metrics.js";
import { csvPieces } from "./csv.js";
import type { Samples } from "./images.js";
import type { RunFolder } from "./run-folder.js";
import type { RunSplit } from "./splits.js";

/**
 * Columns sample, label, fold, predicted and one probability a class; with several repeats also repeat, and the samples
 * once for each.
 * @param path within the run
 * @param predictions one a split: its test samples × classes
 */
export async function writeOutOfFold(
  run: Pick<RunFolder, "writePieces">,
  path: string,
  { names, codes, classes }: Samples,
  splits: readonly RunSplit[],
  predictions: readonly (Float32Array | Float64Array)[],
): Promise<void> {
  const repeats = new Set(splits.map(({ repeat }) => repeat)).size;
  const k = classes.length;
  const rows = splits.flatMap(({ repeat, fold, test }, s) => {
    const predicted = argmaxRows(predictions[s], k);
    return Array.from(test, (i, at) => ({ s, repeat, fold, i, at, predicted: predicted[at] }));
  });
  rows.sort((a, b) => a.repeat - b.repeat || a.i - b.i);
  const header = ["sample", "label", ...(repeats > 1 ? ["repeat"] : []), "fold", "predicted", ...classes];
  const cells = ({ s, repeat, fold, i, at, predicted }: (typeof rows)[number]) => [
    names[i],
    classes[codes[i]],
    ...(repeats > 1 ? [repeat] : []),
    fold,
    classes[predicted],
    ...predictions[s].subarray(at * k, (at + 1) * k),
  ];
  await run.writePieces(
    path,
    csvPieces(header, rows.length, (r) => cells(rows[r])),
  );
}
