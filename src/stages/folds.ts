/**
 * Folds: draws the folds and, under the inductive protocol, fits an encoder on the training samples of each and lets it
 * paint all samples. Writes splits.csv, encoders/baselines/ (what the baselines see) and encoders/<k>/: encoder.safetensors, samples.safetensors, images.rgb.gz; one
 * more, encoders/final/, for the final net. An encoder is done when its images are there.
 */
import type { Settings } from "../config.js";
import { throwIfAborted } from "../errors.js";
import { areaOf } from "../image-size.js";
import {
  baselineScoresPath,
  type EncoderKey,
  encodedFiles,
  encoderFolder,
  isEncoded,
  packScores,
  writeEncoded,
} from "../io/encoded.js";
import { packEncoder } from "../io/encoder-file.js";
import { readSamples } from "../io/images.js";
import type { RunFolder } from "../io/run-folder.js";
import { type SplitsInfo, splitsCsv } from "../io/splits.js";
import { selectRows } from "../matrix.js";
import { type Remarks, remarkLines } from "../normalize/size-factors.js";
import { fitThreads, onlyBars, type StageContext } from "./context.js";
import { fitNormalised, normalisationFiles } from "./normalised.js";
import type { RunInput } from "./prepare.js";

export async function foldsStage(
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
  input: RunInput,
): Promise<void> {
  const { progress, signal } = ctx;
  if ((await run.begin("folds", settings)) === "done") {
    progress.note("folds: done before with the same settings");
    return;
  }
  const { splits, final, groups, notes } = input.splits;
  await run.write("splits.csv", splitsCsv(await readSamples(run), input.splits));
  const outputs = ["splits.csv"];
  if (settings.protocol === "inductive") {
    const fits: { key: EncoderKey; name: string; rows: Int32Array }[] = splits.map(
      ({ name, train }, key) => ({
        key,
        name,
        rows: train,
      }),
    );
    if (final.sameAs === null) fits.push({ key: "final", name: "all samples", rows: final.train });
    const remarks: Remarks[] = [];
    const task = progress.task("encoders", fits.length);
    try {
      for (const [i, { key, name, rows }] of fits.entries()) {
        throwIfAborted(signal);
        const folder = encoderFolder(settings, key);
        task.update(i, name);
        const factors = normalisationFiles(settings, folder);
        const there = await Promise.all([isEncoded(run, folder), ...factors.map((file) => run.has(file))]);
        if (!there.every(Boolean)) {
          const found = await fitEncoder(run, folder, rows, settings, ctx, input);
          if (found !== undefined) remarks.push(found);
        }
        outputs.push(...encodedFiles.map((file) => `${folder}/${file}`));
        outputs.push(...factors);
      }
      task.update(fits.length);
    } finally {
      task.end();
    }
    for (const line of remarkLines(remarks, "in the folds: ")) progress.warn(line);
  }
  outputs.push(...(await baselineFeatures(run, settings, ctx, input)));
  const info: SplitsInfo = {
    splits: splits.map(({ repeat, fold, name }) => ({ repeat, fold, name })),
    finalSameAs: final.sameAs,
    notes,
    grouped: groups !== null,
  };
  await run.finish("folds", outputs, { ...info });
}

/** Components of the baselines: as many as scikit-learn users take, of genes that count alike. */
const BASELINE_COMPONENTS = 50;

/**
 * Principal components of standardised genes for the baselines: fitted on the training and validation samples of each
 * fold, or, under the published protocol, once on all samples.
 * @returns the files
 */
async function baselineFeatures(
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
  input: RunInput,
): Promise<string[]> {
  const { fitProjection, project } = await import("../encode/encoder.js");
  const { splits } = input.splits;
  const published = settings.protocol === "published";
  const fits = published ? splits.slice(0, 1) : splits;
  const paths: string[] = [];
  const task = ctx.progress.task("components for the baselines", fits.length);
  try {
    for (const [k, { train, validation }] of fits.entries()) {
      throwIfAborted(ctx.signal);
      const path = baselineScoresPath(settings, k);
      paths.push(path);
      if (await run.has(path)) continue;
      const expression = await input.load();
      const rows = Int32Array.from([...train, ...validation]).sort();
      const fit = await expression.fit(published ? null : rows, onlyBars(ctx));
      const x = expression.normalised(fit);
      const options = {
        components: BASELINE_COMPONENTS,
        scale: true,
        seed: settings.seed,
        size: settings.size,
        threads: fitThreads(settings),
        ...onlyBars(ctx),
      };
      const projection = await fitProjection(published ? x : selectRows(x, rows), options);
      await run.write(path, packScores(await project(projection, x, options), x.rows));
      task.update(k + 1);
    }
  } finally {
    task.end();
  }
  return paths;
}

/** Fits an encoder on some samples and paints all of them. Returns what there is to say of their normalisation. */
async function fitEncoder(
  run: RunFolder,
  folder: string,
  rows: Int32Array,
  settings: Settings,
  ctx: StageContext,
  input: RunInput,
): Promise<Remarks | undefined> {
  const { fitEncoder, paintSamples } = await import("../encode/encoder.js");
  const quiet = onlyBars(ctx);
  const { x, remarks } = await fitNormalised(run, settings, folder, rows, input, quiet);
  const options = { ...settings, threads: fitThreads(settings), ...quiet };
  const fit = await fitEncoder(selectRows(x, rows), options);
  await run.write(`${folder}/encoder.safetensors`, packEncoder(fit));
  await writeEncoded(run, folder, areaOf(settings.size) * 3, (take) => paintSamples(fit, x, options, take));
  return remarks;
}
