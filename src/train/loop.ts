/**
 * Role: trains one network on one set of samples: the loop of METHOD §2 (Adam, cross-entropy, shuffled batches), with
 * validation and early stopping where validation samples are given.
 * Contract: everything random is a function of (seed, net, fold, epoch, batch), and what is decided is a function of the
 * history, so a run that was cut off anywhere and continued from a checkpoint ends in the same bits. No files here: `save`
 * is given.
 * Reference of early stopping: Prechelt 1998.
 */
import { CellhueError, throwIfAborted } from "../errors.js";
import { accuracy } from "../evaluate/accuracy.js";
import { argmaxRows } from "../evaluate/metrics.js";
import { areaOf, type ImageSize } from "../image-size.js";
import type { ImageSource } from "../image-source.js";
import { Evaluator } from "../net/evaluate.js";
import type { Tensors } from "../net/tensors.js";
import type { NetName } from "../net/weights/layouts.js";
import { type Progress, silent } from "../progress.js";
import { RandomState } from "../random.js";
import { loadBatch, stepsPerEpoch } from "./batches.js";
import { balancedWeights } from "./class-weights.js";
import { type Criterion, lossOf } from "./criterion.js";
import { featureRange, maskLeastSalient } from "./mask-salient.js";
import { learningRate, type Schedule } from "./schedule.js";
import { type Freeze, Trainer, TrainingSessions, type TrainingState } from "./step.js";

export interface TrainingData {
  readonly images: ImageSource;
  readonly size: ImageSize;
  /** Class of every image. */
  readonly codes: Int32Array;
  readonly classes: number;
}

export interface TrainingSettings {
  readonly epochs: number;
  readonly batch: number;
  readonly lr: number;
  readonly threads?: number;
  /** How the learning rate goes from step to step; default: "constant". */
  readonly schedule?: Schedule;
  /** Decoupled from the gradient, as AdamW's; default: 0. */
  readonly weightDecay?: number;
  /** Share of a target that is spread over all classes; default: 0. */
  readonly labelSmoothing?: number;
  /** "balanced": every class of the training samples counts the same in the loss; default: "none". */
  readonly classWeights?: "none" | "balanced";
  /** What keeps its starting weights; default: "none". */
  readonly freeze?: Freeze;
  /** Stop after so many epochs without a lower validation loss; default: 0, never. */
  readonly patience?: number;
  /** End with the weights of the best epoch; default: where `patience` may stop the training. */
  readonly restoreBest?: boolean;
  /** "saliency-guided": the answer to an image without its least salient part is held to that to the whole (guided.ts). */
  readonly train?: "standard" | "saliency-guided";
  /** Of a guided training: the share of the features to mask; default: 0.5. */
  readonly maskShare?: number;
  /** Of a guided training: the weight of the divergence beside the loss; default: 1. */
  readonly guidance?: number;
}

/** A batch of a guided training, and what is to be masked in it. */
export interface GuidedBatch {
  /** The samples, of those that are trained on. */
  readonly rows: Int32Array;
  /** n×3×size×size in 0…1, and the gradient of each one's logit by it. */
  readonly images: Float32Array;
  readonly gradient: Float32Array;
  readonly share: number;
  readonly random: RandomState;
}

export interface EpochRecord {
  readonly epoch: number;
  /** Mean over the samples seen, each before the update of its batch (with class weights: the mean of the batches). */
  readonly loss: number;
  /** After the epoch, by the same measure as `loss`, the network in evaluation mode. */
  readonly validationLoss?: number;
  readonly validationAccuracy?: number;
  readonly seconds: number;
}

/** Where a training stands between two steps. */
export interface Standing {
  readonly state: TrainingState;
  readonly history: readonly EpochRecord[];
  /** Of the epoch under way: steps done, sum of losses × samples, samples seen, seconds. */
  readonly step: number;
  readonly lossSum: number;
  readonly seen: number;
  readonly seconds: number;
  /** Parameters of the best epoch so far, where they may be restored. */
  readonly best?: Tensors;
}

export const atStart = (state: TrainingState): Standing => ({
  state,
  history: [],
  step: 0,
  lossSum: 0,
  seen: 0,
  seconds: 0,
});

export interface LoopOptions {
  readonly net: NetName;
  /** Path of seeds of this training: the seed, the net, the fold. */
  readonly seeds: readonly number[];
  readonly settings: TrainingSettings;
  /** Shared with other trainings of the net on images of this size; else compiled for this one. */
  readonly sessions?: TrainingSessions;
  /** Samples to validate on after every epoch: at least one, none of those that are trained on. */
  readonly validation?: Int32Array;
  /** Of the net on images of this size, for validation; else compiled for this training. */
  readonly evaluator?: Evaluator;
  readonly name: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Of a guided training: makes the masked images; default: pixels get a value from their range in the batch. */
  readonly mask?: (batch: GuidedBatch) => Float32Array | Promise<Float32Array>;
  /** Called between steps, when `due` and at an interrupt; must be done with the state's arrays when it resolves. */
  readonly checkpoint?: { due: () => boolean; save: (standing: Standing) => Promise<void> };
}

export interface Trained {
  /** With the weights of the best epoch where these are restored; moments and steps are the last step's. */
  readonly state: TrainingState;
  readonly history: EpochRecord[];
  /** Of the lowest validation loss, the first of equal ones; undefined without validation. */
  readonly bestEpoch?: number;
}

/**
 * @param rows the samples to train on
 * @param from where to begin: `atStart(initial)` or a checkpoint
 * @throws CellhueError where the loss stops being a number; InterruptedError once the signal fires, after a checkpoint;
 * RangeError where there is nothing to validate on, or `from` is of a training with other settings
 */
export async function train(
  data: TrainingData,
  rows: Int32Array,
  from: Standing,
  options: LoopOptions,
): Promise<Trained> {
  const { net, seeds, settings, validation, signal, progress = silent } = options;
  const { epochs, batch, lr, threads, schedule = "constant", patience = 0 } = settings;
  const { restoreBest = patience > 0 } = settings;
  if (validation?.length === 0) throw new RangeError("train: no samples to validate on");
  const steps = stepsPerEpoch(rows.length, batch);
  const codesOf = (samples: Int32Array) => samples.map((row) => data.codes[row]);
  const criterion: Criterion = {
    weights: settings.classWeights === "balanced" ? balancedWeights(codesOf(rows), data.classes) : undefined,
    smoothing: settings.labelSmoothing,
  };
  const { freeze, weightDecay, maskShare: share = 0.5 } = settings;
  const guidance = settings.train === "saliency-guided" ? (settings.guidance ?? 1) : undefined;
  const { mask = maskPixels } = options;
  const sessions = options.sessions ?? new TrainingSessions(net, data.classes, data.size, threads);
  const trainer = new Trainer(sessions, from.state, { freeze, weightDecay, criterion, guidance });
  const buffer = new Float32Array(Math.min(batch, rows.length) * 3 * areaOf(data.size));
  const history = [...from.history];
  let { step, lossSum, seen, seconds, best } = from;
  if (validation && restoreBest && history.length > 0 && best === undefined)
    throw new RangeError("train: the weights of the best epoch so far are missing where it goes on");
  const evaluator =
    validation && (options.evaluator ?? (await Evaluator.create(net, data.classes, data.size, threads)));
  const task = progress.task(options.name, epochs * steps);
  try {
    for (let epoch = history.length + 1; epoch <= epochs && !isOver(history, patience); epoch++) {
      const order = new RandomState([...seeds, epoch]).permutation(rows.length);
      for (; step < steps; step++) {
        if (signal?.aborted || options.checkpoint?.due()) {
          const state = trainer.state();
          await options.checkpoint?.save({ state, history, step, lossSum, seen, seconds, best });
        }
        throwIfAborted(signal);
        const began = performance.now();
        const picked = order.subarray(step * batch, (step + 1) * batch).map((i) => rows[i]); // n ≤ batch samples
        const images = buffer.subarray(0, picked.length * 3 * areaOf(data.size)); // n×3×height×width
        await loadBatch(data.images, picked, data.size, images);
        const rate = learningRate(schedule, lr, (epoch - 1) * steps + step, epochs * steps);
        const random = new RandomState([...seeds, epoch, step + 1]);
        const loss = await trainer.step(images, codesOf(picked), rate, random, (gradient) =>
          mask({ rows: picked, images, gradient, share, random }),
        );
        if (!Number.isFinite(loss)) throw diverged(options.name, epoch, step + 1, lr);
        lossSum += loss * picked.length;
        seen += picked.length;
        seconds += (performance.now() - began) / 1000;
        task.update(
          (epoch - 1) * steps + step + 1,
          `epoch ${epoch}/${epochs}, loss ${(lossSum / seen).toFixed(3)}`,
        );
      }
      const loss = lossSum / seen;
      if (evaluator === undefined || validation === undefined) history.push({ epoch, loss, seconds });
      else {
        const began = performance.now();
        const parameters = trainer.parameters();
        const found = await evaluator.probabilities(parameters, validation.length, (first, count, into) =>
          loadBatch(data.images, validation.subarray(first, first + count), data.size, into),
        ); // validation.length×classes
        const codes = codesOf(validation);
        const validationLoss = lossOf(found, codes, data.classes, criterion);
        const validationAccuracy = accuracy(codes, argmaxRows(found, data.classes));
        seconds += (performance.now() - began) / 1000;
        history.push({ epoch, loss, validationLoss, validationAccuracy, seconds });
        if (restoreBest && bestEpoch(history) === epoch) best = copyOf(parameters);
        task.update(epoch * steps, `epoch ${epoch}/${epochs}, validation loss ${validationLoss.toFixed(3)}`);
      }
      [step, lossSum, seen, seconds] = [0, 0, 0, 0];
    }
    const state = trainer.state();
    const parameters = (restoreBest && best) || state.parameters;
    return { state: { ...state, parameters }, history, bestEpoch: bestEpoch(history) };
  } finally {
    task.end();
    if (options.sessions === undefined) await sessions.release();
    if (options.evaluator === undefined) await evaluator?.release();
  }
}

function maskPixels({ rows, images, gradient, share, random }: GuidedBatch): Float32Array {
  const range = featureRange(images, rows.length);
  return maskLeastSalient(images, gradient, rows.length, share, { kind: "random", range, random });
}

/** The epoch of the lowest validation loss, the first of equal ones; undefined without validation. */
function bestEpoch(history: readonly EpochRecord[]): number | undefined {
  let best: EpochRecord | undefined;
  for (const record of history)
    if (record.validationLoss !== undefined && record.validationLoss < (best?.validationLoss ?? Infinity))
      best = record;
  return best?.epoch;
}

/** Whether the last `patience` epochs brought no lower validation loss. */
function isOver(history: readonly EpochRecord[], patience: number): boolean {
  const best = bestEpoch(history);
  return patience > 0 && best !== undefined && history.length - best >= patience;
}

const copyOf = (tensors: Tensors): Tensors =>
  new Map([...tensors].map(([name, { dims, data }]) => [name, { dims, data: data.slice() }]));

function diverged(name: string, epoch: number, step: number, lr: number): CellhueError {
  return new CellhueError("the loss is not a number any more", {
    where: `${name}, epoch ${epoch}, batch ${step}`,
    found: `learning rate ${lr}`,
    remedy: `a smaller learning rate: --lr ${lr / 10}`,
  });
}
