/**
 * Train: every net on every fold, then the best net on all samples. Writes folds/<net>/<k>/{weights.safetensors,
 * history.json, predictions.csv}, oof_<net>.csv and final/. A fold is done when its history.json is there; one under
 * way has a checkpoint, from which a killed run continues to the same bits. A fold that fails stops the run.
 */
import { readFile, rm } from "node:fs/promises";
import type { Settings } from "../config.js";
import { CellhueError, throwIfAborted } from "../errors.js";
import { accuracy } from "../evaluate/accuracy.js";
import { argmaxRows } from "../evaluate/metrics.js";
import { csvText } from "../io/csv.js";
import { readImages, readSamples, type Samples } from "../io/images.js";
import type { RunFolder } from "../io/run-folder.js";
import { shellWord } from "../io/visible.js";
import { Evaluator } from "../net/evaluate.js";
import { paramSpecs } from "../net/nets.js";
import type { Tensors } from "../net/tensors.js";
import { headOf, initialise, initialiseHead } from "../net/weights/init.js";
import type { NetName } from "../net/weights/layouts.js";
import { type LoadedWeights, loadWeights } from "../net/weights/load.js";
import { readSafetensors, writeSafetensors } from "../net/weights/safetensors.js";
import { RandomState } from "../random.js";
import { fillBatch } from "../train/batches.js";
import { packStanding, unpackStanding } from "../train/checkpoint.js";
import type { Fold } from "../train/folds/fold.js";
import { stratifiedKFold } from "../train/folds/stratified.js";
import { atStart, type EpochRecord, type TrainingData, train } from "../train/loop.js";
import { TrainingSessions } from "../train/step.js";
import type { FoldHistory } from "./compare.js";
import type { StageContext } from "./context.js";

/** Seconds between two checkpoints: what a kill can cost. */
const checkpointEvery = 60;
/** Keeps the streams of the nets apart; never renumbered, since results depend on it. */
const netSeeds: Record<NetName, number> = { resnet18: 1, efficientnet_b0: 2, efficientnet_lite0: 3 };
const imagenetClasses = 1000;

/** final/history.json */
export interface FinalHistory {
  net: NetName;
  epochs: EpochRecord[];
  nTrain: number;
  seconds: number;
  weights: FoldHistory["weights"];
}

/** Loads the weights of every net once, so that what cannot be had is refused before a folder is made. */
export async function checkTraining(settings: Settings, ctx: StageContext): Promise<void> {
  for (const net of settings.net) await startingWeights(net, settings, ctx);
}

const randomWeights: LoadedWeights = {
  tensors: new Map(),
  source: "random",
  sha256: null,
  pretrained: false,
  warnings: [],
};

function startingWeights(net: NetName, settings: Settings, ctx: StageContext): Promise<LoadedWeights> {
  const choice = settings.weights[net] ?? "pretrained";
  // Every fold draws its own (initialParameters): a network of 1000 classes would be drawn for nothing.
  if (choice === "random") return Promise.resolve(randomWeights);
  return loadWeights(
    net,
    paramSpecs(net, imagenetClasses),
    choice === "pretrained" ? choice : { file: choice },
    { ...ctx, random: new RandomState([settings.seed, netSeeds[net]]) },
  );
}

export async function trainStage(run: RunFolder, settings: Settings, ctx: StageContext): Promise<void> {
  const { progress } = ctx;
  // Loaded first: a file that was replaced under the same name makes another training.
  const starting = new Map<NetName, LoadedWeights>();
  for (const net of settings.net)
    starting.set(net, await startingWeights(net, settings, { ...ctx, progress: onlyBars(ctx) }));
  const digests = Object.fromEntries([...starting].map(([net, { sha256 }]) => [net, sha256]));
  const step = await run.begin("train", settings, digests);
  if (step === "done") {
    progress.note("train: done before with the same settings");
    return;
  }
  const samples = await readSamples(run);
  const images = await readImages(run, samples, settings.size, ctx);
  const data: TrainingData = {
    images,
    size: settings.size,
    codes: samples.codes,
    classes: samples.classes.length,
  };
  const folds = stratifiedKFold(samples.codes, settings.folds, settings.seed);
  const sessionsOf = (net: NetName) =>
    new TrainingSessions(net, data.classes, data.size, settings.threads || undefined);
  const outputs: string[] = [];
  let best: { net: NetName; accuracy: number; weights: LoadedWeights } | undefined;
  for (const [net, weights] of starting) {
    const evaluator = await Evaluator.create(net, data.classes, data.size, settings.threads || undefined);
    const sessions = sessionsOf(net);
    const unit: Unit = { run, settings, ctx, net, weights, data, sessions };
    const probabilities = new Float32Array(samples.codes.length * data.classes);
    try {
      for (const [k, fold] of folds.entries())
        await trainFold(unit, samples, fold, k, evaluator, probabilities);
    } finally {
      await evaluator.release();
      await sessions.release();
    }
    await run.write(`oof_${net}.csv`, outOfFoldCsv(samples, folds, probabilities));
    outputs.push(`oof_${net}.csv`);
    for (const k of folds.keys())
      for (const name of ["history.json", "predictions.csv", "weights.safetensors"])
        outputs.push(`folds/${net}/${k}/${name}`);
    const mean = meanAccuracy(samples, folds, probabilities);
    progress.note(`${net}: accuracy ${mean.toFixed(4)}, mean of ${folds.length} folds`);
    if (best === undefined || mean > best.accuracy) best = { net, accuracy: mean, weights };
  }
  if (best !== undefined) {
    const sessions = sessionsOf(best.net);
    try {
      await trainFinal({ run, settings, ctx, net: best.net, weights: best.weights, data, sessions });
    } finally {
      await sessions.release();
    }
    outputs.push("final/history.json", "final/weights.safetensors");
  }
  await run.finish("train", outputs, { finalNet: best?.net });
}

/** What trainings of one net share. */
interface Unit {
  run: RunFolder;
  settings: Settings;
  ctx: StageContext;
  net: NetName;
  weights: LoadedWeights;
  data: TrainingData;
  sessions: TrainingSessions;
}

/** Trains one fold, or takes it up where it stands, and predicts its test samples into `probabilities`. */
async function trainFold(
  unit: Unit,
  samples: Samples,
  fold: Fold,
  k: number,
  evaluator: Evaluator,
  probabilities: Float32Array,
): Promise<void> {
  const { run, settings, ctx, net, data } = unit;
  throwIfAborted(ctx.signal);
  const folder = `folds/${net}/${k}`;
  const { parameters, history }: Trained =
    (await finished(unit, folder)) ??
    (await trainUnit(unit, folder, `${net} fold ${k + 1}/${settings.folds}`, fold.train, k));
  const { size, classes } = data;
  const found = await evaluator.probabilities(parameters, fold.test.length, (first, count, into) => {
    fillBatch(data.images, fold.test.subarray(first, first + count), size, into);
  });
  fold.test.forEach((row, i) => {
    probabilities.set(found.subarray(i * classes, (i + 1) * classes), row * classes);
  });
  await run.write(`${folder}/predictions.csv`, foldCsv(samples, fold, found));
  if (history === undefined) return;
  const record: FoldHistory = {
    fold: k,
    epochs: history,
    nTrain: fold.train.length,
    nTest: fold.test.length,
    seconds: history.reduce((sum, epoch) => sum + epoch.seconds, 0),
    weights: sourceOf(unit.weights),
  };
  await run.writeJson(`${folder}/history.json`, record);
  await removeCheckpoint(run, folder);
  const right = accuracy(
    fold.test.map((row) => data.codes[row]),
    argmaxRows(found, classes),
  );
  ctx.progress.note(
    `${net} fold ${k + 1}/${settings.folds}: accuracy ${right.toFixed(4)}, loss ${history.at(-1)?.loss.toFixed(4)}, ${record.seconds.toFixed(0)} s`,
  );
}

/** The best net once more, on all samples: the net of the model file. */
async function trainFinal(unit: Unit): Promise<void> {
  const { run, net, data } = unit;
  if ((await finished(unit, "final")) !== undefined) return;
  const rows = Int32Array.from(data.codes, (_, i) => i);
  const { history } = await trainUnit(unit, "final", `${net} on all samples`, rows, unit.settings.folds);
  const record: FinalHistory = {
    net,
    epochs: history,
    nTrain: rows.length,
    seconds: history.reduce((sum, epoch) => sum + epoch.seconds, 0),
    weights: sourceOf(unit.weights),
  };
  await run.writeJson("final/history.json", record);
  await removeCheckpoint(run, "final");
}

const removeCheckpoint = (run: RunFolder, folder: string) =>
  rm(run.path(folder, "checkpoint.safetensors"), { force: true });

/** A training's weights, and its history where it ended just now. */
interface Trained {
  parameters: Tensors;
  history?: EpochRecord[];
}

/** A training that was done before; undefined where it was not, or where its weights are gone or damaged. */
async function finished({ run, ctx, net, data }: Unit, folder: string): Promise<Trained | undefined> {
  if (!(await run.has(folder, "history.json"))) return undefined;
  await removeCheckpoint(run, folder); // there where a kill came right after the history was written
  try {
    const parameters = await readWeights(run, folder);
    const fit = paramSpecs(net, data.classes).every(
      ({ name, dims }) => parameters.get(name)?.dims.join() === dims.join(),
    );
    if (fit) return { parameters };
  } catch (error) {
    if (!(error instanceof CellhueError)) throw error;
  }
  ctx.progress.warn(`the weights in ${run.path(folder)} cannot be read: they are trained anew`);
  return undefined;
}

/** One training from its checkpoint or its start to its end; writes weights.safetensors. */
async function trainUnit(
  { run, settings, ctx, net, weights, data, sessions }: Unit,
  folder: string,
  name: string,
  rows: Int32Array,
  k: number,
): Promise<{ parameters: Tensors; history: EpochRecord[] }> {
  const checkpoint = `${folder}/checkpoint.safetensors`;
  const seeds = [settings.seed, netSeeds[net], k];
  const saved = await readFile(run.path(checkpoint)).catch(() => undefined);
  const standing = saved && unpackStanding(saved, paramSpecs(net, data.classes));
  if (saved !== undefined && standing === undefined) {
    ctx.progress.warn(`${run.path(checkpoint)} is damaged: ${name} starts anew`);
    await removeCheckpoint(run, folder);
  }
  const from =
    standing ??
    atStart({
      parameters: initialParameters(net, weights, data.classes, seeds),
      moments: new Map(),
      steps: 0,
    });
  let written = performance.now();
  const { state, history } = await train(data, rows, from, {
    net,
    seeds,
    settings,
    sessions,
    name,
    ...ctx,
    checkpoint: {
      due: () => performance.now() - written > 1000 * checkpointEvery,
      async save(standing) {
        await run.write(checkpoint, packStanding(standing));
        written = performance.now();
      },
    },
  });
  await run.write(`${folder}/weights.safetensors`, writeSafetensors(state.parameters, { net }));
  return { parameters: state.parameters, history };
}

/** The starting weights with a new last layer; random ones are drawn anew for every fold. */
function initialParameters(net: NetName, weights: LoadedWeights, classes: number, seeds: number[]): Tensors {
  const specs = paramSpecs(net, classes);
  const random = new RandomState([...seeds, 0]);
  if (weights.source === "random") return initialise(specs, net, random);
  const head = initialiseHead(paramSpecs(net, imagenetClasses), classes, random);
  const { weight, bias } = headOf(specs);
  return new Map(
    specs.map(({ name }) => {
      const tensor = name === weight.name || name === bias.name ? head.get(name) : weights.tensors.get(name);
      if (tensor === undefined) throw new Error(`no starting value for '${name}' of ${net}`);
      return [name, tensor];
    }),
  );
}

/**
 * The weights that a training ended with.
 * @throws CellhueError where the file is gone or damaged
 */
export async function readWeights(run: RunFolder, folder: string): Promise<Tensors> {
  const path = run.path(folder, "weights.safetensors");
  try {
    return readSafetensors(await readFile(path), path).tensors;
  } catch (cause) {
    throw new CellhueError("the weights of a finished training cannot be read", {
      where: path,
      found: cause instanceof CellhueError ? cause.parts.found : String(cause),
      remedy: `remove the file if it is there, then: cellhue train ${shellWord(run.root)}`,
      cause,
    });
  }
}

const sourceOf = ({ source, sha256, pretrained }: LoadedWeights): FoldHistory["weights"] => ({
  source,
  sha256,
  pretrained,
});

/** What is to say of the weights was said when they were checked; the bar of a download goes on. */
const onlyBars = ({ progress }: StageContext): StageContext["progress"] => ({
  task: (name, total) => progress.task(name, total),
  note() {},
  warn() {},
});

function foldCsv(samples: Samples, fold: Fold, probabilities: Float32Array): string {
  const { names, rows, codes, classes } = samples;
  const predicted = argmaxRows(probabilities, classes.length);
  return csvText(
    ["row", "sample", "label", "predicted", ...classes],
    Array.from(fold.test, (i, at) => [
      rows[i],
      names[i],
      classes[codes[i]],
      classes[predicted[at]],
      ...probabilities.subarray(at * classes.length, (at + 1) * classes.length),
    ]),
  );
}

/** Every sample once, in the order of the file: sample, label, fold, predicted, one probability a class. */
function outOfFoldCsv(
  { names, codes, classes }: Samples,
  folds: readonly Fold[],
  probabilities: Float32Array,
): string {
  const predicted = argmaxRows(probabilities, classes.length);
  const foldOf = new Int32Array(codes.length);
  folds.forEach((fold, k) => {
    for (const i of fold.test) foldOf[i] = k;
  });
  return csvText(
    ["sample", "label", "fold", "predicted", ...classes],
    names.map((name, i) => [
      name,
      classes[codes[i]],
      foldOf[i],
      classes[predicted[i]],
      ...probabilities.subarray(i * classes.length, (i + 1) * classes.length),
    ]),
  );
}

function meanAccuracy(
  { codes, classes }: Samples,
  folds: readonly Fold[],
  probabilities: Float32Array,
): number {
  const predicted = argmaxRows(probabilities, classes.length);
  const scores = folds.map(({ test }) =>
    accuracy(
      test.map((i) => codes[i]),
      test.map((i) => predicted[i]),
    ),
  );
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
