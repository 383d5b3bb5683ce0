/**
 * The loop: what it draws, how it goes on after a cut, how it ends. The steps' numbers are held in parity.test.ts, those of
 * its options in options.test.ts.
 */

import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CellhueError, InterruptedError } from "../../src/errors.js";
import { square } from "../../src/image-size.js";
import type { Evaluator } from "../../src/net/evaluate.js";
import { paramSpecs } from "../../src/net/nets.js";
import type { Tensors } from "../../src/net/tensors.js";
import { initialise } from "../../src/net/weights/init.js";
import type { NetName } from "../../src/net/weights/layouts.js";
import type { Progress } from "../../src/progress.js";
import { RandomState } from "../../src/random.js";
import { stepsPerEpoch } from "../../src/train/batches.js";
import { packStanding, unpackStanding } from "../../src/train/checkpoint.js";
import {
  atStart,
  type LoopOptions,
  type Standing,
  type TrainingData,
  type TrainingSettings,
  train,
} from "../../src/train/loop.js";
import { TrainingSessions } from "../../src/train/step.js";

const size = 16;
const n = 12;
const random = new RandomState(1);
const data: TrainingData = {
  images: Uint8Array.from({ length: n * size * size * 3 }, () => random.interval(255)),
  size: square(size),
  codes: Int32Array.from({ length: n }, (_, i) => i % 3),
  classes: 3,
};
const rows = Int32Array.of(0, 1, 2, 3, 5, 6, 7, 8, 10, 11);
const validation = Int32Array.of(4, 9);
const two: TrainingSettings = { epochs: 2, batch: 4, lr: 1e-3, threads: 2 };
/** Stops after its third epoch and goes back to the second. */
const early: TrainingSettings = {
  ...{ ...two, epochs: 6, lr: 1.5e-3, patience: 1 },
  ...{ schedule: "one-cycle", weightDecay: 0.1, labelSmoothing: 0.1, classWeights: "balanced" },
};
/** The last layer alone, to the end, and back to the best epoch. */
const frozen: TrainingSettings = {
  ...two,
  lr: 1e-2,
  freeze: "backbone",
  schedule: "cosine",
  restoreBest: true,
};

const drawn = new Map<NetName, Tensors>(); // a training leaves what it is given as it is
function initial(net: NetName): Standing {
  const parameters = drawn.get(net) ?? initialise(paramSpecs(net, 3), net, new RandomState(7));
  drawn.set(net, parameters);
  return atStart({ parameters, moments: new Map(), steps: 0 });
}

const open = (net: NetName, bytes: Uint8Array): Standing => {
  const standing = unpackStanding(bytes, paramSpecs(net, 3));
  if (standing === undefined) throw new Error("a checkpoint cannot be read");
  return standing;
};

/** A training of `count` samples, and what it saves. */
function start(net: NetName, count: number, from: Standing, more: Partial<LoopOptions> = {}) {
  const saved: Uint8Array[] = [];
  const save = async (standing: Standing) => void saved.push(packStanding(standing));
  const options = { net, seeds: [42, 1, 0], settings: two, name: "test", ...more };
  const checkpoint = { due: () => more.signal === undefined, save };
  return { saved, ended: train(data, rows.subarray(0, count), from, { ...options, checkpoint }) };
}

const digest = (tensors: Tensors = new Map()) => {
  const hash = createHash("sha256");
  for (const [name, { dims, data: values }] of tensors) hash.update(`${name} ${dims}`).update(values);
  return hash.digest("hex");
};

/** All that a training stands at, but for the seconds that it took. */
function essence({ state, history, best, ...more }: Pick<Standing, "state" | "history"> & Partial<Standing>) {
  return {
    ...more,
    seconds: undefined,
    steps: state.steps,
    digests: [state.parameters, state.moments, best].map(digest),
    history: history.map((record) => ({ ...record, seconds: undefined })),
  };
}

// EfficientNet-Lite0 draws masks; ResNet-18 is quicker to compile for the two batch sizes of a smaller last batch.
describe.each<{
  title: string;
  net: NetName;
  count: number;
  settings: TrainingSettings;
  epochs: number;
  places: string[];
  more?: Partial<LoopOptions>;
}>([
  {
    ...{ title: "EfficientNet-Lite0", net: "efficientnet_lite0", count: 8, settings: two, epochs: 2 },
    places: ["0 0", "0 1", "1 0", "1 1"],
  },
  {
    ...{ title: "ResNet-18", net: "resnet18", count: 10, settings: { ...two, epochs: 1 }, epochs: 1 },
    places: ["0 0", "0 1", "0 2"],
  },
  {
    ...{ title: "EfficientNet-Lite0, stopped early", net: "efficientnet_lite0", count: 8 },
    ...{ settings: early, epochs: 3, more: { validation } },
    places: ["0 0", "0 1", "1 0", "1 1", "2 0", "2 1"],
  },
  {
    ...{ title: "ResNet-18's last layer", net: "resnet18", count: 10, settings: frozen, epochs: 2 },
    ...{ more: { validation }, places: ["0 0", "0 1", "0 2", "1 0", "1 1", "1 2"] },
  },
])("a training of $title", ({ net, count, settings, epochs, places, more }) => {
  let saved: Uint8Array[] = [];
  let whole: ReturnType<typeof essence>;
  const sessions = new TrainingSessions(net, 3, square(size), 2);
  afterAll(() => sessions.release());
  const shared = { settings, sessions, ...more };
  beforeAll(async () => {
    const training = start(net, count, initial(net), shared);
    whole = essence(await training.ended);
    saved = training.saved;
  });

  it("can be saved before any step", () => {
    const standings = saved.map((bytes) => open(net, bytes));
    expect(standings.map(({ history, step }) => `${history.length} ${step}`)).toEqual(places);
    expect(standings.map(({ state }) => state.steps)).toEqual([...places.keys()]);
    expect(standings.map(({ step, seen }) => seen - 4 * step)).toEqual(places.map(() => 0));
    expect(whole.steps).toBe(places.length);
    expect(whole.history.length).toBe(epochs);
  });

  it.each(places.map((_, at) => at).slice(1))("resumed after step %i ends in the same bits", async (at) => {
    const { saved: again, ended } = start(net, count, open(net, saved[at]), shared);
    expect(essence(await ended)).toEqual(whole);
    expect(again.map((bytes) => essence(open(net, bytes)))).toEqual(
      saved.slice(at).map((bytes) => essence(open(net, bytes))),
    );
  });

  it("ends in the same bits with one thread, compiled anew", async () => {
    const { ended } = start(net, count, initial(net), { settings: { ...settings, threads: 1 }, ...more });
    expect(essence(await ended)).toEqual(whole);
  });

  it("interrupted, it saves where it stands first", async () => {
    const abort = new AbortController();
    const events: string[] = [];
    const progress: Progress = {
      task: (name, total) => ({
        update: (done, info) => {
          events.push(`${name} ${done}/${total} ${info?.split(",")[0]}`);
          if (done === 2) abort.abort();
        },
        end: () => events.push("end"),
      }),
      note() {},
      warn() {},
    };
    const options = { ...shared, signal: abort.signal, progress };
    const cut = start(net, count, initial(net), options);
    await expect(cut.ended).rejects.toThrow(InterruptedError);
    const steps = `${settings.epochs * stepsPerEpoch(count, 4)} epoch 1/${settings.epochs}`;
    expect([...new Set(events)]).toEqual([`test 1/${steps}`, `test 2/${steps}`, "end"]); // validation is told as well
    expect(cut.saved.map((bytes) => essence(open(net, bytes)))).toEqual([essence(open(net, saved[2]))]);
  });
});

describe("with validation", () => {
  const net = "efficientnet_lite0";
  const sessions = new TrainingSessions(net, 3, square(size), 2);
  afterAll(() => sessions.release());

  /** An evaluator that finds the loss of the script at its every call, and keeps the digest of what it was given. */
  function scripted(losses: readonly number[]) {
    const given: string[] = [];
    const evaluator = {
      async probabilities(tensors: Tensors, n: number) {
        const right = Math.exp(-losses[given.push(digest(tensors)) - 1]);
        return Float32Array.from({ length: n * 3 }, (_, j) =>
          j % 3 === data.codes[validation[Math.floor(j / 3)]] ? right : (1 - right) / 2,
        );
      },
    } as unknown as Evaluator;
    return { given, evaluator };
  }

  it.each<[string, number[], Partial<TrainingSettings>, number, number, number]>([
    ["falling to the end", [3, 2, 1, 0.5], { patience: 1 }, 4, 4, 4],
    ["rising at once", [1, 2, 3, 4], { patience: 1 }, 2, 1, 1],
    ["rising at once, two epochs of patience", [1, 2, 3, 4], { patience: 2 }, 3, 1, 1],
    ["falling again in time", [2, 3, 1, 4], { patience: 2 }, 4, 3, 3],
    ["equal: no improvement, and the first counts", [2, 1, 1, 0], { patience: 1 }, 3, 2, 2],
    ["more patience than epochs", [1, 2, 3, 4], { patience: 9 }, 4, 1, 1],
    ["no patience asked for: the last weights", [1, 2, 3, 4], {}, 4, 1, 4],
    ["no patience, but the best weights", [2, 1, 3, 4], { restoreBest: true }, 4, 2, 2],
    ["patience, but the last weights", [2, 1, 3, 4], { patience: 1, restoreBest: false }, 3, 2, 3],
    ["a network that rules the right class out", [800, 900, 900, 800], { patience: 3 }, 4, 1, 1],
  ])("loss %s", async (_, losses, asked, epochs, best, weightsOf) => {
    const { given, evaluator } = scripted(losses);
    const settings: TrainingSettings = { ...two, epochs: 4, freeze: "backbone", ...asked };
    const options = { sessions, settings, validation, evaluator };
    const { ended, saved } = start(net, 4, initial(net), options);
    const { state, history, bestEpoch } = await ended;
    expect(history.map(({ epoch }) => epoch)).toEqual(Array.from({ length: epochs }, (_, i) => i + 1));
    expect(history.map(({ validationLoss }) => validationLoss)).toEqual(
      losses.slice(0, epochs).map((loss) => expect.closeTo(Math.min(loss, 126 * Math.LN2), 5)),
    );
    expect(bestEpoch).toBe(best);
    expect(new Set(given).size).toBe(epochs);
    expect(digest(state.parameters)).toBe(given[weightsOf - 1]);
    expect(state.steps).toBe(epochs);
    // cut off before the last epoch that ran, it ends in the same
    const from = open(net, saved[epochs - 1]);
    const again = await start(net, 4, from, { ...options, ...scripted(losses.slice(epochs - 1)) }).ended;
    expect(essence(again)).toEqual(essence({ state, history, bestEpoch } as typeof again));
  });

  it("the accuracy is the share of right ones; without, neither it nor a best epoch is there", async () => {
    const settings: TrainingSettings = { ...two, epochs: 2, freeze: "backbone", patience: 1 };
    const { evaluator } = scripted([0.1, 3]);
    const shared = { sessions, settings };
    const with_ = await start(net, 4, initial(net), { ...shared, validation, evaluator }).ended;
    expect(with_.history.map(({ validationAccuracy }) => validationAccuracy)).toEqual([1, 0]);
    const without = await start(net, 4, initial(net), shared).ended;
    expect(without.history.map((record) => Object.keys(record))).toEqual([
      ["epoch", "loss", "seconds"],
      ["epoch", "loss", "seconds"],
    ]);
    expect(without.bestEpoch).toBeUndefined();
    expect(without.history.map(({ loss }) => loss)).toEqual(with_.history.map(({ loss }) => loss));
  });

  it("refuses none to validate on, and to go on without the best weights so far", async () => {
    const { evaluator } = scripted([]);
    const shared = { sessions, evaluator, settings: { ...two, patience: 1 } };
    const none = start(net, 4, initial(net), { ...shared, validation: new Int32Array(0) });
    await expect(none.ended).rejects.toThrow(RangeError);
    const from: Standing = {
      ...initial(net),
      history: [{ epoch: 1, loss: 1, validationLoss: 1, seconds: 1 }],
    };
    await expect(start(net, 4, from, { ...shared, validation }).ended).rejects.toThrow(RangeError);
  });
});

it("other seeds make another training", async () => {
  const losses: number[] = [];
  for (const seeds of [
    [42, 1, 0],
    [42, 1, 1],
  ])
    losses.push(
      (await start("resnet18", 8, initial("resnet18"), { seeds, settings: { ...two, epochs: 1 } }).ended)
        .history[0].loss,
    );
  expect(losses[0]).not.toBe(losses[1]);
});

it("a last batch of one sample is left out, and one of less than a quarter of the others", async () => {
  const { saved, ended } = start("resnet18", 5, initial("resnet18"), { settings: { ...two, epochs: 1 } });
  expect((await ended).state.steps).toBe(1);
  expect(saved.length).toBe(1);
  const settings = { ...two, epochs: 1, batch: 9 };
  const eleven = Int32Array.from({ length: 11 }, (_, i) => i); // 9 and 2
  const options = { net: "resnet18", seeds: [1], settings, name: "test" } as const;
  expect((await train(data, eleven, initial("resnet18"), options)).state.steps).toBe(1);
});

it("a loss that is not a number any more is a CellhueError with the way out", async () => {
  const settings = { ...two, epochs: 3, lr: 1e30 };
  const error: unknown = await start("resnet18", 8, initial("resnet18"), { settings }).ended.catch(
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(CellhueError);
  expect((error as CellhueError).describe()).toMatch(/not a number[\s\S]*test, epoch 1, batch 2[\s\S]*--lr/);
});
