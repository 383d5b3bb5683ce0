/**
 * Train: every net on every fold, then the best net on all samples. Writes folds/<net>/<k>/{weights.safetensors,
 * history.json, predictions.csv, validation.csv} and oof_<net>.csv; final/ belongs to the stage saliency. A fold is done when its history.json is there; one under
 * way has a checkpoint, from which a killed run continues to the same bits. A fold that fails stops the run.
 */
import { readFile } from "node:fs/promises";
import type { Settings } from "../config.js";
import { CellhueError, throwIfAborted } from "../errors.js";
import { accuracy } from "../evaluate/accuracy.js";
import { argmaxRows } from "../evaluate/metrics.js";
import { type EncoderKey, encoderFolder, readFoldImages } from "../io/encoded.js";
import { predictionsCsv } from "../io/fold-predictions.js";
import { readSamples, type Samples } from "../io/images.js";
import { writeOutOfFold } from "../io/oof.js";
import type { RunFolder } from "../io/run-folder.js";
import { type FinalSplit, type RunSplit, readSplits } from "../io/splits.js";
import { shellWord, visible } from "../io/visible.js";
import { Evaluator } from "../net/evaluate.js";
import { paramSpecs } from "../net/nets.js";
import type { Tensors } from "../net/tensors.js";
import { headOf, initialise, initialiseHead } from "../net/weights/init.js";
import type { NetName } from "../net/weights/layouts.js";
import { type LoadedWeights, loadWeights } from "../net/weights/load.js";
import { readSafetensors, writeSafetensors } from "../net/weights/safetensors.js";
import { RandomState } from "../random.js";
import { loadBatch } from "../train/batches.js";
import { packStanding, unpackStanding } from "../train/checkpoint.js";
import { nestedFolds } from "../train/folds/nested.js";
import { atStart, type EpochRecord, type Standing, type TrainingData, train } from "../train/loop.js";
import { TrainingSessions } from "../train/step.js";
import { bestCandidate, type Candidate, candidates } from "../train/tune.js";
import type { FoldHistory } from "./compare.js";
import { onlyBars, type StageContext } from "./context.js";
import { innerCv } from "./draw-splits.js";
import { Guide, type LoadX } from "./guide.js";

/** Seconds between two checkpoints where the context does not say: what a kill can cost. */
const CHECKPOINT_SECONDS = 60;
/** Keeps the streams of the nets apart; never renumbered, since results depend on it. */
const netSeeds: Record<NetName, number> = {
  resnet18: 1,
  efficientnet_b0: 2,
  efficientnet_lite0: 3,
  mobilenet_v2: 4,
  squeezenet1_1: 5,
  compact: 6,
};
const imagenetClasses = 1000;

/** final/history.json */
export interface FinalHistory {
  net: NetName;
  epochs: EpochRecord[];
  bestEpoch?: number;
  chosen?: Candidate;
  nTrain: number;
  nValidation: number;
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

/** @param load reads X, which a training that is guided by genes needs */
export async function trainStage(
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
  load: LoadX,
): Promise<void> {
  const { progress } = ctx;
  // Loaded first: a file that was replaced under the same name makes another training.
  const starting = new Map<NetName, LoadedWeights>();
  for (const net of settings.net) starting.set(net, await startingWeights(net, settings, onlyBars(ctx)));
  const digests = Object.fromEntries([...starting].map(([net, { sha256 }]) => [net, sha256]));
  const step = await run.begin("train", settings, digests);
  if (step === "done") {
    progress.note("train: done before with the same settings");
    return;
  }
  const samples = await readSamples(run);
  const { splits, groups } = await readSplits(run);
  const images = new FoldImages(run, samples, settings, ctx);
  const outputs: string[] = [];
  const shared = { run, settings, ctx, samples, images, groups, load };
  let best: { net: NetName; accuracy: number } | undefined;
  for (const [net, weights] of starting) {
    const unit = await openUnit(shared, net, weights);
    const predictions: Float32Array[] = [];
    try {
      for (const k of splits.keys()) predictions.push(await trainFold(unit, splits, k));
    } finally {
      await closeUnit(unit);
    }
    await writeOutOfFold(run, `oof_${net}.csv`, samples, splits, predictions);
    outputs.push(`oof_${net}.csv`);
    for (const k of splits.keys())
      for (const name of ["history.json", "predictions.csv", "validation.csv", "weights.safetensors"])
        outputs.push(`folds/${net}/${k}/${name}`);
    const mean = meanAccuracy(samples, splits, predictions);
    progress.note(`${net}: accuracy ${mean.toFixed(4)}, mean of ${splits.length} folds`);
    if (best === undefined || mean > best.accuracy) best = { net, accuracy: mean };
  }
  await run.finish("train", outputs, { finalNet: best?.net });
}

/** The net that did best. @throws CellhueError where run.json does not name one of the run's nets */
export function finalNetOf({ record, root }: RunFolder): NetName {
  const named = record.stages.train?.info?.finalNet;
  const net = record.settings.net.find((name) => name === named);
  if (net !== undefined) return net;
  throw new CellhueError("run.json does not say which net did best", {
    where: root,
    found: visible(String(named)),
    expected: `one of ${record.settings.net.join(", ")}`,
    remedy: `cellhue train ${shellWord(root)}`,
  });
}

/** What `trainFinalNet` writes. */
export const finalFiles = [
  "final/history.json",
  "final/validation.csv",
  "final/weights.safetensors",
] as const;

/**
 * The best net of the cross-validation once more, on all samples but a validation part: the net of the model file. A part
 * of the stage saliency, which holds the folder; cut off, it goes on where it stood.
 */
export async function trainFinalNet(
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
  load: LoadX,
): Promise<FinalHistory> {
  const net = finalNetOf(run);
  const samples = await readSamples(run);
  const { splits, final, groups } = await readSplits(run);
  const images = new FoldImages(run, samples, settings, ctx);
  const weights = await startingWeights(net, settings, onlyBars(ctx));
  const unit = await openUnit({ run, settings, ctx, samples, images, groups, load }, net, weights);
  try {
    await trainFinal(unit, final, splits.length);
  } finally {
    await closeUnit(unit);
  }
  return run.readJson<FinalHistory>("final/history.json");
}

/** On what terms a net of a fold is trained once more. */
export interface Again {
  /** Where, within the run; weights of a finished one are read. */
  folder: string;
  name: string;
  /** Last key of its seeds; that of the fold: the fold's number. */
  stream: number;
  /** Labels of all samples; default: their own. */
  codes?: Int32Array;
  /** Samples to validate on; default: the fold's. */
  validation?: Int32Array;
  settings?: Partial<Settings>;
}

export interface TrainedAgain {
  weights: Tensors;
  /** Of the fold's test samples, test × classes. */
  probabilities: Float32Array;
}

/**
 * The net of one fold once more on other terms, to hold the fold's own against: shuffled labels, another seed, the usual
 * training beside a guided one. Settings that the fold chose are taken over. Cut off, it goes on where it stood.
 */
export async function trainAgain(
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
  net: NetName,
  { k, train, validation, test }: RunSplit & { k: number },
  load: LoadX,
  again: Again,
): Promise<TrainedAgain> {
  const { folder, name, stream } = again;
  const samples = await readSamples(run);
  const images = new FoldImages(run, samples, settings, ctx, again.codes);
  const weights = await startingWeights(net, settings, onlyBars(ctx));
  const { chosen } = await run.readJson<FoldHistory>(`folds/${net}/${k}/history.json`);
  const terms = { ...settings, ...chosen, tune: {}, ...again.settings };
  const shared = { run, settings: terms, ctx, samples, images, groups: null, load };
  const unit = await openUnit(shared, net, weights);
  try {
    const job: Job = { key: k, folder, name, train, validation: again.validation ?? validation, stream };
    const checkpoint = await run.has(folder, "checkpoint.safetensors");
    const ended = !checkpoint && (await run.has(folder, "weights.safetensors"));
    const parameters = ended ? await readWeights(run, folder) : (await trainUnit(unit, job)).parameters;
    await removeCheckpoint(run, folder);
    return { weights: parameters, probabilities: await predict(unit, k, parameters, test) };
  } finally {
    await closeUnit(unit);
  }
}

/** What trainings of one net share. */
interface Unit {
  run: RunFolder;
  settings: Settings;
  ctx: StageContext;
  samples: Samples;
  images: FoldImages;
  groups: readonly string[] | null;
  net: NetName;
  weights: LoadedWeights;
  classes: number;
  sessions: TrainingSessions;
  evaluator: Evaluator;
  guide: Guide;
}

async function openUnit(
  shared: Pick<Unit, "run" | "settings" | "ctx" | "samples" | "images" | "groups"> & { load: LoadX },
  net: NetName,
  weights: LoadedWeights,
): Promise<Unit> {
  const { size, threads, device } = shared.settings;
  const classes = shared.samples.classes.length;
  const evaluator = await Evaluator.create(net, classes, size, threads, device);
  const sessions = new TrainingSessions(net, classes, size, threads, device);
  const { run, settings, ctx, load } = shared;
  const guide = new Guide(run, settings, ctx, load);
  return { ...shared, net, weights, classes, sessions, evaluator, guide };
}

async function closeUnit({ sessions, evaluator, guide }: Unit): Promise<void> {
  await guide.release();
  await evaluator.release();
  await sessions.release();
}

/** The images of one fold at a time: all folds' would not fit in memory. */
class FoldImages {
  private held: { folder: string; data: Promise<TrainingData> } | undefined;

  constructor(
    private readonly run: RunFolder,
    private readonly samples: Samples,
    private readonly settings: Settings,
    private readonly ctx: StageContext,
    /** What they are trained as; the images of a class lie by the samples' own. */
    private readonly codes = samples.codes,
  ) {}

  get(key: EncoderKey): Promise<TrainingData> {
    const { run, samples, settings, ctx, codes } = this;
    const folder = encoderFolder(settings, key);
    if (this.held?.folder !== folder) {
      const data = readFoldImages(run, samples, settings, key, ctx).then((images) => ({
        images,
        size: settings.size,
        codes,
        classes: samples.classes.length,
      }));
      this.held = { folder, data };
    }
    return this.held.data;
  }
}

/** One training: what it sees, where it writes, what it is called. */
interface Job {
  key: EncoderKey;
  folder: string;
  name: string;
  train: Int32Array;
  validation: Int32Array;
  /** Last key of its seeds. */
  stream: number;
}

/**
 * Trains one fold, or takes it up where it stands.
 * @returns probabilities of its test samples, test × classes
 */
async function trainFold(unit: Unit, splits: readonly RunSplit[], k: number): Promise<Float32Array> {
  const { run, samples, net } = unit;
  const { train, validation, test, name } = splits[k];
  const folder = `folds/${net}/${k}`;
  const title = `${net} ${k + 1}/${splits.length}, ${name}`;
  const job: Job = { key: k, folder, name: title, train, validation, stream: k };
  const { parameters, history, bestEpoch, chosen } = await trainOrRead(unit, job);
  const found = await predict(unit, k, parameters, test);
  await run.write(`${folder}/predictions.csv`, predictionsCsv(samples, test, found));
  if (history === undefined) return found;
  const record: FoldHistory = {
    fold: k,
    epochs: history,
    bestEpoch,
    chosen,
    nTrain: train.length,
    nValidation: validation.length,
    nTest: test.length,
    seconds: history.reduce((sum, epoch) => sum + epoch.seconds, 0),
    weights: sourceOf(unit.weights),
  };
  await run.writeJson(`${folder}/history.json`, record);
  await removeCheckpoint(run, folder);
  const right = accuracy(
    test.map((row) => samples.codes[row]),
    argmaxRows(found, unit.classes),
  );
  unit.ctx.progress.note(
    `${title}: accuracy ${right.toFixed(4)}, loss ${history.at(-1)?.loss.toFixed(4)}, ${record.seconds.toFixed(0)} s`,
  );
  return found;
}

async function trainFinal(unit: Unit, final: FinalSplit, stream: number): Promise<void> {
  const { run, net, weights } = unit;
  if (final.sameAs !== null) {
    // A fixed split has one training part, and its net is there; the test part stays unseen.
    const { epochs, bestEpoch, chosen, ...rest } = await run.readJson<FoldHistory>(
      `folds/${net}/${final.sameAs}/history.json`,
    );
    for (const name of ["weights.safetensors", "validation.csv"])
      await run.write(`final/${name}`, await readFile(run.path("folds", net, String(final.sameAs), name)));
    const { nTrain, nValidation, seconds } = rest;
    const record: FinalHistory = {
      net,
      epochs,
      bestEpoch,
      chosen,
      nTrain,
      nValidation,
      seconds,
      weights: sourceOf(weights),
    };
    return run.writeJson("final/history.json", record);
  }
  const { train, validation } = final;
  const name = `${net} on all samples`;
  const job: Job = { key: "final", folder: "final", name, train, validation, stream };
  const { history, bestEpoch, chosen } = await trainOrRead(unit, job);
  if (history === undefined) return;
  const record: FinalHistory = {
    net,
    epochs: history,
    bestEpoch,
    chosen,
    nTrain: train.length,
    nValidation: validation.length,
    seconds: history.reduce((sum, epoch) => sum + epoch.seconds, 0),
    weights: sourceOf(weights),
  };
  await run.writeJson("final/history.json", record);
  await removeCheckpoint(run, "final");
}

/** Probabilities of some samples by the images of an encoder: rows × classes. */
async function predict(
  { images, evaluator }: Unit,
  key: EncoderKey,
  parameters: Tensors,
  rows: Int32Array,
): Promise<Float32Array> {
  const { images: bytes, size } = await images.get(key);
  return evaluator.probabilities(parameters, rows.length, (first, count, into) => {
    loadBatch(bytes, rows.subarray(first, first + count), size, into);
  });
}

/** Trains, unless it was done before; writes the predictions of the validation samples. */
async function trainOrRead(unit: Unit, job: Job): Promise<Trained> {
  throwIfAborted(unit.ctx.signal);
  const trained = (await finished(unit, job.folder)) ?? (await trainUnit(unit, job));
  const validated = await predict(unit, job.key, trained.parameters, job.validation);
  await unit.run.write(
    `${job.folder}/validation.csv`,
    predictionsCsv(unit.samples, job.validation, validated),
  );
  return trained;
}

const removeCheckpoint = (run: RunFolder, folder: string) => run.remove(folder, "checkpoint.safetensors");

/** A training's weights, and its history where it ended just now. */
interface Trained {
  parameters: Tensors;
  history?: EpochRecord[];
  bestEpoch?: number;
  chosen?: Candidate;
}

/** A training that was done before; undefined where it was not, or where its weights are gone or damaged. */
async function finished(
  { run, settings, ctx, net, classes }: Unit,
  folder: string,
): Promise<Trained | undefined> {
  if (!(await run.has(folder, "history.json"))) return undefined;
  await removeCheckpoint(run, folder); // there where a kill came right after the history was written
  try {
    const parameters = await readWeights(run, folder);
    const fit = paramSpecs(net, classes, settings.size).every(
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
async function trainUnit(unit: Unit, job: Job): Promise<Trained> {
  const { run, settings, ctx, net, classes, sessions, evaluator } = unit;
  const { folder, name } = job;
  const chosen = await chooseSettings(unit, job);
  const checkpoint = `${folder}/checkpoint.safetensors`;
  const seeds = [settings.seed, netSeeds[net], job.stream];
  const saved = await readFile(run.path(checkpoint)).catch(() => undefined);
  const standing = saved && unpackStanding(saved, paramSpecs(net, classes, settings.size));
  if (saved !== undefined && standing === undefined) {
    ctx.progress.warn(`${run.path(checkpoint)} is damaged: ${name} starts anew`);
    await removeCheckpoint(run, folder);
  }
  const from = standing ?? beginning(unit, seeds);
  let written = performance.now();
  const { state, history, bestEpoch } = await train(await unit.images.get(job.key), job.train, from, {
    net,
    seeds,
    settings: { ...settings, ...chosen },
    sessions,
    evaluator,
    mask: await unit.guide.mask(job.key, job.train),
    validation: job.validation.length > 0 ? job.validation : undefined,
    name,
    ...ctx,
    checkpoint: {
      due: () => performance.now() - written > 1000 * (ctx.checkpointSeconds ?? CHECKPOINT_SECONDS),
      async save(standing) {
        await run.write(checkpoint, packStanding(standing));
        written = performance.now();
      },
    },
  });
  await run.write(`${folder}/weights.safetensors`, writeSafetensors(state.parameters, { net }));
  return { parameters: state.parameters, history, bestEpoch, chosen };
}

const beginning = (unit: Unit, seeds: number[]): Standing =>
  atStart({ parameters: initialParameters(unit, seeds), moments: new Map(), steps: 0 });

/** tuning.json: accuracy of every candidate on every inner fold, as far as they are trained. */
interface TuningRecord {
  candidates: Candidate[];
  accuracy: number[][];
}

/**
 * Nested cross-validation: the settings that do best on inner folds of the training samples. The encoder is the outer
 * fold's, so the inner accuracies may be a little high, all alike; the outer test samples stay unseen.
 */
async function chooseSettings(unit: Unit, job: Job): Promise<Candidate | undefined> {
  const { run, settings, ctx, samples, net, sessions, evaluator, groups } = unit;
  const all = candidates(settings.tune);
  if (Object.keys(settings.tune).length === 0) return undefined;
  const path = `${job.folder}/tuning.json`;
  const kept = (await run.has(path)) ? await run.readJson<TuningRecord>(path) : undefined;
  const record: TuningRecord = kept ?? { candidates: all, accuracy: all.map(() => []) };
  const names = groups && [...new Set(groups)];
  const inner = nestedFolds(job, samples.codes, {
    cv: innerCv(settings.cv),
    folds: settings.innerFolds,
    seed: settings.seed,
    groups: groups && names ? { names, codes: Int32Array.from(groups, (g) => names.indexOf(g)) } : undefined,
  });
  const data = await unit.images.get(job.key);
  for (const [c, candidate] of all.entries())
    for (const [i, fold] of inner.entries()) {
      if (record.accuracy[c].length > i) continue;
      const seeds = [settings.seed, netSeeds[net], job.stream, INNER, i];
      const { state } = await train(data, fold.train, beginning(unit, seeds), {
        net,
        seeds,
        settings: { ...settings, ...candidate, patience: 0 },
        sessions,
        mask: await unit.guide.mask(job.key, job.train),
        name: `${job.name}: choosing ${c + 1}/${all.length}, inner fold ${i + 1}/${inner.length}`,
        ...ctx,
      });
      const found = await evaluator.probabilities(
        state.parameters,
        fold.test.length,
        (first, count, into) => {
          loadBatch(data.images, fold.test.subarray(first, first + count), data.size, into);
        },
      );
      const actual = fold.test.map((row) => samples.codes[row]);
      record.accuracy[c].push(accuracy(actual, argmaxRows(found, unit.classes)));
      await run.writeJson(path, record);
    }
  return all[bestCandidate(record.accuracy)];
}

/** Keeps the streams of inner trainings apart from those of epochs. */
const INNER = 0x1223;

/** The starting weights with a new last layer; random ones are drawn anew for every fold. */
function initialParameters({ net, weights, classes, settings }: Unit, seeds: number[]): Tensors {
  const specs = paramSpecs(net, classes, settings.size);
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

function meanAccuracy(
  { codes, classes }: Samples,
  splits: readonly RunSplit[],
  predictions: readonly Float32Array[],
): number {
  const scores = splits.map(({ test }, k) =>
    accuracy(
      test.map((i) => codes[i]),
      argmaxRows(predictions[k], classes.length),
    ),
  );
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
