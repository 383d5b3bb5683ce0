/**
 * From a run to the predictions of a fresh process: what a model file says of samples that it has not seen is what the
 * cross-validation said of them.
 */
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { softmaxRows, temperRows } from "../../src/evaluate/softmax.js";
import { StoredGraph } from "../../src/graph/stored.js";
import { parseCsv } from "../../src/io/csv.js";
import { writeObsColumns } from "../../src/io/h5ad/write-obs.js";
import { readModelMetadata } from "../../src/io/model-file-read.js";
import { openExpression } from "../../src/io/reader.js";
import type { RunRecord } from "../../src/io/run-folder.js";
import { fillRows } from "../../src/matrix.js";
import type { Metrics } from "../../src/stages/compare.js";
import { type ExportOptions, exportModel } from "../../src/stages/export.js";
import { cellhue, root, temporary } from "../cli/cellhue.js";
import { writeH5ad } from "../predict/made.js";

const { path: folder, remove } = temporary();
afterAll(remove);
const at = (...names: string[]) => join(folder, ...names);

/** 36 samples × 20 genes, counts. */
const file = join(root, "test", "fixtures", "cli.h5ad");
const options = [
  ...["--label", "odd", "--normalize", "log1p-cp10k", "--threads", "1", "--quiet"],
  // Twelve validation samples: enough to set a temperature by.
  ...["--validation", "0.5"],
];
const classes = ["../../x", "<script>alert(1)</script>", "CD4+/CD25 T Reg", "Tumour", "__proto__", "tumour"];

const reader = await openExpression(file);
const matrix = reader.readMatrix();
const names = reader.obs().index;
const genes = reader.var().index;
reader.close();
const all = new Float32Array(matrix.rows * matrix.cols);
fillRows(
  matrix,
  names.map((_, i) => i),
  all,
);

/** Some samples, in this order, with some of the genes, as a file of their own. */
const subset = (name: string, samples: readonly string[], kept = genes) =>
  writeH5ad(at(name), {
    x: samples.map((sample) => {
      const row = names.indexOf(sample);
      return kept.map((gene) => all[row * genes.length + genes.indexOf(gene)]);
    }),
    genes: kept,
    samples,
  });

const done = async (args: string[]) => {
  const ended = await cellhue(args, folder);
  expect(ended.stderr).not.toMatch(/cellhue: /);
  expect(ended.code).toBe(0);
  return ended;
};
const metricsOf = (run: string): Metrics => JSON.parse(readFileSync(at(run, "metrics.json"), "utf8"));

/** What a fresh process says of a file: its lines, by sample. */
async function predict(model: string, data: string): Promise<Map<string, string[]>> {
  await done(["predict", model, data, "--out", "p.csv", "--threads", "1", "--quiet"]);
  const [header, ...rows] = parseCsv(readFileSync(at("p.csv"), "utf8"));
  expect(header).toEqual(["sample", "predicted", "confidence", ...classes, "distance"]);
  return new Map(rows.map((row) => [row[0], row]));
}

/** What the cross-validation said of the samples that a fold held out, at the fold's temperature. */
function heldOut(run: string, net: string, fold: number) {
  const [, ...rows] = parseCsv(readFileSync(at(run, `oof_${net}.csv`), "utf8"));
  const own = rows.filter((row) => Number(row[2]) === fold);
  const model = metricsOf(run).models.find((m) => m.net === net);
  const temperature = model?.folds[fold].temperature ?? 1;
  const raw = Float64Array.from(own.flatMap((row) => row.slice(4).map(Number)));
  return {
    samples: own.map((row) => row[0]),
    predicted: own.map((row) => row[3]),
    temperature,
    raw,
    probabilities: temperRows(raw, classes.length, temperature),
  };
}

const probabilitiesOf = (samples: readonly string[], found: ReadonlyMap<string, string[]>) =>
  samples.flatMap((sample) => (found.get(sample) ?? []).slice(3, -1).map(Number));
const gap = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i])));
};

/** All outputs for some samples by onnxruntime alone, NaN for genes that are left out. */
async function bare<Name extends string>(
  model: string,
  samples: readonly string[],
  outputs: readonly Name[],
  kept = genes,
) {
  const { bytes, metadata } = await readModelMetadata(at(model));
  const data = samples.flatMap((sample) =>
    metadata.genes.map((gene) =>
      kept.includes(gene) ? all[names.indexOf(sample) * genes.length + genes.indexOf(gene)] : Number.NaN,
    ),
  );
  const graph = await StoredGraph.open(bytes, { threads: 1 });
  const expression = { data: Float32Array.from(data), dims: [samples.length, metadata.genes.length] };
  return graph.run({ expression }, outputs).finally(() => graph.release());
}

/** The model says what the fold said, as it is and calibrated. */
async function sameAsFold(model: string, data: string, run: string, net: string, fold: number) {
  const held = heldOut(run, net, fold);
  const found = await predict(model, data);
  const calibrated = gap(probabilitiesOf(held.samples, found), held.probabilities);
  const { logits } = await bare(model, held.samples, ["logits"]);
  const plain = gap(softmaxRows(logits.data, classes.length), held.raw);
  expect(plain).toBeLessThan(1e-5);
  // A temperature below 1 widens what float32 rounds of the logits.
  expect(calibrated).toBeLessThan(1e-5 / Math.min(1, held.temperature));
  // Samples differ by far more than that, and calibration matters: the comparison can fail.
  const first = held.samples.flatMap(() => [...held.raw.subarray(0, classes.length)]);
  expect(gap(held.raw, first)).toBeGreaterThan(1e-3);
  expect(gap(held.raw, held.probabilities)).toBeGreaterThan(1e-3);
  return held;
}

describe("a fixed split: trained on one half, the other half in a fresh process", () => {
  const test = names.filter((_, i) => i % 18 >= 12);
  const model = join("split", "model_final.onnx");
  beforeAll(async () => {
    const codes = Int32Array.from(names, (name) => (test.includes(name) ? 1 : 0));
    const part = { name: "cellhue_part", kind: "categorical", categories: ["train", "test"], codes } as const;
    await writeObsColumns(file, at("parts.h5ad"), [part]);
    const split = [
      ...["--split", "cellhue_part", "--net", "resnet18", "--weights", "random"],
      ...["--epochs", "1", "--size", "32", "--out", "split"],
    ];
    await done(["run", "parts.h5ad", ...options, ...split]);
    await subset("half.h5ad", test);
  }, 600_000);

  it("gives the probabilities of the fold", async () => {
    const { samples } = await sameAsFold(model, "half.h5ad", "split", "resnet18", 0);
    expect([...samples].sort()).toEqual([...test].sort());
  });

  it("gives a sample the same alone, beside others and in another order", async () => {
    const half = await predict(model, "half.h5ad");
    await subset("backwards.h5ad", [...test].reverse());
    await subset("alone.h5ad", [test[4]]);
    for (const data of ["backwards.h5ad", "alone.h5ad", "parts.h5ad"])
      for (const [sample, row] of await predict(model, data))
        if (test.includes(sample)) expect(row).toEqual(half.get(sample));
  });

  it("says the same of a table of text that is larger than --memory", async () => {
    const value = (name: string, j: number) => all[names.indexOf(name) * genes.length + j];
    const rows = genes.map((gene, j) => [gene, ...test.map((name) => value(name, j))].join("\t"));
    writeFileSync(at("half.tsv"), `${[["gene", ...test].join("\t"), ...rows].join("\n")}\n`);
    const half = await predict(model, "half.h5ad");
    expect(await predict(model, "half.tsv")).toEqual(half);
    const { stderr } = await done([
      ...["predict", model, "half.tsv", "--out", "p.csv", "--threads", "1", "--memory", "0.0000001"],
    ]);
    expect(stderr).toMatch(/written by rows to a temporary file/);
    const [, ...lines] = parseCsv(readFileSync(at("p.csv"), "utf8"));
    expect(new Map(lines.map((row) => [row[0], row]))).toEqual(half);
  });

  it("takes NaN for the genes that a file does not have, as any onnxruntime does", async () => {
    const kept = genes.filter((_, j) => j % 4 !== 1);
    const found = await predict(model, await subset("panel.h5ad", test, kept));
    const { probabilities } = await bare(model, test, ["probabilities"], kept);
    expect(gap(probabilitiesOf(test, found), probabilities.data)).toBeLessThan(1e-6);
    expect(probabilities.data.every(Number.isFinite)).toBe(true);
    expect([...found.values()]).not.toEqual([...(await predict(model, "half.h5ad")).values()]);
  });
});

describe("cellhue export", () => {
  const net = "efficientnet_lite0";
  beforeAll(async () => {
    // At 32 pixels the last of this net's maps are of one pixel, and all samples get the same.
    const folds = [
      ...["--folds", "3", "--net", net, "--size", "64"],
      ...["--epochs", "6", "--lr", "0.001", "--batch", "8", "--out", "folds"],
    ];
    await done(["run", file, ...options, ...folds]);
  }, 600_000);

  it.each([0, 1])("fold %i: predicts what the cross-validation says", async (fold) => {
    const args = ["export", "folds", "--fold", String(fold), "--out", "deep/fold.onnx", "--json"];
    const { stdout } = await done(args);
    expect(JSON.parse(stdout)).toEqual({
      schema: "cellhue.export/1",
      run: at("folds"),
      model: at("deep", "fold.onnx"),
      net,
      fold: { number: fold, name: `fold ${fold + 1}` },
      bytes: readFileSync(at("deep", "fold.onnx")).length,
    });
    const { samples } = await sameAsFold("deep/fold.onnx", file, "folds", net, fold);
    expect(samples.length).toBe(12);
  });

  it("without a fold: the final model, the same bytes", async () => {
    const { stdout } = await done(["export", "folds", "--out", "final.onnx"]);
    expect(stdout).toMatch(/^the final efficientnet_lite0: .*final\.onnx \(\d+\.\d MB\)\n$/);
    const bytes = readFileSync(at("folds", "model_final.onnx"));
    expect(readFileSync(at("final.onnx")).equals(bytes)).toBe(true);
    // a model that is there is replaced
    await exportModel(at("folds"), { net, fold: 1, out: at("final.onnx") });
    expect(readFileSync(at("final.onnx")).equals(bytes)).toBe(false);
  });

  const refusal = async (run: string, options: ExportOptions): Promise<string> => {
    const before = readdirSync(folder, { recursive: true }).sort();
    const error = await exportModel(at(run), options).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CellhueError);
    expect((error as CellhueError).exitCode).toBe(2);
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(before);
    return (error as CellhueError).describe();
  };

  it.each<[string, ExportOptions, RegExp]>([
    ["no such net", { net: "resnet81", out: "x.onnx" }, /no net 'resnet81'[\s\S]*nets: efficientnet_lite0/],
    [
      "no such fold",
      { fold: 3, out: "x.onnx" },
      /no fold 3[\s\S]*folds 0 \(fold 1\), 1 \(fold 2\), 2 \(fold 3\)/,
    ],
    ["no whole fold", { fold: 0.5, out: "x.onnx" }, /no fold 0\.5/],
    ["a file that is no model", { out: "folds/metrics.json" }, /exists, and is no model[\s\S]*metrics\.json/],
    ["a folder", { out: "folds" }, /--out is a folder/],
    ["the run's own model", { fold: 0, out: "folds/../folds/model_final.onnx" }, /final model of the run/],
  ])("refuses %s, and writes nothing", async (_, options, message) => {
    expect(await refusal("folds", { ...options, out: at(options.out) })).toMatch(message);
  });

  it("refuses what is no run, or a run that is not so far, or of several nets", async () => {
    const out = at("x.onnx");
    expect(await refusal("none", { out })).toMatch(/there is no run here/);
    cpSync(at("folds"), at("changed"), { recursive: true });
    const change = (edit: (record: RunRecord) => void) => {
      const record = JSON.parse(readFileSync(at("folds", "run.json"), "utf8"));
      edit(record);
      writeFileSync(at("changed", "run.json"), JSON.stringify(record));
    };
    change((record) => delete record.stages.compare);
    expect(await refusal("changed", { out })).toMatch(
      /export needs the stage compare, which is not done[\s\S]*cellhue compare/,
    );
    change((record) => record.settings.net.push("resnet18"));
    expect(await refusal("changed", { fold: 1, out })).toMatch(
      /several nets[\s\S]*efficientnet_lite0, resnet18[\s\S]*--net resnet18 --fold 1/,
    );
    expect(await refusal("changed", { net: "resnet18", out })).toMatch(
      /not of the net resnet18[\s\S]*efficientnet_lite0, the best[\s\S]*--net resnet18 --fold 0/,
    );
  });

  it.each<[string, string[], RegExp]>([
    ["no --out", [], /--out <onnx>' not specified/],
    ["a fold in words", ["--fold", "one", "--out", "x.onnx"], /--fold is not a number/],
  ])("refuses %s", async (_, args, message) => {
    const { code, stdout, stderr } = await cellhue(["export", "folds", ...args], folder);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});
