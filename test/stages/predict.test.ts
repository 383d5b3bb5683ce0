/** Prediction with small made models, whose answers are computed beside it in the slow, obvious way. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CellhueError, InterruptedError } from "../../src/errors.js";
import { parseCsv } from "../../src/io/csv.js";
import { openExpression } from "../../src/io/reader.js";
import type { Progress } from "../../src/progress.js";
import { formatPrediction, type PredictOptions, predictFile } from "../../src/stages/predict.js";
import type { Column } from "../../src/table.js";
import { temporary } from "../cli/cellhue.js";
import { madeCounts, madeModel, obvious, writeH5ad, writeModel } from "../predict/made.js";
import { canMount, mountTiny, unmount } from "../tiny-disk.js";

let folder = "";
let remove = () => {};
let said: string[] = [];
let steps: [number, number][] = [];
beforeEach(() => {
  ({ path: folder, remove } = temporary());
  said = [];
  steps = [];
});
afterEach(() => remove());

const at = (name: string) => join(folder, name);
const progress: Progress = {
  task: (name, total) => ({
    update: (done) => name === "predicting" && steps.push([done, total]),
    end() {},
  }),
  note: (line) => said.push(`note: ${line}`),
  warn: (line) => said.push(`warning: ${line}`),
};
const predict = (model: string, file: string, options: PredictOptions = {}, signal?: AbortSignal) =>
  predictFile(model, file, { out: at("out.csv"), ...options }, { progress, signal });
const csv = (name = "out.csv") => parseCsv(readFileSync(at(name), "utf8"));
const refusal = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CellhueError);
  expect((error as CellhueError).exitCode).toBe(2);
  return (error as CellhueError).describe();
};
/** The largest difference of the CSV's numbers from what they are to be. */
const gap = (rows: string[][], expected: { probabilities: number[]; distance: number }[]) =>
  Math.max(
    ...rows.flatMap((row, i) => {
      const { probabilities, distance } = expected[i];
      const relative = Math.abs(Number(row.at(-1)) - distance) / Math.max(1, distance);
      return [...probabilities.map((p, c) => Math.abs(Number(row[3 + c]) - p)), relative];
    }),
  );

describe("predictFile", () => {
  it.each([
    [1, false],
    [2, true],
    [31, false],
    [32, true],
    [33, false],
    [65, true],
  ])("%i samples, sparse: %s: what the model says, sample by sample", async (n, sparse) => {
    for (const normalize of ["none", "log1p-cp10k"] as const) {
      const model = madeModel(7, ["a", "b", "c"], { normalize });
      const x = madeCounts(n, 7, n);
      const file = await writeH5ad(at("new.h5ad"), { x, genes: model.genes, sparse });
      const summary = await predict(writeModel(at("m.onnx"), model), file);
      const [header, ...rows] = csv();
      expect(header).toEqual(["sample", "predicted", "confidence", "a", "b", "c", "distance"]);
      expect(rows.map((row) => row[0])).toEqual(x.map((_, i) => `s${i}`));
      const expected = x.map((row) => obvious(model, row));
      expect(gap(rows, expected)).toBeLessThan(2e-6);
      rows.forEach((row) => {
        const best = Math.max(...row.slice(3, 6).map(Number));
        expect(Number(row[2])).toBe(best);
        expect(row[1]).toBe("abc"[row.slice(3, 6).map(Number).indexOf(best)]);
      });
      expect(summary).toMatchObject({
        samples: n,
        genes: { overlap: 7, share: 1 },
        unassigned: 0,
        h5ad: null,
      });
      expect(summary.predicted.reduce((sum, { count }) => sum + count, 0)).toBe(n);
      expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
      expect(steps.at(-1)).toEqual([n, n]);
    }
  });

  it("gives a sample the same bits alone, among others, in any order, dense or sparse, by any threads", async () => {
    const model = writeModel(at("m.onnx"), madeModel(50, ["a", "b", "c"], { normalize: "log1p-cp10k" }));
    const genes = madeModel(50, []).genes;
    const x = madeCounts(70, 50);
    const order = [...x.keys()].reverse();
    const lines = async (rows: number[], sparse: boolean, threads: number) => {
      const samples = rows.map((i) => `s${i}`);
      const file = { x: rows.map((i) => x[i]), genes, samples, sparse };
      await predict(model, await writeH5ad(at("new.h5ad"), file), { threads });
      return new Map(
        readFileSync(at("out.csv"), "utf8")
          .split("\r\n")
          .map((line) => [line.split(",")[0], line]),
      );
    };
    const all = await lines([...x.keys()], false, 1);
    for (const [rows, sparse, threads] of [
      [[...x.keys()], true, 2],
      [order, false, 2],
      [[40], true, 1],
      [[69, 3, 3], false, 0],
    ] as const) {
      const some = await lines([...rows], sparse, threads);
      for (const i of rows) expect(some.get(`s${i}`)).toBe(all.get(`s${i}`));
    }
  });

  it("keeps odd labels and sample names, repeated ones too, as they are", async () => {
    const labels = ["=1+1", 'a "b"\nc', "../../x", "CD4+, T", "distance", "__proto__"];
    const model = writeModel(at("m.onnx"), madeModel(2, labels));
    const samples = ["x", "x", "@cmd", "a,b", ""];
    const file = await writeH5ad(at("new.h5ad"), { x: madeCounts(5, 2), genes: ["G0", "G1"], samples });
    await predict(model, file);
    const [header, ...rows] = csv();
    expect(header).toEqual(["sample", "predicted", "confidence", ...labels, "distance"]);
    expect(rows.map((row) => row[0])).toEqual(samples);
    for (const row of rows) expect(labels).toContain(row[1]);
    expect(readFileSync(at("out.csv"), "utf8")).toContain(",'=1+1,");
  });

  it("reads a table whichever way it lies, by the model's genes: there are more samples than genes", async () => {
    const model = writeModel(at("m.onnx"), madeModel(4, ["a", "b"]));
    const x = madeCounts(9, 4);
    const genes = ["G0", "G1", "G2", "G3"];
    const samples = x.map((_, i) => `s${i}`);
    const byGene = genes.map((gene, g) => [gene, ...x.map((row) => row[g])]);
    const texts = [
      [["", ...genes], ...x.map((row, i) => [samples[i], ...row])],
      [["", ...samples], ...byGene],
    ].map((rows) => rows.map((cells) => cells.join(",")).join("\n"));
    const found: string[][][] = [];
    for (const text of texts) {
      writeFileSync(at("new.csv"), text);
      await predict(model, at("new.csv"));
      found.push(csv());
    }
    expect(found[0].slice(1).map(([sample]) => sample)).toEqual(samples);
    expect(found[1]).toEqual(found[0]);
  });

  it("writes <name>.cellhue.csv in the working folder by default", async () => {
    const model = writeModel(at("m.onnx"), madeModel(2, ["a", "b"]));
    mkdirSync(at("data"));
    const file = await writeH5ad(at("data/new.v2.h5ad"), { x: madeCounts(2, 2), genes: ["G0", "G1"] });
    const before = process.cwd();
    const summary = await (async () => {
      // vitest's forks may change their folder
      process.chdir(folder);
      try {
        return await predictFile(model, file);
      } finally {
        process.chdir(before);
      }
    })();
    expect(summary.csv).toBe(at("new.v2.cellhue.csv"));
    expect(readdirSync(folder).sort()).toEqual(["data", "m.onnx", "new.v2.cellhue.csv"]);
  });

  it("makes the folder of --out", async () => {
    const model = writeModel(at("m.onnx"), madeModel(2, ["a", "b"]));
    const file = await writeH5ad(at("new.h5ad"), { x: madeCounts(2, 2), genes: ["G0", "G1"] });
    await predict(model, file, { out: at("deep/er/p.csv") });
    expect(csv("deep/er/p.csv").length).toBe(3);
  });
});

describe("genes", () => {
  it("are matched by name, case, version and second names, and reported", async () => {
    const genes = ["EGFR", "Tp53", "ENSG00000111111.3", "SOX2"];
    const model = madeModel(4, ["a", "b"], { genes, geneIds: ["", "", "", "ENSG00000222222"] });
    const x = madeCounts(3, 5);
    const file = await writeH5ad(at("new.h5ad"), {
      x,
      genes: ["ENSG00000222222.1", "ENSG00000111111.9", "other", "TP53", "EGFR"],
    });
    const summary = await predict(writeModel(at("m.onnx"), model), file);
    expect(summary.genes).toEqual({
      model: 4,
      file: 5,
      overlap: 4,
      share: 1,
      how: { exact: 1, case: 1, version: 1, otherName: 1 },
      missing: { count: 0, first: [] },
      ambiguous: { count: 0, first: [] },
    });
    const expected = x.map((row) => obvious(model, [row[4], row[3], row[1], row[0]]));
    expect(gap(csv().slice(1), expected)).toBeLessThan(1e-6);
    expect(said).toContain(
      "note: 4 of the model's 4 genes (100 %) are among the 5 of the file: 1 by equal names, 1 by names that differ in case, 1 by Ensembl ids of another version, 1 by a second name (symbol, Ensembl id)",
    );
    expect(summary.warnings).toEqual([]);
  });

  it.each(["none", "log1p-cp10k"] as const)(
    "that are missing say nothing, normalised by %s",
    async (normalize) => {
      const model = madeModel(4, ["a", "b"], { normalize });
      const x = madeCounts(33, 3, 4).map((row) => row.map((v) => v + 1));
      const file = await writeH5ad(at("new.h5ad"), { x, genes: ["G3", "x", "G1"] });
      const summary = await predict(writeModel(at("m.onnx"), model), file);
      const expected = x.map(([g3, , g1]) => obvious(model, [Number.NaN, g1, Number.NaN, g3]));
      expect(gap(csv().slice(1), expected)).toBeLessThan(2e-6);
      expect(summary.genes.missing).toEqual({ count: 2, first: ["G0", "G2"] });
      expect(summary.warnings[0]).toMatch(
        /^2 genes of the model are not in the file \(G0, G2\): each counts as its mean in training/,
      );
    },
  );

  it("a few missing are a note, many a warning; those found twice always are", async () => {
    const genes = Array.from({ length: 20 }, (_, j) => `G${j}`);
    const model = writeModel(at("m.onnx"), madeModel(20, ["a", "b"]));
    const few = await writeH5ad(at("few.h5ad"), { x: madeCounts(2, 18), genes: genes.slice(2) });
    expect((await predict(model, few)).warnings).toEqual([]);
    expect(said.some((line) => line.startsWith("note: 2 genes of the model are not in the file"))).toBe(true);
    const twice = [...genes.slice(1), "g0", "g0"];
    const unclear = await writeH5ad(at("unclear.h5ad"), { x: madeCounts(2, 21), genes: twice });
    expect((await predict(model, unclear)).warnings).toEqual([
      "1 gene of the model is found more than once and counted as missing (G0): give the file names that are unique",
    ]);
  });

  it("of another species by their case are warned of", async () => {
    const model = madeModel(3, ["a", "b"], { genes: ["ACTB", "TP53", "SOX2"] });
    const file = await writeH5ad(at("mouse.h5ad"), { x: madeCounts(2, 3), genes: ["Actb", "Tp53", "Sox2"] });
    const { warnings } = await predict(writeModel(at("m.onnx"), model), file);
    expect(warnings).toEqual([expect.stringMatching(/most genes match only when case is ignored.*species/)]);
  });

  it("too few, none, and repeated ones are refused", async () => {
    const model = writeModel(at("m.onnx"), madeModel(4, ["a", "b"]));
    const files = {
      few: await writeH5ad(at("few.h5ad"), { x: madeCounts(2, 2), genes: ["G0", "x"] }),
      none: await writeH5ad(at("none.h5ad"), { x: madeCounts(2, 2), genes: ["ENSG00000000001", "x"] }),
      twice: await writeH5ad(at("twice.h5ad"), { x: madeCounts(2, 4), genes: ["G0", "G1", "G2", "G1"] }),
    };
    expect(await refusal(predict(model, files.few))).toMatch(
      /too few of the model's genes[\s\S]*few\.h5ad[\s\S]*1 of the model's 4 genes \(25 %\)[\s\S]*--min-overlap 0\.25/,
    );
    expect((await predict(model, files.few, { minOverlap: 0.25 })).genes.share).toBe(0.25);
    expect(await refusal(predict(model, files.none, { minOverlap: 0 }))).toMatch(
      /no gene of the model[\s\S]*'ENSG00000000001', 'x'[\s\S]*'G0', 'G1', 'G2'/,
    );
    expect(await refusal(predict(model, files.twice))).toMatch(
      /duplicate gene names[\s\S]*twice\.h5ad[\s\S]*'G1' \(2 columns\)/,
    );
  });
});

describe("the state of the matrix", () => {
  const counts = madeCounts(40, 6);
  const logs = counts.map((row) => row.map((v) => Math.log1p(v)));
  const intensities = counts.map((row) => row.map((v) => v * 100.5));
  const signed = counts.map((row) => row.map((v) => v - 2.5));
  const states = { counts, log: logs, "non-negative": intensities, negative: signed };
  const genes = madeModel(6, []).genes;

  it.each<[keyof typeof states, string, "none" | "log1p-cp10k", RegExp | null]>([
    ["counts", "counts", "none", null],
    ["log", "log", "none", null],
    ["log", "counts", "none", /hold logarithms .*, the model was trained on counts .*worth nothing/],
    ["counts", "log", "none", /hold counts .*, the model was trained on logarithms .*--layer log/],
    ["log", "counts", "log1p-cp10k", /hold logarithms .*worth nothing/],
    ["negative", "log", "none", /numbers of both signs .*logarithms/],
    ["counts", "scaled", "none", /counts .*scaled genes/],
    ["non-negative", "counts", "none", /see that the scales are the same/],
    ["non-negative", "counts", "log1p-cp10k", null],
    ["negative", "scaled", "none", /see that the scales are the same/],
    ["counts", "constant", "none", null],
  ])("%s, trained on %s, normalised by %s", async (state, trained, normalize, expected) => {
    const model = writeModel(at("m.onnx"), madeModel(6, ["a", "b"], { state: trained, normalize }));
    const file = await writeH5ad(at("new.h5ad"), { x: states[state], genes, layers: { log: logs } });
    const { warnings, x } = await predict(model, file);
    expect(x).toMatchObject({ source: "X", trainedOn: `${trained}: made for a test` });
    expect(x.state).toMatch(new RegExp(`^${state}: `));
    if (expected === null) expect(warnings).toEqual([]);
    else expect(warnings).toEqual([expect.stringMatching(expected)]);
    // the layer that is asked for is the one that is judged
    const { warnings: layered } = await predict(model, file, { layer: "log" });
    expect(layered.length).toBe(trained === "log" || trained === "constant" ? 0 : 1);
  });

  it("cannot be told from few samples where genes are centred", async () => {
    const model = writeModel(at("m.onnx"), madeModel(6, ["a", "b"], { state: "scaled" }));
    const file = await writeH5ad(at("new.h5ad"), { x: signed.slice(0, 29), genes });
    expect((await predict(model, file)).warnings).toEqual([]);
  });

  it("with numbers that cannot be computed with is refused, unless the model has no use for them", async () => {
    const x = [
      [1, 2, 3],
      [4, Number.NaN, -6],
    ];
    const file = await writeH5ad(at("new.h5ad"), { x, genes: ["G0", "x", "G1"] });
    const plain = writeModel(at("m.onnx"), madeModel(2, ["a", "b"]));
    expect((await predict(plain, file)).x.state).toMatch(/not-finite/);
    expect(
      await refusal(
        predict(writeModel(at("x.onnx"), madeModel(2, ["a", "b"], { genes: ["x", "G0"] })), file),
      ),
    ).toMatch(/an entry that cannot be computed with[\s\S]*NaN at sample 's1' \(row 1\), gene 'x'/);
    const logs = madeModel(2, ["a", "b"], { normalize: "log1p-cp10k" });
    expect(await refusal(predict(writeModel(at("l.onnx"), logs), file))).toMatch(
      /logarithms of counts[\s\S]*-6 at sample 's1'[\s\S]*--layer/,
    );
  });
});

describe("--threshold and --abstain", () => {
  const genes = ["G0"];
  // logits 0 and x: confidence rises with x
  const model = (changes = {}) => madeModel(1, ["a", "b"], { weights: Float32Array.of(0, 1), ...changes });
  const x = [[0], [1], [2], [3]]; // confidence 0.5, 0.731, 0.881, 0.953

  it("leave samples of too low a confidence unassigned; neither leaves none", async () => {
    const file = await writeH5ad(at("new.h5ad"), { x, genes });
    const path = writeModel(at("m.onnx"), model());
    const predicted = async (options: PredictOptions) => {
      const summary = await predict(path, file, options);
      const column = csv()
        .slice(1)
        .map((row) => row[1]);
      expect(summary.unassigned).toBe(column.filter((label) => label === "unassigned").length);
      expect(column.filter((label) => label === "b").length).toBe(summary.predicted[1].count);
      return column.join(" ");
    };
    expect(await predicted({})).toBe("a b b b");
    expect(await predicted({ threshold: 0.8 })).toBe("unassigned unassigned b b");
    expect(await predicted({ threshold: 0.5 })).toBe("a b b b");
    expect(await predicted({ threshold: 1 })).toBe("unassigned unassigned unassigned unassigned");
    expect(await predicted({ abstain: true })).toBe("unassigned unassigned b b"); // the model's 0.75
  });

  it("are refused where they cannot be followed", async () => {
    const file = await writeH5ad(at("new.h5ad"), { x, genes });
    const path = writeModel(at("m.onnx"), model({ abstain: null }));
    expect(await refusal(predict(path, file, { abstain: true }))).toMatch(
      /states no threshold[\s\S]*made for a test[\s\S]*--threshold 0\.8/,
    );
    expect(await refusal(predict(path, file, { abstain: true, threshold: 0.5 }))).toMatch(
      /exclude each other/,
    );
    for (const [option, value] of [
      ["threshold", 1.01],
      ["threshold", Number.NaN],
      ["minOverlap", -0.1],
      ["threads", 1.5],
    ] as const)
      expect(await refusal(predict(path, file, { [option]: value }))).toMatch(/does not take this value/);
    expect(readdirSync(folder).sort()).toEqual(["m.onnx", "new.h5ad"]);
  });

  it("warn where a label is called unassigned itself", async () => {
    const file = await writeH5ad(at("new.h5ad"), { x, genes });
    const path = writeModel(at("m.onnx"), model({ labels: ["unassigned", "b"] }));
    const { warnings } = await predict(path, file, { threshold: 0.8, write: at("w.h5ad") });
    expect(warnings).toEqual([expect.stringMatching(/'unassigned' is a label/)]);
    expect((await columns(at("w.h5ad"))).get("cellhue_predicted")).toMatchObject({
      categories: ["unassigned", "b"],
      codes: Int32Array.of(0, 0, 1, 1),
    });
  });
});

async function columns(path: string): Promise<Map<string, Column>> {
  const reader = await openExpression(path);
  const { columns: found } = reader.obs();
  reader.close();
  return new Map(found);
}

describe("--write", () => {
  it("adds columns of obs to a copy, in agreement with the CSV", async () => {
    const model = madeModel(5, ["x", "y", "z"], { distance: 12, conformal: 0.3 });
    const path = writeModel(at("m.onnx"), model);
    const file = await writeH5ad(at("new.h5ad"), { x: madeCounts(40, 5), genes: model.genes, sparse: true });
    const summary = await predict(path, file, { write: at("out.h5ad"), threshold: 0.6 });
    const [, ...rows] = csv();
    const found = await columns(at("out.h5ad"));
    expect([...found.keys()]).toEqual([
      "cellhue_predicted",
      "cellhue_confidence",
      "cellhue_distance",
      "cellhue_outlier",
      "cellhue_label_set",
    ]);
    const categories = ["x", "y", "z", "unassigned"];
    expect(found.get("cellhue_predicted")).toEqual({
      kind: "categorical",
      categories,
      codes: Int32Array.from(rows, (row) => categories.indexOf(row[1])),
      ordered: false,
    });
    const numbers = (column: number) => Float64Array.from(rows, (row) => Number(row.at(column)));
    expect(found.get("cellhue_confidence")).toMatchObject({ values: numbers(2) });
    expect(found.get("cellhue_distance")).toMatchObject({ values: numbers(-1) });
    const flags = Int8Array.from(rows, (row) => (Number(row.at(-1)) > 12 ? 1 : 0));
    expect(found.get("cellhue_outlier")).toEqual({ kind: "boolean", values: flags });
    const sets = rows.map((row) => ["x", "y", "z"].filter((_, c) => Number(row[3 + c]) >= 0.3));
    expect(found.get("cellhue_label_set")).toEqual({
      kind: "string",
      values: sets.map((set) => JSON.stringify(set)),
    });
    // all of it is in the summary, and each kind of answer occurs
    expect(summary.outliers).toEqual({ count: flags.filter((f) => f === 1).length, threshold: 12 });
    expect(summary.labelSets).toEqual({
      coverage: 0.9,
      sizes: [0, 1, 2, 3].map((size) => sets.filter((set) => set.length === size).length),
    });
    expect(summary.h5ad).toBe(at("out.h5ad"));
    expect(summary.unassigned).toBeGreaterThan(0);
    expect(new Set(flags).size).toBe(2);
    const text = formatPrediction(summary);
    expect(text).toMatch(/^40 samples: x \d+, y \d+, z \d+, unassigned \d+\n/);
    expect(text).toMatch(/far from training: \d+ \(distance above 12\)/);
    expect(text).toMatch(/label sets for a coverage of 90 %: .*\d+ of 1 label, /);
    expect(text).toContain(`predictions: ${at("out.csv")}\nwith columns of obs: ${at("out.h5ad")}`);
  });

  it("has all labels in the sets of a model that could exclude none", async () => {
    const conformal = { coverage: 0.9, threshold: null, samples: 3, meaning: "too few" };
    const model = madeModel(5, ["x", "y"], { metadata: { conformal } });
    const file = await writeH5ad(at("new.h5ad"), { x: madeCounts(7, 5), genes: model.genes });
    const summary = await predict(writeModel(at("m.onnx"), model), file, { write: at("out.h5ad") });
    expect(summary.labelSets).toEqual({ coverage: 0.9, sizes: [0, 0, 7] });
    const { values } = (await columns(at("out.h5ad"))).get("cellhue_label_set") as Column & {
      kind: "string";
    };
    expect(new Set(values)).toEqual(new Set(['["x","y"]']));
  });

  it("leaves out what the model cannot say, and replaces an earlier prediction", async () => {
    const model = madeModel(5, ["x", "y", "z"]);
    const file = await writeH5ad(at("new.h5ad"), { x: madeCounts(7, 5), genes: model.genes });
    await predict(writeModel(at("m.onnx"), model), file, { write: at("first.h5ad"), threshold: 0.6 });
    const silent = madeModel(5, ["p", "q"], { distance: null, conformal: null });
    const summary = await predict(writeModel(at("n.onnx"), silent), at("first.h5ad"), {
      write: at("second.h5ad"),
    });
    expect(summary).toMatchObject({ outliers: null, labelSets: null, threshold: null });
    const found = await columns(at("second.h5ad"));
    expect([...found.keys()]).toEqual(["cellhue_predicted", "cellhue_confidence", "cellhue_distance"]);
    expect(found.get("cellhue_predicted")).toMatchObject({ categories: ["p", "q"] });
    expect(formatPrediction(summary)).not.toMatch(/far from|label sets|unassigned/);
  });
});

describe("refusals leave nothing behind", () => {
  const left = () => readdirSync(folder).sort();

  it("no samples, no genes", async () => {
    const model = writeModel(at("m.onnx"), madeModel(2, ["a", "b"]));
    const none = await writeH5ad(at("none.h5ad"), { x: [], genes: ["G0", "G1"] });
    expect(await refusal(predict(model, none, { write: at("w.h5ad") }))).toMatch(
      /no samples[\s\S]*none\.h5ad[\s\S]*0 samples × 2 genes/,
    );
    const empty = await writeH5ad(at("empty.h5ad"), { x: [[], []], genes: [] });
    expect(await refusal(predict(model, empty))).toMatch(/no gene of the model/);
    expect(left()).toEqual(["empty.h5ad", "m.onnx", "none.h5ad"]);
  });

  it("files that are not what they are to be", async () => {
    const model = writeModel(at("m.onnx"), madeModel(2, ["a", "b"]));
    const file = await writeH5ad(at("new.h5ad"), { x: madeCounts(2, 2), genes: ["G0", "G1"] });
    expect(await refusal(predict(file, model))).toMatch(/no model file[\s\S]*HDF5/);
    expect(await refusal(predict(model, at("none.h5ad")))).toMatch(/no such file/);
    expect(await refusal(predict(model, model))).toMatch(/not an expression file/);
    expect(await refusal(predict(model, file, { layer: "counts" }))).toMatch(/no layer 'counts'/);
    expect(await refusal(predict(model, file, { useRaw: true }))).toMatch(/no raw/);
    expect(left()).toEqual(["m.onnx", "new.h5ad"]);
  });

  it("outputs that are inputs, by any name, or each other", async () => {
    const model = writeModel(at("m.onnx"), madeModel(2, ["a", "b"]));
    const file = await writeH5ad(at("new.h5ad"), { x: madeCounts(2, 2), genes: ["G0", "G1"] });
    symlinkSync(folder, at("link"));
    const before = readFileSync(file);
    for (const out of ["new.h5ad", "link/new.h5ad", "./link/../link/new.h5ad"])
      expect(await refusal(predict(model, file, { out: at(out) }))).toMatch(/--out is the file that is read/);
    expect(await refusal(predict(model, file, { out: at("link/m.onnx") }))).toMatch(/--out is the model/);
    expect(await refusal(predict(model, file, { write: at("new.h5ad") }))).toMatch(/the one that is read/);
    expect(await refusal(predict(model, file, { write: at("link/m.onnx") }))).toMatch(/--write is the model/);
    expect(await refusal(predict(model, file, { out: at("p.x"), write: at("link/p.x") }))).toMatch(
      /--out is the file of --write/,
    );
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(left()).toEqual(["link", "m.onnx", "new.h5ad"]);
  });

  it("obs that cannot be extended, before the model runs", async () => {
    const genes = ["g0", "g1", "g2", "g3"];
    const model = writeModel(at("m.onnx"), madeModel(4, ["a", "b"], { genes }));
    copyFileSync("test/fixtures/h5ad/records.h5ad", at("old.h5ad"));
    expect(await refusal(predict(model, at("old.h5ad"), { write: at("w.h5ad") }))).toMatch(/before 0\.7/);
    expect(steps).toEqual([]);
    expect(left()).toEqual(["m.onnx", "old.h5ad"]);
    expect((await predict(model, at("old.h5ad"))).samples).toBe(6);
  });

  it.each<[string, Partial<Parameters<typeof madeModel>[2]>, RegExp]>([
    [
      "another number of labels",
      { metadata: { labels: ["a", "b", "c"] } },
      /'probabilities' is of 32 × 2, not 32 × 3/,
    ],
    ["another number of genes", { metadata: { genes: ["G0"] } }, /cannot be run/],
    [
      "weights that are not finite",
      { weights: Float32Array.of(1, Number.NaN, 1, 1) },
      /a probability that is not a number/,
    ],
  ])("a model with %s", async (_, changes, message) => {
    const model = writeModel(at("m.onnx"), madeModel(2, ["a", "b"], changes));
    const file = await writeH5ad(at("new.h5ad"), { x: madeCounts(2, 2), genes: ["G0", "G1"] });
    expect(await refusal(predict(model, file, { write: at("w.h5ad") }))).toMatch(message);
    expect(left()).toEqual(["m.onnx", "new.h5ad"]);
  });

  it("an interrupt between two batches", async () => {
    const model = writeModel(at("m.onnx"), madeModel(2, ["a", "b"]));
    const file = await writeH5ad(at("new.h5ad"), { x: madeCounts(100, 2), genes: ["G0", "G1"] });
    const abort = new AbortController();
    const stopping: Progress = {
      ...progress,
      task: (name) => ({ update: (done) => name === "predicting" && done >= 64 && abort.abort(), end() {} }),
    };
    const work = predictFile(
      model,
      file,
      { out: at("out.csv"), write: at("w.h5ad") },
      { progress: stopping, signal: abort.signal },
    );
    await expect(work).rejects.toBeInstanceOf(InterruptedError);
    expect(left()).toEqual(["m.onnx", "new.h5ad"]);
  });

  it.skipIf(!canMount)("a full disk keeps an earlier CSV", async () => {
    const model = writeModel(at("m.onnx"), madeModel(2, ["a", "b"]));
    const file = await writeH5ad(at("new.h5ad"), { x: madeCounts(5000, 2), genes: ["G0", "G1"] });
    mkdirSync(at("small"));
    mountTiny(at("small"), 64);
    try {
      writeFileSync(at("small/p.csv"), "old");
      expect(await refusal(predict(model, file, { out: at("small/p.csv") }))).toMatch(
        /p\.csv: the disk is full/,
      );
      expect(readFileSync(at("small/p.csv"), "utf8")).toBe("old");
      expect(readdirSync(at("small"))).toEqual(["p.csv"]);
    } finally {
      unmount(at("small"));
    }
  });
});
