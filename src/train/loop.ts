/**
 * Role: trains one network on one set of samples: the loop of METHOD §2 (Adam, cross-entropy, shuffled batches).
 * Contract: everything random is a function of (seed, net, fold, epoch, batch), so a run that was cut off anywhere and
 * continued from a checkpoint draws the same numbers and ends in the same bits. No files here: `save` is given.
 */
import { CellhueError, throwIfAborted } from "../errors.js";
import type { NetName } from "../net/weights/layouts.js";
import { type Progress, silent } from "../progress.js";
import { RandomState } from "../random.js";
import { fillBatch } from "./batches.js";
import { Trainer, TrainingSessions, type TrainingState } from "./step.js";

export interface TrainingData {
  /** n × size × size × 3 bytes. */
  readonly images: Uint8Array;
  readonly size: number;
  /** Class of every image. */
  readonly codes: Int32Array;
  readonly classes: number;
}

export interface TrainingSettings {
  readonly epochs: number;
  readonly batch: number;
  readonly lr: number;
  readonly threads?: number;
}

export interface EpochRecord {
  readonly epoch: number;
  /** Mean over the samples seen, each before the update of its batch. */
  readonly loss: number;
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
  readonly name: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Called between steps, when `due` and at an interrupt; must be done with the state's arrays when it resolves. */
  readonly checkpoint?: { due: () => boolean; save: (standing: Standing) => Promise<void> };
}

/**
 * @param rows the samples to train on
 * @param from where to begin: `atStart(initial)` or a checkpoint
 * @throws CellhueError where the loss stops being a number; InterruptedError once the signal fires, after a checkpoint
 */
export async function train(
  data: TrainingData,
  rows: Int32Array,
  from: Standing,
  options: LoopOptions,
): Promise<{ state: TrainingState; history: EpochRecord[] }> {
  const { net, seeds, settings, signal, progress = silent } = options;
  const { epochs, batch } = settings;
  const steps = stepsPerEpoch(rows.length, batch);
  const sessions = options.sessions ?? new TrainingSessions(net, data.classes, data.size, settings.threads);
  const trainer = new Trainer(sessions, from.state);
  const buffer = new Float32Array(Math.min(batch, rows.length) * 3 * data.size * data.size);
  const history = [...from.history];
  let { step, lossSum, seen, seconds } = from;
  const task = progress.task(options.name, epochs * steps);
  try {
    for (let epoch = history.length + 1; epoch <= epochs; epoch++) {
      const order = new RandomState([...seeds, epoch]).permutation(rows.length);
      for (; step < steps; step++) {
        if (signal?.aborted || options.checkpoint?.due())
          await options.checkpoint?.save({ state: trainer.state(), history, step, lossSum, seen, seconds });
        throwIfAborted(signal);
        const began = performance.now();
        const picked = order.subarray(step * batch, (step + 1) * batch).map((i) => rows[i]); // n ≤ batch samples
        const images = buffer.subarray(0, picked.length * 3 * data.size * data.size); // n×3×size×size
        fillBatch(data.images, picked, data.size, images);
        const codes = picked.map((row) => data.codes[row]);
        const loss = await trainer.step(
          images,
          codes,
          settings.lr,
          new RandomState([...seeds, epoch, step + 1]),
        );
        if (!Number.isFinite(loss)) throw diverged(options.name, epoch, step + 1, settings.lr);
        lossSum += loss * picked.length;
        seen += picked.length;
        seconds += (performance.now() - began) / 1000;
        task.update(
          (epoch - 1) * steps + step + 1,
          `epoch ${epoch}/${epochs}, loss ${(lossSum / seen).toFixed(3)}`,
        );
      }
      history.push({ epoch, loss: lossSum / seen, seconds });
      [step, lossSum, seen, seconds] = [0, 0, 0, 0];
    }
    return { state: trainer.state(), history };
  } finally {
    task.end();
    if (options.sessions === undefined) await sessions.release();
  }
}

/** A last batch of one sample is left out: batch norm has no spread to normalise by. */
export function stepsPerEpoch(samples: number, batch: number): number {
  const full = Math.floor(samples / batch);
  return samples - full * batch > 1 ? full + 1 : full;
}

function diverged(name: string, epoch: number, step: number, lr: number): CellhueError {
  return new CellhueError("the loss is not a number any more", {
    where: `${name}, epoch ${epoch}, batch ${step}`,
    found: `learning rate ${lr}`,
    remedy: `a smaller learning rate: --lr ${lr / 10}`,
  });
}
