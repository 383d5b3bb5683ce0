/** The stage train over a run folder made by hand: its files, and what it does when it is cut off or they are damaged. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callSource, resolveSettings, type Settings } from "../../src/config.js";
import { CellhueError, InterruptedError } from "../../src/errors.js";
import { csvText, parseCsv } from "../../src/io/csv.js";
import { encodePng } from "../../src/io/png.js";
import { RunFolder } from "../../src/io/run-folder.js";
import { readSplits } from "../../src/io/splits.js";
import { readSafetensors } from "../../src/net/weights/safetensors.js";
import { type Progress, silent } from "../../src/progress.js";
import { RandomState } from "../../src/random.js";
import { type Again, trainAgain, trainFinalNet, trainStage } from "../../src/stages/train.js";
import { stratifiedKFold } from "../../src/train/folds/stratified.js";
import { temporary } from "../cli/cellhue.js";
import { foldsOf, writeFoldsStage } from "../stages/made-folds.js";

const net = "efficientnet_lite0";
const size = 32;
const codes = Int32Array.of(0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1); // 2 batches of 3 an epoch in a fold, 4 in all
const n = codes.length;
const classes = [
  { name: 'a "quoted", label', folder: "a" },
  { name: "b", folder: "b-1" },
];

const { path: folder, remove } = temporary();
afterAll(remove);

const settingsOf = (out: string, more: Partial<Settings> = {}): Settings =>
  resolveSettings([
    callSource({
      file: "made.h5ad",
      label: "type",
      out,
      ...{ net: [net], weights: "random", folds: 2, epochs: 2, batch: 3, size, lr: 1e-3, threads: 2 },
      protocol: "published",
      ...more,
    }),
  ]);

/** A run that is preprocessed: images of noise, each class of its own brightness. */
async function made(name: string): Promise<string> {
  const out = join(folder, name);
  const run = await RunFolder.create(out, {
    input: {
      path: "/made.h5ad",
      sha256: "0".repeat(64),
      bytes: 1,
      samples: n,
      genes: 5,
      dropped: 0,
      x: { source: "X", storage: "dense", dtype: "float32", nonzero: null },
      state: null,
    },
    settings: settingsOf(out),
    classes: classes.map((c, i) => ({ ...c, count: codes.filter((code) => code === i).length })),
    versions: { cellhue: "0.0.0" },
  });
  try {
    await run.begin("preprocess", settingsOf(out));
    const random = new RandomState(2);
    const rows = Array.from(codes, (code, i) => [`cell ${i}`, 10 + i, classes[code].name]);
    await run.write("embedding.csv", csvText(["sample", "row", "label"], rows));
    for (const [i, code] of codes.entries()) {
      const rgb = Uint8Array.from({ length: size * size * 3 }, () => random.interval(127) + 128 * code);
      await run.write(
        `benchmarking/${classes[code].folder}/sample_${10 + i}.png`,
        await encodePng(rgb, size, size),
      );
    }
    await run.finish("preprocess", ["embedding.csv"]);
    const samples = {
      names: rows.map(([name]) => String(name)),
      rows: codes.map((_, i) => 10 + i),
      codes,
      classes: [],
    };
    await writeFoldsStage(run, settingsOf(out), samples, foldsOf(codes, 2));
  } finally {
    run.close();
  }
  return out;
}

interface Told {
  notes: string[];
  warnings: string[];
  tasks: string[];
}

/** X, which these trainings have no use for. */
const noX = () => Promise.reject(new Error("X was read"));

/** Runs the stage. @param at called after each step of a training, with the task's name and the steps done */
async function stage(
  out: string,
  more: Partial<Settings> = {},
  at?: (name: string, done: number, abort: () => void) => void,
): Promise<Told> {
  const told: Told = { notes: [], warnings: [], tasks: [] };
  const abort = new AbortController();
  const progress: Progress = {
    task(name) {
      // Read once for the folds and once for the final net.
      if (name !== "reading images" || !told.tasks.includes(name)) told.tasks.push(name);
      return { update: (done) => at?.(name, done, () => abort.abort()), end() {} };
    },
    note: (line) => told.notes.push(line),
    warn: (line) => told.warnings.push(line),
  };
  const run = await RunFolder.open(out);
  try {
    const settings = settingsOf(out, more);
    const ctx = { progress, signal: abort.signal };
    const before = told.notes.length;
    await trainStage(run, settings, ctx, noX);
    // The final net belongs to the stage after it.
    if (!told.notes.slice(before).some((note) => note.includes("done before")))
      await trainFinalNet(run, settings, ctx, noX);
  } finally {
    run.close();
  }
  return told;
}

const copy = (name: string): string => {
  const out = join(folder, name);
  cpSync(whole, out, { recursive: true });
  return out;
};

const results = [
  `oof_${net}.csv`,
  ...[0, 1].flatMap((k) =>
    ["weights.safetensors", "predictions.csv", "validation.csv"].map((name) => `folds/${net}/${k}/${name}`),
  ),
  "final/weights.safetensors",
];

/** All results are those of the undisturbed run, byte for byte, and no checkpoint is left. */
function expectSame(out: string): void {
  for (const name of results)
    expect(readFileSync(join(out, name)).equals(readFileSync(join(whole, name))), name).toBe(true);
  for (const unit of [`folds/${net}/0`, `folds/${net}/1`, "final"])
    expect(existsSync(join(out, unit, "checkpoint.safetensors"))).toBe(false);
  const losses = (from: string) =>
    [`folds/${net}/0`, `folds/${net}/1`, "final"].map((unit) =>
      json(from, `${unit}/history.json`).epochs.map((e: { loss: number }) => e.loss),
    );
  expect(losses(out)).toEqual(losses(whole));
}

const csv = (out: string, name: string) => parseCsv(readFileSync(join(out, name), "utf8"));
const json = (out: string, name: string) => JSON.parse(readFileSync(join(out, name), "utf8"));

let whole = "";
let first: Told;
beforeAll(async () => {
  whole = await made("whole");
  first = await stage(whole);
});

describe("what it writes", () => {
  const folds = stratifiedKFold(codes, 2, 42);

  it("oof csv: every sample once, in order, in the fold that tests it, probabilities that sum to 1", () => {
    const [header, ...rows] = csv(whole, `oof_${net}.csv`);
    expect(header).toEqual(["sample", "label", "fold", "predicted", ...classes.map((c) => c.name)]);
    expect(rows.map((row) => row[0])).toEqual(Array.from(codes, (_, i) => `cell ${i}`));
    rows.forEach(([, label, fold, predicted, ...p], i) => {
      expect(label).toBe(classes[codes[i]].name);
      expect(folds[Number(fold)].test).toContain(i);
      const numbers = p.map(Number);
      expect(Math.abs(numbers[0] + numbers[1] - 1)).toBeLessThan(1e-6);
      expect(predicted).toBe(classes[numbers[1] > numbers[0] ? 1 : 0].name);
    });
  });

  it("predictions.csv of a fold: its test samples, with the numbers of the oof csv", () => {
    const [, ...all] = csv(whole, `oof_${net}.csv`);
    for (const [k, { test }] of folds.entries()) {
      const [header, ...rows] = csv(whole, `folds/${net}/${k}/predictions.csv`);
      expect(header).toEqual(["row", "sample", "label", "predicted", ...classes.map((c) => c.name)]);
      expect(rows).toEqual(
        Array.from(test, (i) => {
          const [sample, label, , predicted, ...p] = all[i];
          return [String(10 + i), sample, label, predicted, ...p];
        }),
      );
    }
  });

  it("history.json of folds and of the final net", () => {
    for (const [k, { train, test }] of folds.entries()) {
      const history = json(whole, `folds/${net}/${k}/history.json`);
      expect(history).toMatchObject({ fold: k, nTrain: train.length, nTest: test.length });
      expect(history.weights).toEqual({ source: "random", sha256: null, pretrained: false });
      expect(history.epochs.map((e: { epoch: number }) => e.epoch)).toEqual([1, 2]);
      for (const { loss, seconds } of history.epochs) {
        expect(loss).toBeGreaterThan(0);
        expect(seconds).toBeGreaterThan(0);
      }
      expect(history.seconds).toBeCloseTo(history.epochs[0].seconds + history.epochs[1].seconds, 9);
    }
    expect(json(whole, "final/history.json")).toMatchObject({ net, nTrain: n });
  });

  it("weights by torchvision's names; folds and final each their own", () => {
    const read = (name: string) => readSafetensors(readFileSync(join(whole, name)), name);
    const [a, b, final] = [`folds/${net}/0`, `folds/${net}/1`, "final"].map(
      (unit) => read(`${unit}/weights.safetensors`).tensors,
    );
    expect(final.get("classifier.1.weight")?.dims).toEqual([2, 1280]);
    expect([...a.keys()]).toEqual([...final.keys()]);
    expect(a.get("features.0.0.weight")?.data).not.toEqual(b.get("features.0.0.weight")?.data);
  });

  it("says how each fold went, and records what is done", () => {
    expect(first.warnings).toEqual([]);
    expect(first.notes.join("\n")).toMatch(
      /1\/2, fold 1: accuracy [01]\.\d{4}, loss \d+\.\d{4}, \d+ s\n.*2\/2, fold 2.*\n.*mean of 2 folds/,
    );
    expect(first.tasks).toEqual([
      "reading images",
      `${net} 1/2, fold 1`,
      `${net} 2/2, fold 2`,
      `${net} on all samples`,
    ]);
    const { train } = json(whole, "run.json").stages;
    expect(train).toMatchObject({ state: "done", info: { finalNet: net } });
    for (const name of results.filter((name) => !name.startsWith("final")))
      expect(train.outputs).toContain(name);
    expectSame(whole);
  });
});

describe("a second call", () => {
  it("does nothing", async () => {
    const again = await stage(whole);
    expect(again).toEqual({ notes: [expect.stringMatching(/done before/)], warnings: [], tasks: [] });
  });
});

describe("the same bytes come", () => {
  it("with one thread, cut off by Ctrl-C, then by a failure: what is finished stays, the rest goes on", async () => {
    const out = await made("cut");
    const place = join(out, `folds/${net}/1/weights.safetensors`);
    const inFold2 = (name: string, done: number, at: number) => name === `${net} 2/2, fold 2` && done === at;
    const cut = stage(out, { threads: 1 }, (name, done, abort) => {
      if (inFold2(name, done, 2)) abort();
    });
    await expect(cut).rejects.toThrow(InterruptedError);
    expect(existsSync(join(out, `folds/${net}/0/history.json`))).toBe(true);
    expect(existsSync(join(out, `folds/${net}/1/history.json`))).toBe(false);
    expect(existsSync(join(out, `folds/${net}/1/checkpoint.safetensors`))).toBe(true);

    const steps: string[] = [];
    const failed: unknown = await stage(out, { threads: 1 }, (name, done) => {
      if (name !== "reading images") steps.push(`${name} ${done}`);
      if (inFold2(name, done, 4)) mkdirSync(place); // a folder where the file is to be written
    }).catch((e: unknown) => e);
    expect(steps).toEqual([`${net} 2/2, fold 2 3`, `${net} 2/2, fold 2 4`]);
    expect(failed).toBeInstanceOf(CellhueError);
    expect((failed as CellhueError).describe()).toContain(place);
    expect(existsSync(join(out, `oof_${net}.csv`))).toBe(false);
    expect(json(out, "run.json").stages.train.state).toBe("started");

    rmSync(place, { recursive: true });
    const told = await stage(out, { threads: 1 });
    expect(told.tasks).toEqual(["reading images", `${net} 2/2, fold 2`, `${net} on all samples`]);
    expect(told.warnings).toEqual([]);
    expectSame(out);
  });

  it("after a kill before history.json was written, with a damaged checkpoint: the fold starts anew, with a warning", async () => {
    const out = copy("killed");
    rmSync(join(out, `folds/${net}/0/history.json`));
    rmSync(join(out, `folds/${net}/0/predictions.csv`));
    rmSync(join(out, `oof_${net}.csv`));
    const checkpoint = (k: number) => join(out, `folds/${net}/${k}/checkpoint.safetensors`);
    cpSync(join(out, "final/weights.safetensors"), checkpoint(0));
    truncateSync(checkpoint(0), 100_000);
    cpSync(join(out, "final/weights.safetensors"), checkpoint(1)); // of a kill right after history.json
    const told = await stage(out);
    expect(told.warnings).toEqual([
      expect.stringMatching(/0\/checkpoint\.safetensors is damaged.*1\/2, fold 1 starts anew/),
    ]);
    // What was built on the folds is removed with them, the final net too.
    expect(told.tasks).toEqual(["reading images", `${net} 1/2, fold 1`, `${net} on all samples`]);
    expectSame(out);
  });

  it("where predictions of a finished fold are gone: they are computed from its weights", async () => {
    const out = copy("predictions");
    rmSync(join(out, `folds/${net}/0/predictions.csv`));
    expect((await stage(out)).tasks).toEqual(["reading images", `${net} on all samples`]);
    expectSame(out);
  });

  it("where weights of finished trainings are gone or damaged: these are trained again, with a warning", async () => {
    const out = copy("weights");
    rmSync(join(out, `folds/${net}/0/weights.safetensors`));
    truncateSync(join(out, `folds/${net}/1/weights.safetensors`), 1000);
    const told = await stage(out);
    expect(told.warnings.length).toBe(2);
    expect(told.tasks).toEqual([
      "reading images",
      `${net} 1/2, fold 1`,
      `${net} 2/2, fold 2`,
      `${net} on all samples`,
    ]);
    expectSame(out);
  });
});

describe("nested cross-validation", () => {
  it("chooses settings by inner folds of the training samples, and takes them up where it was cut off", async () => {
    const out = await made("tuned");
    const tune = { epochs: [1, 2] };
    const more = { tune, innerFolds: 2 };
    const inner = (told: Told) => told.tasks.filter((name) => name.includes("choosing"));
    const cut = stage(out, more, (name, done, abort) => {
      if (name.includes("1/2, fold 1: choosing 2/2, inner fold 1/2") && done === 1) abort();
    });
    await expect(cut).rejects.toThrow(InterruptedError);
    expect(json(out, `folds/${net}/0/tuning.json`).accuracy.map((a: number[]) => a.length)).toEqual([2, 0]);
    const told = await stage(out, more);
    // Two of the four inner trainings of fold 1 were done; the final net chooses for itself.
    expect(inner(told).length).toBe(2 + 4 + 4);
    for (const unit of [`folds/${net}/0`, `folds/${net}/1`, "final"]) {
      const { candidates, accuracy } = json(out, `${unit}/tuning.json`);
      expect(candidates).toEqual([{ epochs: 1 }, { epochs: 2 }]);
      const means = accuracy.map((a: number[]) => (a[0] + a[1]) / 2);
      const { chosen, epochs } = json(out, `${unit}/history.json`);
      expect(chosen).toEqual(candidates[means[1] > means[0] ? 1 : 0]);
      expect(epochs.length).toBe(chosen.epochs);
    }
  });
});

describe("a net that is trained again", () => {
  it("with the fold's own terms is the fold's, with other labels another; what has ended is read", async () => {
    const out = copy("again");
    const run = await RunFolder.open(out);
    try {
      const { splits } = await readSplits(run);
      const ctx = { progress: silent };
      const again = (terms: Again) =>
        trainAgain(run, settingsOf(out), ctx, net, { ...splits[1], k: 1 }, noX, terms);
      const own = await again({ folder: "genes/own", name: "own", stream: 1 });
      const weights = (path: string) => readFileSync(join(out, path, "weights.safetensors"));
      expect(weights("genes/own").equals(weights(`folds/${net}/1`))).toBe(true);
      expect(own.probabilities.length).toBe(2 * splits[1].test.length);
      const dealt = { folder: "genes/dealt", name: "dealt", stream: 1, codes: codes.map((code) => 1 - code) };
      const other = await again(dealt);
      expect(weights("genes/dealt").equals(weights("genes/own"))).toBe(false);
      writeFileSync(join(out, "genes/dealt/weights.safetensors"), weights("genes/own"));
      expect((await again(dealt)).probabilities).toEqual(own.probabilities);
      expect(other.probabilities).not.toEqual(own.probabilities);
    } finally {
      run.close();
      rmSync(out, { recursive: true });
    }
  });
});

describe("a failure", () => {
  it.each([
    [
      "an image that is missing",
      (path: string) => rmSync(path),
      /image of the run is missing[\s\S]*remove .*benchmarking[\s\S]*preprocess/,
    ],
    ["an image that is damaged", (path: string) => writeFileSync(path, "x"), /image of the run is damaged/],
    [
      "an image of another size",
      async (path: string) => writeFileSync(path, await encodePng(new Uint8Array(27), 3, 3)),
      /3 × 3[\s\S]*32 × 32/,
    ],
  ])("%s is a CellhueError that names the file", async (_, damage, message) => {
    const out = copy("images");
    const path = join(out, "benchmarking/b-1/sample_12.png");
    await damage(path);
    rmSync(join(out, `oof_${net}.csv`));
    const error: unknown = await stage(out).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CellhueError);
    expect((error as CellhueError).describe()).toMatch(message);
    expect((error as CellhueError).describe()).toContain("sample_12.png");
    rmSync(out, { recursive: true });
  });
});
