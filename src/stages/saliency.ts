/**
 * Saliency: writes model_final.onnx (the best net, trained on all samples) and Figure_Saliency_k: per class the held-out
 * sample that its fold's net classified rightly with the highest probability, beside the map of what moved its score.
 */
import type { Settings } from "../config.js";
import { throwIfAborted } from "../errors.js";
import { saliencyMaps } from "../explain/saliency.js";
import { parseCsv } from "../io/csv.js";
import { readImages, readSamples, type Samples } from "../io/images.js";
import { encodeModelFile, modelSchema } from "../io/model-file.js";
import type { RunFolder } from "../io/run-folder.js";
import { scoreGradient } from "../net/evaluate.js";
import type { NetName } from "../net/weights/layouts.js";
import { fillBatch } from "../train/batches.js";
import type { StageContext } from "./context.js";
import { type FinalHistory, readWeights } from "./train.js";

export async function saliencyStage(run: RunFolder, settings: Settings, ctx: StageContext): Promise<void> {
  const { progress, signal } = ctx;
  if ((await run.begin("saliency", settings)) === "done") {
    progress.note("saliency: done before with the same nets");
    return;
  }
  const samples = await readSamples(run);
  const final = await run.readJson<FinalHistory>("final/history.json");
  await writeModel(run, settings, samples, final);
  throwIfAborted(signal);

  const chosen = await chooseSamples(run, samples, final.net);
  const missing = samples.classes.filter((_, c) => !chosen.some((s) => samples.codes[s.sample] === c));
  for (const label of missing)
    progress.warn(
      `no held-out sample of '${label}' was classified rightly by ${final.net}: it has no saliency map`,
    );
  const { size, threads } = settings;
  const images = await readImages(run, samples, size, ctx);
  const panels: (Panel & { sample: number })[] = [];
  for (const fold of [...new Set(chosen.map((s) => s.fold))].sort((a, b) => a - b)) {
    throwIfAborted(signal);
    const group = chosen.filter((s) => s.fold === fold);
    const batch = new Float32Array(group.length * 3 * size * size);
    fillBatch(
      images,
      group.map((s) => s.sample),
      size,
      batch,
    );
    const codes = group.map((s) => samples.codes[s.sample]);
    const tensors = await readWeights(run, `folds/${final.net}/${fold}`);
    const k = samples.classes.length;
    const gradient = await scoreGradient(final.net, tensors, k, size, batch, codes, threads || undefined);
    saliencyMaps(gradient, group.length, size).forEach((map, i) => {
      const { sample, probability } = group[i];
      const area = 3 * size * size;
      panels.push({
        sample,
        label: samples.classes[codes[i]],
        name: samples.names[sample],
        probability,
        image: images.subarray(sample * area, (sample + 1) * area),
        map,
      });
    });
  }
  panels.sort((a, b) => samples.codes[a.sample] - samples.codes[b.sample]);
  const { saliencyFigures } = await import("../report/figures.js");
  const { writeFigure } = await import("../report/figure.js");
  const figures = await saliencyFigures({
    panels: panels.map(({ name, ...panel }) => ({ ...panel, sample: name })),
    size,
    net: final.net,
  });
  for (const figure of figures) await writeFigure(run.path("figures"), figure);
  const names = figures.flatMap(({ name }) => [`figures/${name}.svg`, `figures/${name}.png`]);
  await run.finish("saliency", ["model_final.onnx", ...names], { net: final.net, missing });
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

/** Per class, from the out-of-fold predictions, the sample classified rightly with the highest probability. */
async function chooseSamples(run: RunFolder, samples: Samples, net: NetName): Promise<Choice[]> {
  const [, ...rows] = parseCsv(await run.readText(`oof_${net}.csv`));
  const best: (Choice | undefined)[] = samples.classes.map(() => undefined);
  rows.forEach(([, label, fold, predicted, ...probabilities], sample) => {
    if (label !== predicted) return;
    const code = samples.codes[sample];
    const probability = Number(probabilities[code]);
    if (probability > (best[code]?.probability ?? -1))
      best[code] = { sample, fold: Number(fold), probability };
  });
  return best.filter((choice) => choice !== undefined);
}

async function writeModel(
  run: RunFolder,
  settings: Settings,
  samples: Samples,
  final: FinalHistory,
): Promise<void> {
  const { record } = run;
  const { encoder, size, components, normalize, layer, useRaw, protocol, seed, epochs, lr, batch } = settings;
  const bytes = encodeModelFile(
    await readWeights(run, "final"),
    size,
    {
      schema: modelSchema,
      net: final.net,
      labels: [...samples.classes],
      input: { name: "image", dims: `N×3×${size}×${size}`, range: "0…1", channels: "RGB" },
      outputs: { logits: "N×classes", probabilities: "N×classes, softmax of the logits" },
      preprocessing: {
        encoder,
        size,
        components,
        normalize,
        layer,
        useRaw,
        pointSize: 3,
        neighbours: 15,
        perplexity: 30,
      },
      provenance: {
        input: { sha256: record.input.sha256, samples: samples.names.length, genes: record.input.genes },
        label: settings.label,
        protocol,
        training: { seed, epochs, lr, batch, samples: final.nTrain, weights: final.weights },
        versions: record.versions,
      },
    },
    record.cellhue,
  );
  await run.write("model_final.onnx", bytes);
}
