/**
 * The model file of a run: the final net behind the final encoder, calibrated on its validation part, with all that it
 * takes to use and to trust it.
 */
import { basename } from "node:path";
import type { Settings } from "../config.js";
import { temperRows } from "../evaluate/softmax.js";
import { parseCsv } from "../io/csv.js";
import { type EncoderKey, encoderFolder, readEncoder } from "../io/encoded.js";
import { type Predictions, readPredictions } from "../io/fold-predictions.js";
import type { Samples } from "../io/images.js";
import { encodeModelFile, type ModelMetadata, modelSchema } from "../io/model-file.js";
import type { RunFolder } from "../io/run-folder.js";
import { readSplits, type Splits } from "../io/splits.js";
import type { NetName } from "../net/weights/layouts.js";
import { abstentionOn, calibrateOn, farFromTraining } from "./calibrate.js";
import type { Metrics } from "./compare.js";
import { readSizeFactors } from "./normalised.js";
import { type FinalHistory, readWeights } from "./train.js";

/** model_final.onnx */
export async function finalModel(run: RunFolder, settings: Settings, samples: Samples): Promise<Uint8Array> {
  // Without its seconds: the same data and settings make the same bytes.
  const { net, nTrain, nValidation, epochs, bestEpoch, chosen, weights } =
    await run.readJson<FinalHistory>("final/history.json");
  const { final } = await readSplits(run);
  return model(run, settings, samples, {
    net,
    key: final.sameAs ?? "final",
    folder: "final",
    validation: final.validation.length,
    training: { epochs: epochs.length, bestEpoch, chosen, nTrain, nValidation, weights },
  });
}

/**
 * The net of one fold as a model file: what it predicts for its test samples is what the cross-validation says. Not so under
 * the published protocol, whose test images come from the embedding of all samples; the file places them by the rule.
 */
export async function foldModel(
  run: RunFolder,
  settings: Settings,
  samples: Samples,
  net: NetName,
  k: number,
): Promise<Uint8Array> {
  const { splits } = await readSplits(run);
  return model(run, settings, samples, {
    net,
    key: k,
    folder: `folds/${net}/${k}`,
    validation: splits[k].validation.length,
    training: { fold: k, name: splits[k].name, nTrain: splits[k].train.length },
  });
}

interface Source {
  net: NetName;
  /** Its encoder. */
  key: EncoderKey;
  /** Where its weights lie. */
  folder: string;
  /** Samples of its validation part. */
  validation: number;
  training: Record<string, unknown>;
}

async function model(
  run: RunFolder,
  settings: Settings,
  samples: Samples,
  { net, key, folder, validation, training }: Source,
): Promise<Uint8Array> {
  const { record } = run;
  const { classes } = samples;
  const metrics = await run.readJson<Metrics>("metrics.json");
  const splits = await readSplits(run);
  const validated = await readPredictions(run, `${folder}/validation.csv`, classes, validation);
  const calibrated = calibrateOn(validated, classes.length, settings.coverage);
  const heldOut = await heldOutPredictions(run, settings, net, classes, splits);
  const abstention = abstentionOn(heldOut, classes.length);
  const far = await farFromTraining(run, settings, splits.splits);
  const encoder = await readEncoder(run, settings, key);
  const { genes, ids, shares } = await readGenes(run);
  const [state, ...evidence] = (record.input.state ?? "unknown: not described").split(": ");
  const scores = metrics.models.find((m) => m.net === net);
  const { size, components, layer, useRaw, protocol, normalize } = settings;
  const metadata: ModelMetadata = {
    schema: modelSchema,
    net,
    labels: [...classes],
    genes,
    geneIds: ids,
    input: { name: "expression", dims: `N×${genes.length}`, missing: "NaN" },
    outputs: {
      probabilities: `N×${classes.length}, calibrated, in the order of labels`,
      logits: `N×${classes.length}, before calibration`,
      image: `N×3×${size.height}×${size.width}, RGB in 0…1`,
      distance: "N×1, to the nearest training samples in PCA space",
    },
    inputState: { state, evidence: evidence.join(": "), normalize },
    encoder: {
      kind: settings.encoder,
      size,
      components: encoder.projection.components,
      asked: components,
      genes: encoder.projection.mean.length,
      choice: settings.genes,
      scale: settings.scale,
      layer,
      useRaw,
    },
    calibration: {
      temperature: calibrated?.temperature.temperature ?? 1,
      samples: validation,
    },
    distance: { threshold: far.threshold, quantile: 1 - far.alpha, meaning: far.meaning },
    abstain: { threshold: abstention.threshold, meaning: abstention.meaning },
    conformal: calibrated && {
      coverage: settings.coverage,
      threshold: calibrated.sets.threshold === null ? null : 1 - calibrated.sets.threshold,
      samples: calibrated.sets.samples,
      meaning: calibrated.sets.meaning,
    },
    metrics: { mean: scores?.mean, sd: scores?.sd, pooled: scores?.pooled, verdict: metrics.verdict.summary },
    card: card(settings, record.input.samples, genes.length, metrics),
    provenance: {
      input: {
        file: basename(record.input.path),
        sha256: record.input.sha256,
        samples: samples.names.length,
      },
      label: settings.label,
      protocol,
      cv: settings.cv,
      group: settings.group,
      training: { seed: settings.seed, ...training },
      versions: record.versions,
    },
  };
  const tensors = await readWeights(run, folder);
  const geneShares = normalize === "none" ? null : shares;
  const sizeFactors = await readSizeFactors(run, settings, encoderFolder(settings, key));
  const parts = { encoder, geneShares, sizeFactors: sizeFactors?.rule ?? null };
  return encodeModelFile({ ...parts, tensors, metadata, version: record.cellhue });
}

/** Out-of-fold predictions of the first repeat, each at its fold's temperature. */
async function heldOutPredictions(
  run: RunFolder,
  settings: Settings,
  net: NetName,
  classes: readonly string[],
  { splits }: Splits,
): Promise<Predictions> {
  const actual: number[] = [];
  const parts: Float64Array[] = []; // of thousands of classes they are millions
  for (const [k, { repeat, test, validation }] of splits.entries()) {
    if (repeat > 0) continue;
    const folder = `folds/${net}/${k}`;
    const found = await readPredictions(run, `${folder}/predictions.csv`, classes, test.length);
    const validated = await readPredictions(run, `${folder}/validation.csv`, classes, validation.length);
    const t = calibrateOn(validated, classes.length, settings.coverage)?.temperature.temperature ?? 1;
    for (const code of found.actual) actual.push(code);
    parts.push(temperRows(found.probabilities, classes.length, t));
  }
  const probabilities = new Float64Array(actual.length * classes.length);
  let at = 0;
  for (const part of parts) {
    probabilities.set(part, at);
    at += part.length;
  }
  return { actual: Int32Array.from(actual), probabilities };
}

/** genes.csv: names, second names and shares of the counts. */
async function readGenes(
  run: RunFolder,
): Promise<{ genes: string[]; ids: string[] | null; shares: Float32Array }> {
  const [, ...rows] = parseCsv(await run.readText("genes.csv"));
  const ids = rows.map(([, id = ""]) => id);
  const shares = Float32Array.from(rows, ([, , share]) => Number(share));
  return { genes: rows.map(([gene]) => gene), shares, ids: ids.some((id) => id !== "") ? ids : null };
}

function card(settings: Settings, samples: number, genes: number, metrics: Metrics): ModelMetadata["card"] {
  const { data } = metrics;
  return {
    intendedUse: `Research: telling '${data.label}' (${data.classes.map((c) => c.name).join(", ")}) of samples measured and normalised as those of training. It is no medical device and gives no diagnosis.`,
    data: `${data.file}: ${data.samples} labelled samples of ${samples}, ${genes} genes; ${data.classes.map((c) => `${c.name} ${c.count}`).join(", ")}.`,
    limits: [
      "Every sample gets one of these labels, also one of another kind: look at the distance and the label set.",
      ...(settings.protocol === "published"
        ? ["Its embedding saw all samples, so the scores of the cross-validation are optimistic."]
        : []),
      ...(settings.group === null
        ? ["No groups were named: of samples of new patients, plates or laboratories the scores say nothing."]
        : []),
      ...metrics.notes,
    ],
  };
}
