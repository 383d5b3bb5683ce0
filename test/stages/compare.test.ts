import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { callSource, resolveSettings } from "../../src/config.js";
import { baselines } from "../../src/evaluate/baselines/index.js";
import { csvText } from "../../src/io/csv.js";
import { predictionsCsv } from "../../src/io/fold-predictions.js";
import type { Samples } from "../../src/io/images.js";
import { RunFolder } from "../../src/io/run-folder.js";
import { safeNames } from "../../src/io/safe-name.js";
import type { RunSplit } from "../../src/io/splits.js";
import { silent } from "../../src/progress.js";
import { compareStage } from "../../src/stages/compare.js";
import { writeFoldsStage } from "./made-folds.js";

const ctx = { progress: silent };
/** Awkward on purpose: names of columns, a formula, a comma, a property of objects. */
const classes = ["label", "=1+1", "a,b", "__proto__"];
const perClass = 6;
const folds = 3;
const settings = resolveSettings([
  callSource({
    ...{ file: "x.h5ad", label: "type", net: "resnet18,efficientnet_lite0", weights: "random", folds },
    protocol: "published",
  }),
]);

const codes = Int32Array.from({ length: classes.length * perClass }, (_, i) => Math.floor(i / perClass));
const samples: Samples = {
  names: Array.from(codes, (c, i) => `s${c}-${i % perClass}`),
  rows: codes.map((_, i) => i),
  codes,
  classes,
};
/** Sample i of each class is tested in fold i modulo folds. */
const splits: RunSplit[] = Array.from({ length: folds }, (_, fold) => {
  const all = Int32Array.from(codes, (_, i) => i);
  const tested = (i: number) => (i % perClass) % folds === fold;
  return {
    repeat: 0,
    fold,
    name: `fold ${fold + 1}`,
    train: all.filter((i) => !tested(i)),
    validation: new Int32Array(0),
    test: all.filter(tested),
  };
});

/** `guess` gives the predicted class of sample i of class c. */
const probabilitiesOf = (of: Int32Array, guess: (c: number, i: number) => number) =>
  Float64Array.from({ length: of.length * classes.length }, (_, p) => {
    const i = of[Math.floor(p / classes.length)];
    return guess(codes[i], i % perClass) === p % classes.length ? 0.7 : 0.1;
  });

let parent = "";
let run: RunFolder;
beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), "cellhue-compare-"));
  const folders = safeNames(classes);
  run = await RunFolder.create(join(parent, "run"), {
    input: {
      path: "/data/x.h5ad",
      sha256: "0",
      bytes: 1,
      samples: classes.length * perClass,
      genes: 9,
      dropped: 0,
      x: { source: "X", storage: "dense", dtype: "float32", nonzero: null },
      state: null,
    },
    settings,
    classes: classes.map((name, c) => ({ name, folder: folders[c], count: perClass })),
    versions: {},
  });
  await run.begin("preprocess", settings);
  await run.finish("preprocess", []);
  await writeFoldsStage(run, settings, samples, splits, ["a note"]);
  await run.begin("baselines", settings);
  for (const { name } of baselines)
    for (const [k, { test }] of splits.entries())
      await run.write(
        `baselines/${name}/${k}.csv`,
        predictionsCsv(
          samples,
          test,
          probabilitiesOf(test, () => 0),
        ),
      );
  await run.finish("baselines", []);
  await run.begin("train", settings);
  await run.finish("train", []);
});
afterEach(() => {
  run.close();
  rmSync(parent, { recursive: true, force: true });
});

/** Writes the folds of a net; `guess` gives the predicted class of sample i of class c. */
async function writeFolds(
  net: string,
  guess: (c: number, i: number) => number,
  loss: number[],
  of = splits,
): Promise<void> {
  for (let k = 0; k < folds; k++) {
    const { test, validation } = of[k];
    const write = (name: string, of: Int32Array) =>
      run.write(`folds/${net}/${k}/${name}.csv`, predictionsCsv(samples, of, probabilitiesOf(of, guess)));
    await write("predictions", test);
    await write("validation", validation);
    await run.writeJson(`folds/${net}/${k}/history.json`, {
      fold: k,
      epochs: loss.map((value, e) => ({ epoch: e + 1, loss: value, seconds: 1 })),
      nTrain: 16,
      nValidation: 0,
      nTest: 8,
      seconds: 5,
      weights: { source: "random", sha256: null, pretrained: false },
    });
  }
}

describe("compareStage", () => {
  it("writes the metrics of the contract and both figures", async () => {
    await writeFolds("resnet18", (c) => c, [1, 0.3, 0.1, 0.05, 0.04]);
    // the second net takes sample 0 of every class (in the first fold) for the next class
    await writeFolds("efficientnet_lite0", (c, i) => (i === 0 ? (c + 1) % 4 : c), [1, 0.3, 0.1, 0.05, 0.04]);
    const metrics = await compareStage(run, settings, ctx);
    expect(metrics).toEqual(await run.readJson("metrics.json"));
    expect(metrics.schema).toBe("cellhue.metrics/1");
    expect(metrics.data).toMatchObject({
      samples: 24,
      genes: 9,
      label: "type",
      majority: 0.25,
      file: "x.h5ad",
    });
    expect(metrics.data.classes).toEqual(classes.map((name) => ({ name, count: 6 })));
    const [first, second] = metrics.models;
    expect(first).toMatchObject({
      net: "resnet18",
      encoder: "spectral",
      protocol: "published",
      weights: "random",
    });
    expect(first.mean).toMatchObject({ accuracy: 1, mcc: 1, aucOvrMacro: 1, aucOvoWeighted: 1 });
    expect(first.folds).toMatchObject(
      [0, 1, 2].map((fold) => ({ fold, nTrain: 16, nTest: 8, accuracy: 1, seconds: 5 })),
    );
    expect(second.folds.map((fold) => fold.accuracy)).toEqual([0.5, 1, 1]);
    expect(second.mean.accuracy).toBeCloseTo(5 / 6, 12);
    expect(second.sd.accuracy).toBeCloseTo(Math.sqrt(1 / 12), 12);
    expect(second.confusion).toEqual([
      [5, 1, 0, 0],
      [0, 5, 1, 0],
      [0, 0, 5, 1],
      [1, 0, 0, 5],
    ]);
    expect(second.confusionMean?.[0][0]).toBeCloseTo(5 / 3, 12);
    expect(second.confusionNormalised?.[0]).toEqual([5 / 6, 1 / 6, 0, 0]);
    // one pair differs, two are equal: nothing below p = 1 can be reached
    expect(metrics.comparisons).toMatchObject([
      {
        a: "resnet18",
        b: "efficientnet_lite0",
        test: "wilcoxon",
        statistic: 0,
        p: 1,
        pAttainable: 1,
        pairs: 1,
      },
    ]);
    expect(metrics.warnings).toEqual([]);
    expect(metrics.notes).toEqual(["a note"]);
    // 24 of 24 right, in one cross-validation: the interval ends at 1
    expect(first.pooled.metrics.accuracy).toMatchObject({ estimate: 1, high: 1, level: 0.95 });
    expect(second.pooled.metrics.accuracy.estimate).toBeCloseTo(20 / 24, 12);
    expect(second.pooled.metrics.accuracy.low).toBeLessThan(0.8);
    expect(second.pooled.perClass.map(({ recall }) => recall.estimate)).toEqual(
      [5, 5, 5, 5].map((v) => v / 6),
    );
    // without validation parts nothing is calibrated
    expect(first.calibration.after).toBeNull();
    expect(first.labelSets).toBeNull();
    expect(first.calibration.before.brier).toBeCloseTo(0.3 ** 2 + 3 * 0.1 ** 2, 12);
    expect(metrics.baselines.map(({ name }) => name)).toEqual(baselines.map(({ name }) => name));
    for (const { mean } of metrics.baselines) expect(mean.accuracy).toBe(0.25);
    const skill = new Map(metrics.verdict.models.map(({ name, skill }) => [name, skill.shown]));
    expect(skill.get("resnet18")).toBe(true);
    expect(skill.get("majority")).toBe(false);
    expect(metrics.verdict.top).toEqual(["resnet18", "efficientnet_lite0"]);
    expect(readdirSync(run.path("figures")).sort()).toEqual([
      "confusion_matrix_avg.png",
      "confusion_matrix_avg.svg",
      "reliability.png",
      "reliability.svg",
      "risk_coverage.png",
      "risk_coverage.svg",
      "training_history.png",
      "training_history.svg",
    ]);
    expect(await compareStage(run, settings, ctx)).toEqual(metrics);
  });

  it("calibrates each fold on its own validation part, where that is large enough", async () => {
    const parted = splits.map((split, k) => {
      const held = k === 2 ? 9 : 12;
      return { ...split, train: split.train.subarray(held), validation: split.train.subarray(0, held) };
    });
    await writeFoldsStage(run, { ...settings, validation: 0.5 }, samples, parted);
    await run.begin("baselines", { ...settings, validation: 0.5 });
    for (const { name } of baselines)
      for (const [k, { test }] of parted.entries())
        await run.write(
          `baselines/${name}/${k}.csv`,
          predictionsCsv(
            samples,
            test,
            probabilitiesOf(test, () => 0),
          ),
        );
    await run.finish("baselines", []);
    await run.begin("train", { ...settings, validation: 0.5 });
    await run.finish("train", []);
    // As sure as before, but wrong on sample 0 of every class.
    for (const net of ["resnet18", "efficientnet_lite0"])
      await writeFolds(net, (c, i) => (i === 0 ? (c + 1) % 4 : c), [1], parted);
    const { models } = await compareStage(run, { ...settings, validation: 0.5 }, ctx);
    const [{ folds: judged, calibration, labelSets }] = models;
    expect(judged[2].temperature).toBeNull();
    for (const k of [0, 1]) {
      const { validation } = parted[k];
      const wrong = validation.filter((i) => i % perClass === 0).length;
      // log p = log 0.7 or log 0.1: the share of right ones is that of 0.7^(1/T) / (0.7^(1/T) + 3 · 0.1^(1/T)).
      const share = 1 - wrong / validation.length;
      const t = Math.log(7) / Math.log((3 * share) / (1 - share));
      expect(judged[k].temperature).toBeCloseTo(wrong === 0 ? (judged[k].temperature ?? 0) : t, 5);
      expect(judged[k].temperature).toBeGreaterThan(0);
    }
    expect(calibration.after?.nll).toBeGreaterThan(0);
    expect(labelSets?.samples).toBe(16);
  });

  it("warns of a net that has learnt nothing, in metrics.json and aloud", async () => {
    await writeFolds("resnet18", () => 0, [1.38, 1.38, 1.37, 1.37, 1.37]);
    await writeFolds("efficientnet_lite0", (c) => c, [1.4, 1.3, 1.2, 1.1, 1.0]);
    const said: string[] = [];
    const progress = { ...silent, warn: (line: string) => void said.push(line) };
    const { warnings } = await compareStage(run, settings, { progress });
    expect(warnings.map(({ net, kind }) => [net, kind])).toEqual([
      ["resnet18", "chance"],
      ["efficientnet_lite0", "falling"],
    ]);
    expect(said).toEqual(warnings.map(({ message }) => message));
    expect(said[0]).toMatch(/--epochs \d+/);
  });

  it("stops where a fold is missing or does not fit, and says which net", async () => {
    await writeFolds("resnet18", (c) => c, [1]);
    await expect(compareStage(run, settings, ctx)).rejects.toMatchObject({
      parts: { where: expect.stringContaining("efficientnet_lite0") },
    });
    await writeFolds("efficientnet_lite0", (c) => c, [1]);
    await run.write(
      "folds/efficientnet_lite0/2/predictions.csv",
      csvText(["row", "sample", "label", "predicted"], []),
    );
    await expect(compareStage(run, settings, ctx)).rejects.toThrow(/not complete/);
    expect(await run.has("metrics.json")).toBe(false);
  });
});
