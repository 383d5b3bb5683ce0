/**
 * Baselines: classical models on the folds of the nets, on principal components of standardised genes (stage folds) or on
 * the numbers that the images hold. Trained on the training and validation samples, as they stop nothing
 * early. Writes baselines/<name>/<k>.csv and oof_baseline_<name>.csv.
 */
import type { Settings } from "../config.js";
import type { SampleValues } from "../encode/encoder.js";
import { throwIfAborted } from "../errors.js";
import type { Features } from "../evaluate/baselines/classifier.js";
import { baselines as allBaselines, baselinesFor } from "../evaluate/baselines/index.js";
import { readBaselineScores, readSampleValues } from "../io/encoded.js";
import { predictionsCsv } from "../io/fold-predictions.js";
import { readSamples } from "../io/images.js";
import { writeOutOfFold } from "../io/oof.js";
import type { RunFolder } from "../io/run-folder.js";
import { readSplits } from "../io/splits.js";
import type { StageContext } from "./context.js";

export async function baselinesStage(run: RunFolder, settings: Settings, ctx: StageContext): Promise<void> {
  const { progress, signal } = ctx;
  if ((await run.begin("baselines", settings)) === "done") {
    progress.note("baselines: done before on the same folds");
    return;
  }
  const samples = await readSamples(run);
  const { splits } = await readSplits(run);
  const k = samples.classes.length;
  const baselines = baselinesFor(k);
  if (baselines.length < allBaselines.length)
    progress.warn(
      `${k} classes: ${allBaselines
        .filter((b) => !baselines.includes(b))
        .map(({ title }) => title)
        .join(", ")} would take hours and are left out`,
    );
  const found = new Map<string, Float64Array[]>(baselines.map(({ name }) => [name, []]));
  const outputs: string[] = [];
  const task = progress.task("baselines", splits.length * baselines.length);
  try {
    for (const [s, { train, validation, test }] of splits.entries()) {
      const scores = await readBaselineScores(run, settings, s);
      const pca = { rows: samples.codes.length, cols: scores.length / samples.codes.length, data: scores };
      const image = imageNumbers(await readSampleValues(run, settings, s));
      const features = { pca, image, none: pca };
      const rows = Int32Array.from([...train, ...validation]).sort();
      const codes = rows.map((row) => samples.codes[row]);
      for (const [b, { name, title, features: kind, fit: fitBaseline }] of baselines.entries()) {
        throwIfAborted(signal);
        task.update(s * baselines.length + b, title);
        const classify = fitBaseline(selected(features[kind], rows), codes, k, progress);
        const probabilities = classify(selected(features[kind], test));
        const path = `baselines/${name}/${s}.csv`;
        await run.write(path, predictionsCsv(samples, test, probabilities));
        outputs.push(path);
        found.get(name)?.push(probabilities);
      }
    }
    task.update(splits.length * baselines.length);
  } finally {
    task.end();
  }
  for (const [name, predictions] of found) {
    const path = `oof_baseline_${name}.csv`;
    await writeOutOfFold(run, path, samples, splits, predictions);
    outputs.push(path);
  }
  await run.finish("baselines", outputs);
}

/** The four numbers of the spectral image of every sample: t-SNE 1 and 2, PC 1, UMAP 1. */
export function imageNumbers({ scores, places, distance }: SampleValues): Features {
  const n = distance.length;
  const k = scores.length / n;
  const data = new Float32Array(4 * n);
  for (let i = 0; i < n; i++)
    data.set([places[4 * i], places[4 * i + 1], scores[k * i], places[4 * i + 2]], 4 * i);
  return { rows: n, cols: 4, data };
}

function selected({ cols, data }: Features, rows: Int32Array): Features {
  const picked = new Float32Array(rows.length * cols);
  rows.forEach((row, i) => {
    picked.set(data.subarray(row * cols, (row + 1) * cols), i * cols);
  });
  return { rows: rows.length, cols, data: picked };
}
