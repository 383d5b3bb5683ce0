/** The loop: what it draws, how it goes on after a cut, how it ends. The steps' numbers are held in parity.test.ts. */
import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { CellhueError, InterruptedError } from "../../src/errors.js";
import { paramSpecs } from "../../src/net/nets.js";
import { initialise } from "../../src/net/weights/init.js";
import type { NetName } from "../../src/net/weights/layouts.js";
import type { Progress } from "../../src/progress.js";
import { RandomState } from "../../src/random.js";
import { packStanding, unpackStanding } from "../../src/train/checkpoint.js";
import {
  atStart,
  type LoopOptions,
  type Standing,
  stepsPerEpoch,
  type TrainingData,
  train,
} from "../../src/train/loop.js";

const size = 16;
const n = 12;
const random = new RandomState(1);
const data: TrainingData = {
  images: Uint8Array.from({ length: n * size * size * 3 }, () => random.interval(255)),
  size,
  codes: Int32Array.from({ length: n }, (_, i) => i % 3),
  classes: 3,
};
const rows = Int32Array.of(0, 1, 2, 3, 5, 6, 7, 8, 10, 11);
const two = { epochs: 2, batch: 4, lr: 1e-3, threads: 2 };

const initial = (net: NetName): Standing =>
  atStart({
    parameters: initialise(paramSpecs(net, 3), net, new RandomState(7)),
    moments: new Map(),
    steps: 0,
  });

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

/** All that a training stands at, but for the seconds that it took. */
function essence({ state, history, ...more }: Pick<Standing, "state" | "history"> & Partial<Standing>) {
  const hash = createHash("sha256");
  for (const [name, { dims, data: values }] of [...state.parameters, ...state.moments])
    hash
      .update(`${name} ${dims}`)
      .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return {
    ...more,
    seconds: undefined,
    steps: state.steps,
    digest: hash.digest("hex"),
    history: history.map(({ epoch, loss }) => ({ epoch, loss })),
  };
}

// EfficientNet-Lite0 draws masks; ResNet-18 is quicker to compile for the two batch sizes of a smaller last batch.
describe.each([
  { net: "efficientnet_lite0", count: 8, settings: two, places: ["0 0", "0 1", "1 0", "1 1"] },
  { net: "resnet18", count: 10, settings: { ...two, epochs: 1 }, places: ["0 0", "0 1", "0 2"] },
] as const)("a training of $net", ({ net, count, settings, places }) => {
  let saved: Uint8Array[] = [];
  let whole: ReturnType<typeof essence>;
  beforeAll(async () => {
    const training = start(net, count, initial(net), { settings });
    whole = essence(await training.ended);
    saved = training.saved;
  });

  it("can be saved before any step", () => {
    const standings = saved.map((bytes) => open(net, bytes));
    expect(standings.map(({ history, step }) => `${history.length} ${step}`)).toEqual(places);
    expect(standings.map(({ state }) => state.steps)).toEqual([...places.keys()]);
    expect(standings.map(({ step, seen }) => seen - 4 * step)).toEqual(places.map(() => 0));
    expect(whole.steps).toBe(places.length);
    expect(whole.history.length).toBe(settings.epochs);
  });

  it.each(places.map((_, at) => at).slice(1))("resumed after step %i ends in the same bits", async (at) => {
    const { saved: again, ended } = start(net, count, open(net, saved[at]), { settings });
    expect(essence(await ended)).toEqual(whole);
    expect(again.map((bytes) => essence(open(net, bytes)))).toEqual(
      saved.slice(at).map((bytes) => essence(open(net, bytes))),
    );
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
    const cut = start(net, count, initial(net), { settings, signal: abort.signal, progress });
    await expect(cut.ended).rejects.toThrow(InterruptedError);
    const steps = `${places.length} epoch 1/${settings.epochs}`;
    expect(events).toEqual([`test 1/${steps}`, `test 2/${steps}`, "end"]);
    expect(cut.saved.map((bytes) => essence(open(net, bytes)))).toEqual([essence(open(net, saved[2]))]);
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

it("a last batch of one sample is left out", async () => {
  const { saved, ended } = start("resnet18", 5, initial("resnet18"), { settings: { ...two, epochs: 1 } });
  expect((await ended).state.steps).toBe(1);
  expect(saved.length).toBe(1);
});

it("a loss that is not a number any more is a CellhueError with the way out", async () => {
  const settings = { ...two, epochs: 3, lr: 1e30 };
  const error: unknown = await start("resnet18", 8, initial("resnet18"), { settings }).ended.catch(
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(CellhueError);
  expect((error as CellhueError).describe()).toMatch(/not a number[\s\S]*test, epoch 1, batch 2[\s\S]*--lr/);
});

it.each([
  [10, 4, 3],
  [9, 4, 2],
  [8, 4, 2],
  [5, 4, 1],
  [4, 4, 1],
  [3, 4, 1],
  [2, 4, 1],
  [1, 4, 0],
  [0, 4, 0],
  [7, 1, 7],
])("%i samples in batches of %i make %i steps", (samples, batch, steps) => {
  expect(stepsPerEpoch(samples, batch)).toBe(steps);
});
