/** The stages folds and baselines over a run folder made by hand: splits.csv and run.json as they write them. */
import type { Settings } from "../../src/config.js";
import type { Samples } from "../../src/io/images.js";
import type { RunFolder } from "../../src/io/run-folder.js";
import { type RunSplit, type SplitsInfo, splitsCsv } from "../../src/io/splits.js";
import { stratifiedKFold } from "../../src/train/folds/stratified.js";

/** Stratified folds without validation parts. */
export const foldsOf = (codes: Int32Array, folds: number): RunSplit[] =>
  stratifiedKFold(codes, folds, 42).map(({ train, test }, fold) => ({
    repeat: 0,
    fold,
    name: `fold ${fold + 1}`,
    train,
    validation: new Int32Array(0),
    test,
  }));

export async function writeFoldsStage(
  run: RunFolder,
  settings: Settings,
  samples: Samples,
  splits: RunSplit[],
  notes: string[] = [],
): Promise<void> {
  await run.begin("folds", settings);
  const train = Int32Array.from(samples.codes, (_, i) => i);
  const final = { train, validation: new Int32Array(0), sameAs: null };
  await run.write("splits.csv", splitsCsv(samples, { splits, final, groups: null }));
  const info: SplitsInfo = {
    splits: splits.map(({ repeat, fold, name }) => ({ repeat, fold, name })),
    finalSameAs: null,
    grouped: false,
    notes,
  };
  await run.finish("folds", ["splits.csv"], { ...info });
}
