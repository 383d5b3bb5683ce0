/** Size factors through a whole run: fitted in each fold on its training samples alone, and part of the model file. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCsv } from "../../src/io/csv.js";
import { unpackSizeFactors } from "../../src/io/size-factors-file.js";
import { cellhue, temporary } from "../cli/cellhue.js";
import { toDense } from "../io/matrices.js";
import { madeCells } from "../normalize/made.js";
import { writeH5ad } from "../predict/made.js";

const { path: folder, remove } = temporary();
afterAll(remove);
const at = (...names: string[]) => join(folder, ...names);
const [n, width] = [75, 60];
const made = madeCells(n, width, { counts: 500 });
const { data } = toDense(made.x);

/** The cells as a table of text, and their kinds. */
function write(name: string, values: Float32Array): string {
  const genes = Array.from({ length: width }, (_, g) => `G${g}`);
  const lines = Array.from({ length: n }, (_, i) => [
    `s${i}`,
    ...values.subarray(i * width, (i + 1) * width),
  ]);
  writeFileSync(at(name), [["sample", ...genes], ...lines].map((line) => `${line.join(",")}\n`).join(""));
  const kinds = Array.from(made.kind, (kind, i) => `s${i},${kind === 1 ? "b" : "a"}\n`);
  writeFileSync(at("kinds.csv"), `sample,kind\n${kinds.join("")}`);
  return at(name);
}
const common = (file: string, out: string) => [
  ...[
    file,
    "--labels",
    at("kinds.csv"),
    "--label",
    "kind",
    "--orientation",
    "samples-in-rows",
    "--out",
    at(out),
  ],
  ...[
    "--normalize",
    "log1p-scran",
    "--encoder",
    "deepinsight",
    "--size",
    "32",
    "--components",
    "5",
    "--layout",
    "pca",
    "--placing",
    "bins",
  ],
  ...["--folds", "3", "--seed", "3"],
];
async function done(args: string[]): Promise<string> {
  const { code, stderr } = await cellhue(args, folder);
  expect(stderr).not.toMatch(/unexpected/);
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  return stderr;
}
async function encoded(values: Float32Array, name: string, threads: string): Promise<void> {
  const call = common(write(`${name}.csv`, values), name);
  await done(["preprocess", ...call, "--threads", threads]);
  await done(["folds", at(name), "--threads", threads]);
}
const bytes = (...path: string[]) => readFileSync(at(...path));
const factorsOf = (...path: string[]) =>
  unpackSizeFactors(bytes(...path, "size_factors.safetensors"), path.join("/"));
/** Rows that a fold trains on, validates on and tests on. */
const partsOf = (run: string, fold: number) => {
  const [header, ...rows] = parseCsv(bytes(run, "splits.csv").toString());
  const column = header.indexOf(`split_${fold}`);
  const of = (part: string) =>
    rows.filter((row) => row[column] === part).map(([name]) => Number(name.slice(1)));
  return { train: of("train"), test: of("test") };
};

beforeAll(() => encoded(data, "first", "1"), 120_000);

describe("--normalize log1p-scran", () => {
  it("fits each fold on its training samples alone", async () => {
    const { train, test } = partsOf("first", 0);
    expect(train.length).toBeGreaterThan(30);
    const changed = data.slice();
    const row = test[0];
    for (let g = 0; g < width; g++) changed[row * width + g] = 3 * data[row * width + g] + (g % 4);
    await encoded(changed, "changed", "1");
    // The fold that held the sample out has not seen that it is another one, the fit of all samples has.
    const encoder = (run: string, key: string) => bytes(run, "encoders", key, "encoder.safetensors");
    expect(encoder("changed", "0").equals(encoder("first", "0"))).toBe(true);
    expect(encoder("changed", "all").equals(encoder("first", "all"))).toBe(false);
    const [before, after] = ["first", "changed"].map((run) => factorsOf(run, "encoders", "0"));
    expect(after.rule).toEqual(before.rule);
    before.factors.forEach((factor, i) => {
      if (i === row) expect(after.factors[i]).not.toBe(factor);
      else expect(after.factors[i]).toBe(factor);
    });
    const mean = train.reduce((sum, i) => sum + before.factors[i], 0) / train.length;
    expect(mean).toBeCloseTo(1, 6);
    expect(factorsOf("first", "encoders", "1").rule).not.toEqual(before.rule);
  }, 120_000);

  it("makes the same bytes again, with any number of threads", async () => {
    await encoded(data, "again", "2");
    for (const key of ["0", "1", "2", "all", "final"])
      for (const file of ["size_factors.safetensors", "encoder.safetensors", "samples.safetensors"])
        expect([
          key,
          file,
          bytes("again", "encoders", key, file).equals(bytes("first", "encoders", key, file)),
        ]).toEqual([key, file, true]);
  }, 120_000);

  it("goes from raw counts to what the fold said of its held-out samples, in a model file", async () => {
    cpSync(at("first"), at("trained"), { recursive: true });
    await done(["train", at("trained"), "--epochs", "4", "--net", "compact", "--threads", "1"]);
    for (const stage of ["compare", "saliency"]) await done([stage, at("trained")]);
    await done(["export", at("trained"), "--net", "compact", "--fold", "1", "--out", at("fold.onnx")]);
    await writeH5ad(at("new.h5ad"), {
      x: Array.from({ length: n }, (_, i) => [...data.subarray(i * width, (i + 1) * width)]),
      genes: Array.from({ length: width }, (_, g) => `G${g}`),
      samples: Array.from({ length: n }, (_, i) => `s${i}`),
    });
    await done(["predict", at("fold.onnx"), at("new.h5ad"), "--out", at("p.csv")]);
    const metrics = JSON.parse(bytes("trained", "metrics.json").toString());
    const temperature = metrics.models[0].folds[1].temperature ?? 1;
    const [, ...said] = parseCsv(bytes("p.csv").toString());
    const [, ...held] = parseCsv(bytes("trained", "oof_compact.csv").toString());
    const own = held.filter((row) => row[2] === "1");
    expect(own.length).toBe(25);
    for (const [sample, , , , ...probabilities] of own) {
      const [a, b] = probabilities.map((p) => Number(p) ** (1 / temperature));
      const line = said.find(([name]) => name === sample) ?? [];
      expect(Math.abs(Number(line[3]) - a / (a + b))).toBeLessThan(1e-4);
    }
    expect(new Set(own.map((row) => row[4])).size).toBeGreaterThan(20);
  }, 180_000);

  it("says what to do where the factors of a fold are gone or damaged, and does it", async () => {
    cpSync(at("first"), at("gone"), { recursive: true });
    const path = at("gone", "encoders", "0", "size_factors.safetensors");
    const guided = ["train", at("gone"), "--train", "saliency-guided", "--epochs", "1", "--threads", "1"];
    writeFileSync(path, bytes("first", "encoders", "0", "encoder.safetensors"));
    const { code, stderr } = await cellhue(guided, folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(/size factors of the run cannot be read/);
    expect(stderr).toContain(path);
    expect(stderr).toMatch(/remove the file/);
    rmSync(path);
    await done(guided); // which makes it anew
    expect(readFileSync(path).equals(bytes("first", "encoders", "0", "size_factors.safetensors"))).toBe(true);
  }, 120_000);
});

describe("what it refuses", () => {
  it("a matrix that may not be held, with what to do", async () => {
    const demo = "assets/demo/infercnvpy_oligodendroglioma.h5ad";
    const { code, stderr } = await cellhue([
      ...["preprocess", demo, "--label", "cell_type", "--out", at("large")],
      ...["--normalize", "log1p-scran", "--memory", "0.001"],
    ]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/size factors need the whole matrix in memory/);
    expect(stderr).toMatch(/--memory GB/);
    expect(stderr).toMatch(/--normalize log1p-cp10k/);
  });
  it("what is no count", async () => {
    const bad = data.slice();
    bad[7 * width + 3] = -1;
    const { code, stderr } = await cellhue(["preprocess", ...common(write("bad.csv", bad), "bad")], folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--normalize log1p-scran needs counts/);
    expect(stderr).toMatch(/row 7/);
  });
});
