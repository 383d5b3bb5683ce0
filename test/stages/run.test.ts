import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { differences, snapshot } from "../../bench/faults.mjs";
import { baselines } from "../../src/evaluate/baselines/index.js";
import { parseCsv } from "../../src/io/csv.js";
import { cellhue, type Ended, root, start, temporary } from "../cli/cellhue.js";

/** The whole job, as small as it can be made: 36 samples, images of 32 pixels, one epoch, two folds. */
const file = join(root, "test", "fixtures", "cli.h5ad");
const nets = ["resnet18", "efficientnet_lite0"];
const args = [
  ...["run", file, "--label", "odd", "--net", nets.join(","), "--weights", "random"],
  ...["--epochs", "1", "--folds", "2", "--size", "32"],
  ...["--validation", "0.16"], // the usual share of so few samples would be none
];
const classes = ["../../x", "<script>alert(1)</script>", "CD4+/CD25 T Reg", "Tumour", "__proto__", "tumour"];

const { path: folder, remove } = temporary();
const out = join(folder, "whole");
let first: Ended;
beforeAll(async () => {
  first = await cellhue([...args, "--out", out, "--json"]);
}, 300_000);
afterAll(remove);

const read = (name: string, from = out) => readFileSync(join(from, name), "utf8");

/** All files but those that hold times of day or durations. */
function files(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
}

describe("cellhue run", () => {
  it("ends well and prints its metrics", () => {
    expect(first.stderr).not.toMatch(/unexpected/);
    expect(first.code).toBe(0);
    expect(JSON.parse(first.stdout).metrics).toEqual(JSON.parse(read("metrics.json")));
    expect(JSON.parse(first.stdout).report).toBe(join(out, "report.html"));
  });

  it("leaves the run folder of the contract", () => {
    const there = files(out);
    const parts = ["history.json", "predictions.csv", "validation.csv", "weights.safetensors"];
    const encoded = ["encoder.safetensors", "samples.safetensors", "images.rgb.gz"];
    for (const name of [
      "run.json",
      "metrics.json",
      "embedding.csv",
      "genes.csv",
      "splits.csv",
      ...["0", "1", "final"].flatMap((k) => encoded.map((part) => `encoders/${k}/${part}`)),
      ...baselines.flatMap(({ name }) => [
        `oof_baseline_${name}.csv`,
        `baselines/${name}/0.csv`,
        `baselines/${name}/1.csv`,
      ]),
      "report.html",
      "model_final.onnx",
      ...nets.map((net) => `oof_${net}.csv`),
      ...nets.flatMap((net) => [0, 1].flatMap((k) => parts.map((part) => `folds/${net}/${k}/${part}`))),
      ...[
        "Figure_1",
        "Figure_combined_tumor",
        "Figure_genes_pixel",
        "training_history",
        "confusion_matrix_avg",
        "reliability",
        "risk_coverage",
      ].flatMap((name) => [`figures/${name}.svg`, `figures/${name}.png`]),
    ]) {
      expect(there).toContain(name);
    }
    expect(there.filter((name) => /cellhue-tmp|run\.lock|^work/.test(name))).toEqual([]);
  });

  it("metrics.json is as the contract says", () => {
    const metrics = JSON.parse(read("metrics.json"));
    expect(metrics).toMatchObject({
      schema: "cellhue.metrics/1",
      data: { samples: 36, genes: 20, label: "odd" },
    });
    expect(metrics.data.classes).toEqual(classes.map((name) => ({ name, count: 6 })));
    expect(metrics.models.map((m: { net: string }) => m.net)).toEqual(nets);
    for (const model of metrics.models) {
      expect(model).toMatchObject({ encoder: "triptych", protocol: "inductive", weights: "random" });
      expect(model.folds.length).toBe(2);
      for (const fold of model.folds) {
        expect(fold).toMatchObject({ nTrain: 15, nValidation: 3, nTest: 18 });
        expect(fold.accuracy).toBeGreaterThanOrEqual(0);
        expect(fold.seconds).toBeGreaterThan(0);
      }
      for (const name of [
        "accuracy",
        "balancedAccuracy",
        "precisionMacro",
        "recallMacro",
        "f1Macro",
        "mcc",
      ]) {
        expect(model.mean[name]).toEqual(expect.any(Number));
        expect(model.sd[name]).toEqual(expect.any(Number));
      }
      expect(model.confusion.flat().reduce((a: number, b: number) => a + b)).toBe(36);
    }
    expect(metrics.comparisons).toMatchObject([{ a: nets[0], b: nets[1], test: "wilcoxon" }]);
    expect(metrics.comparisons[0].pAttainable).toBeGreaterThanOrEqual(0.5);
    // one epoch of one step teaches nothing, and the run says so
    expect(metrics.warnings.length).toBeGreaterThan(0);
    expect(first.stderr).toMatch(/--epochs \d+/);
  });

  it("tells of every model with intervals, calibration and a verdict", () => {
    const metrics = JSON.parse(read("metrics.json"));
    expect(metrics.settings).toMatchObject({ protocol: "inductive", cv: "stratified", validation: 0.16 });
    expect(metrics.baselines.map((b: { name: string }) => b.name)).toEqual(baselines.map(({ name }) => name));
    for (const model of [...metrics.models, ...metrics.baselines]) {
      const { estimate, low, high } = model.pooled.metrics.accuracy;
      expect(low).toBeLessThanOrEqual(estimate);
      expect(high).toBeGreaterThanOrEqual(estimate);
      expect(model.pooled.perClass.length).toBe(6);
      expect(model.calibration.samples).toBe(36);
    }
    for (const model of metrics.models) {
      // Three validation samples a fold are too few to calibrate by.
      expect(model.calibration.after).toBeNull();
      expect(model.labelSets).toBeNull();
      for (const fold of model.folds) expect(fold.temperature).toBeNull();
    }
    const names = [...nets, ...baselines.map(({ name }) => name)];
    expect(metrics.verdict.models.map((m: { name: string }) => m.name).sort()).toEqual(names.sort());
    expect(metrics.verdict.pairs.length).toBe((names.length * (names.length - 1)) / 2);
    expect(first.stderr).not.toMatch(/leak/i);
  });

  it("splits.csv parts the samples of every fold", () => {
    const [header, ...rows] = parseCsv(read("splits.csv"));
    expect(header).toEqual(["sample", "row", "group", "split_0", "split_1", "final"]);
    for (const [column, parts] of [
      [3, { train: 15, validation: 3, test: 18 }],
      [4, { train: 15, validation: 3, test: 18 }],
      [5, { train: 30, validation: 6 }],
    ] as const)
      for (const [part, count] of Object.entries(parts))
        expect(rows.filter((row) => row[column] === part).length, `${header[column]} ${part}`).toBe(count);
  });

  it.each(nets)("oof_%s.csv holds each sample once, its probabilities by class", (net) => {
    const [header, ...rows] = parseCsv(read(`oof_${net}.csv`));
    expect(header).toEqual(["sample", "label", "fold", "predicted", ...classes]);
    expect(new Set(rows.map((row) => row[0])).size).toBe(36);
    for (const row of rows) {
      const p = row.slice(4).map(Number);
      expect(p.reduce((a, b) => a + b)).toBeCloseTo(1, 4);
      expect(row[3]).toBe(classes[p.indexOf(Math.max(...p))]);
    }
  });

  it("does nothing a second time, and only what depends on it after a change", async () => {
    const again = await cellhue([...args, "--out", out]);
    expect(again.code).toBe(0);
    for (const stage of ["preprocess", "folds", "baselines", "train", "compare", "saliency", "report"]) {
      expect(again.stderr).toMatch(new RegExp(`^${stage}: done before`, "m"));
    }
    const report = read("report.html");
    expect(report).not.toContain("<script>alert");
    expect((await cellhue(["report", out])).stderr).toMatch(/done before/);
    expect(read("report.html")).toBe(report);
  });

  it("killed at any moment, it resumes to the same result", async () => {
    const killed = join(folder, "killed", "whole"); // the report names the folder
    for (const share of [0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.95]) {
      const { child, ended } = start([...args, "--out", killed]);
      const timer = setTimeout(() => child.kill("SIGKILL"), first.seconds * share * 1000);
      await ended;
      clearTimeout(timer);
    }
    expect((await cellhue([...args, "--out", killed])).code).toBe(0);
    expect(differences(snapshot(out), killed)).toEqual([]);
  }, 600_000);

  it("train with another setting redoes the training; what was made from the old one is gone until it is made anew", async () => {
    const train = await cellhue(["train", out, "--net", "resnet18", "--lr", "0.001"]);
    expect(train.stderr).not.toMatch(/unexpected/);
    expect(train.code).toBe(0);
    expect(existsSync(join(out, "report.html"))).toBe(false);
    expect(existsSync(join(out, "oof_efficientnet_lite0.csv"))).toBe(false);
    expect((await cellhue(["report", out])).stderr).toMatch(/needs the stage compare/);
    expect(existsSync(join(out, "oof_baseline_knn.csv"))).toBe(true);
    for (const stage of ["compare", "saliency", "explain", "report"])
      expect((await cellhue([stage, out])).code).toBe(0);
    expect(JSON.parse(read("metrics.json")).models.length).toBe(1);
  }, 300_000);
});
