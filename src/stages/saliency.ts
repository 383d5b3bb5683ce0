/**
 * Saliency: trains the best net on all samples, writes it as model_final.onnx, and Figure_Saliency_k: per class the held-out
 * sample that its fold's net classified rightly with the highest probability, beside the map of what moved its score.
 */
import type { Settings } from "../config.js";
import { throwIfAborted } from "../errors.js";
import { largestClasses, MANY_CLASSES } from "../evaluate/many-classes.js";
import { argmaxRows } from "../evaluate/metrics.js";
import { saliencyMaps } from "../explain/saliency.js";
import { ScoreGraph } from "../explain/score-model.js";
import { areaOf } from "../image-size.js";
import { takeImages } from "../image-source.js";
import { readFoldImages } from "../io/encoded.js";
import { readPredictions } from "../io/fold-predictions.js";
import { readSamples, type Samples } from "../io/images.js";
import type { RunFolder } from "../io/run-folder.js";
import { readSplits } from "../io/splits.js";
import { nets } from "../net/nets.js";
import type { NetName } from "../net/weights/layouts.js";
import { fillBatch } from "../train/batches.js";
import type { StageContext } from "./context.js";
import type { LoadX } from "./guide.js";
import { warnOfMissing } from "./missing-classes.js";
import { finalModel } from "./model.js";
import { finalFiles, readWeights, trainFinalNet } from "./train.js";

/** @param load reads X, which a training that is guided by genes needs */
export async function saliencyStage(
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
  load: LoadX,
): Promise<void> {
  const { progress, signal } = ctx;
  if ((await run.begin("saliency", settings)) === "done") {
    progress.note("saliency: done before with the same nets");
    return;
  }
  const samples = await readSamples(run);
  const final = await trainFinalNet(run, settings, ctx, load);
  await run.write("model_final.onnx", await finalModel(run, settings, samples));
  throwIfAborted(signal);

  const wanted = largestClasses(
    run.record.classes.map(({ count }) => count),
    MANY_CLASSES,
  );
  if (wanted.length < samples.classes.length)
    progress.note(`saliency maps of the largest ${wanted.length} of ${samples.classes.length} classes`);
  const chosen = (await chooseSamples(run, samples, final.net)).filter(({ sample }) =>
    wanted.includes(samples.codes[sample]),
  );
  const mapped = new Set(chosen.map(({ sample }) => samples.codes[sample]));
  const missing = wanted.filter((c) => !mapped.has(c)).map((c) => samples.classes[c]);
  const lacks = { one: "it has no saliency map", many: "they have no saliency map" };
  warnOfMissing(progress, missing, final.net, lacks);
  const { size, threads } = settings;
  const k = samples.classes.length;
  const graph = new ScoreGraph({
    network: (net, images) => nets[final.net].build(net, images, k),
    size,
    threads,
    signal,
  });
  const panels: (Panel & { sample: number })[] = [];
  try {
    for (const fold of [...new Set(chosen.map((s) => s.fold))].sort((a, b) => a - b)) {
      throwIfAborted(signal);
      const group = chosen.filter((s) => s.fold === fold);
      const area = 3 * areaOf(size);
      const images = await takeImages(
        await readFoldImages(run, samples, settings, fold, ctx, 0), // a few of them: none is held
        group.map((s) => s.sample),
        area,
      );
      const batch = new Float32Array(group.length * area);
      fillBatch(images, [...group.keys()], size, batch);
      const codes = group.map((s) => samples.codes[s.sample]);
      const tensors = await readWeights(run, `folds/${final.net}/${fold}`);
      const { gradient } = await graph.model(tensors).gradient(batch, codes);
      saliencyMaps(gradient, group.length, size).forEach((map, i) => {
        const { sample, probability } = group[i];
        panels.push({
          sample,
          label: samples.classes[codes[i]],
          name: samples.names[sample],
          probability,
          image: images.subarray(i * area, (i + 1) * area),
          map,
        });
      });
    }
  } finally {
    await graph.release();
  }
  panels.sort((a, b) => samples.codes[a.sample] - samples.codes[b.sample]);
  const { saliencyFigures } = await import("../report/figures.js");
  const { writeFigure } = await import("../report/figure.js");
  const figures = await saliencyFigures({
    panels: panels.map(({ name, ...panel }) => ({ ...panel, sample: name })),
    size,
    net: final.net,
  });
  for (const figure of figures) await writeFigure(run, figure);
  const names = figures.flatMap(({ name }) => [`figures/${name}.svg`, `figures/${name}.png`]);
  await run.finish("saliency", ["model_final.onnx", ...finalFiles, ...names], { net: final.net, missing });
}

interface Panel {
  label: string;
  name: string;
  probability: number;
  image: Uint8Array;
  map: Float32Array;
}

interface Choice {
  /** Index of the sample in the run. */
  sample: number;
  fold: number;
  probability: number;
}

/** Per class, from the out-of-fold predictions of the first repeat, the sample classified rightly with the highest probability. */
async function chooseSamples(run: RunFolder, samples: Samples, net: NetName): Promise<Choice[]> {
  const { splits } = await readSplits(run);
  const { classes } = samples;
  const best: (Choice | undefined)[] = classes.map(() => undefined);
  for (const [fold, { repeat, test }] of splits.entries()) {
    if (repeat > 0) continue;
    const path = `folds/${net}/${fold}/predictions.csv`;
    const { probabilities } = await readPredictions(run, path, classes, test.length);
    const predicted = argmaxRows(probabilities, classes.length);
    test.forEach((sample, at) => {
      const code = samples.codes[sample];
      if (predicted[at] !== code) return;
      const probability = probabilities[at * classes.length + code];
      if (probability > (best[code]?.probability ?? -1)) best[code] = { sample, fold, probability };
    });
  }
  return best.filter((choice) => choice !== undefined);
}
