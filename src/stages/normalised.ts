/**
 * X as the encoder of a fold sees it. Normalisation is the first thing that a fold fits; by size factors the fit lies beside the
 * encoder, so that later stages get the same numbers. Where nothing is fitted, all folds get the same matrix and no
 * file is written.
 */
import { readFile } from "node:fs/promises";
import type { Settings } from "../config.js";
import { CellhueError } from "../errors.js";
import type { RunFolder } from "../io/run-folder.js";
import { packSizeFactors, sizeFactorsFile, unpackSizeFactors } from "../io/size-factors-file.js";
import { shellWord } from "../io/visible.js";
import type { Matrix } from "../matrix.js";
import type { Remarks, SizeFactors } from "../normalize/size-factors.js";
import type { StageContext } from "./context.js";
import type { RunInput } from "./prepare.js";

const isFitted = ({ normalize }: Pick<Settings, "normalize">): boolean => normalize === "log1p-scran";

/** Files of the normalisation in the folder of an encoder, within the run. */
export const normalisationFiles = (settings: Settings, folder: string): string[] =>
  isFitted(settings) ? [`${folder}/${sizeFactorsFile}`] : [];

/**
 * Fits the normalisation that belongs to the encoder in `folder`, or takes it from there.
 * @param rows the samples that it is fitted on; null: all
 * @returns all samples × genes, normalised; and what there is to say of the fit, if it was made now
 */
export async function fitNormalised(
  run: RunFolder,
  settings: Settings,
  folder: string,
  rows: Int32Array | null,
  input: Pick<RunInput, "load">,
  ctx: StageContext,
): Promise<{ x: Matrix; remarks: Remarks | undefined }> {
  const expression = await input.load();
  const known = await readSizeFactors(run, settings, folder).catch((error: unknown) => {
    if (error instanceof CellhueError) return null; // not there or damaged: fitted anew
    throw error;
  });
  if (known !== null) return { x: expression.normalised(known), remarks: undefined };
  const fit = await expression.fit(rows, ctx);
  if (fit !== null) await run.write(`${folder}/${sizeFactorsFile}`, packSizeFactors(fit));
  return { x: expression.normalised(fit), remarks: fit?.remarks };
}

/** All samples × genes, normalised as for the encoder in `folder`. */
export async function readNormalised(
  run: RunFolder,
  settings: Settings,
  folder: string,
  input: Pick<RunInput, "load">,
): Promise<Matrix> {
  const fit = await readSizeFactors(run, settings, folder);
  return (await input.load()).normalised(fit);
}

/**
 * @returns null where nothing is fitted
 * @throws CellhueError where the file is gone or damaged
 */
export async function readSizeFactors(
  run: RunFolder,
  settings: Settings,
  folder: string,
): Promise<SizeFactors | null> {
  if (!isFitted(settings)) return null;
  const path = run.path(folder, sizeFactorsFile);
  const bytes = await readFile(path).catch((cause) => {
    throw new CellhueError("the size factors of the run cannot be read", {
      where: path,
      found: String(cause.code ?? cause),
      remedy: `cellhue ${folder === "encoders/all" ? "preprocess" : "folds"} ${shellWord(run.root)}`,
      cause,
    });
  });
  return unpackSizeFactors(bytes, path);
}
