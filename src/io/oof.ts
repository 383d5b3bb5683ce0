/** oof_<model>.csv: out-of-fold probabilities of every sample that was held out, in the order of the file. */
import { argmaxRows } from "../evaluate/metrics.js";
import { csvText } from "./csv.js";
import type { Samples } from "./images.js";
import type { RunFolder } from "./run-folder.js";
import type { RunSplit } from "./splits.js";

/** Rows that are made at a time: the table of many samples and classes is longer than a string can be. */
const PIECE = 1000;

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
  const head = csvText(header, []);
  await run.writePieces(path, async (append) => {
    await append(Buffer.from(head));
    for (let from = 0; from < rows.length; from += PIECE) {
      const cells = rows
        .slice(from, from + PIECE)
        .map(({ s, repeat, fold, i, at, predicted }) => [
          names[i],
          classes[codes[i]],
          ...(repeats > 1 ? [repeat] : []),
          fold,
          classes[predicted],
          ...predictions[s].subarray(at * k, (at + 1) * k),
        ]);
      await append(Buffer.from(csvText(header, cells).slice(head.length)));
    }
  });
}
