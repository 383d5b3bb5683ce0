/** `cellhue predict` as a user runs it. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseCsv } from "../../src/io/csv.js";
import { type MadeModel, madeCounts, madeModel, modelBytes, writeH5ad, writeModel } from "../predict/made.js";
import { cellhue, root, start, temporary } from "./cellhue.js";

let folder = "";
let remove = () => {};
beforeEach(() => {
  ({ path: folder, remove } = temporary());
});
afterEach(() => remove());

const at = (name: string) => join(folder, name);
const left = () => readdirSync(folder).sort();
const labels = ["tumour", "\u001b[31mred", "normal"];
const model = (changes: Partial<MadeModel> = {}) => writeModel(at("m.onnx"), madeModel(4, labels, changes));
const file = (changes: Partial<Parameters<typeof writeH5ad>[1]> = {}) =>
  writeH5ad(at("new.h5ad"), { x: madeCounts(40, 4), genes: ["G0", "G1", "G2", "G3"], ...changes });

describe("cellhue predict", () => {
  it("writes the CSV into the working folder and says in a few lines what it holds", async () => {
    model();
    await file();
    const { code, stdout, stderr } = await cellhue(["predict", "m.onnx", "new.h5ad"], folder);
    expect(stderr).toMatch(/^4 of the model's 4 genes \(100 %\) are among the 4 of the file/m);
    expect(stdout).toMatch(/^40 samples: .*\ngenes: 4 of the model's 4 \(100 %\)\n/);
    expect(stdout).toContain(`predictions: ${at("new.cellhue.csv")}\n`);
    expect(stdout).toContain("\\u{1b}[31mred");
    expect(stdout + stderr).not.toContain("\u001b");
    expect(code).toBe(0);
    expect(left()).toEqual(["m.onnx", "new.cellhue.csv", "new.h5ad"]);
    const rows = parseCsv(readFileSync(at("new.cellhue.csv"), "utf8"));
    expect(rows[0]).toEqual(["sample", "predicted", "confidence", ...labels, "distance"]);
    expect(rows.length).toBe(41);
    // the same again
    const bytes = readFileSync(at("new.cellhue.csv"));
    expect((await cellhue(["predict", "m.onnx", "new.h5ad"], folder)).code).toBe(0);
    expect(readFileSync(at("new.cellhue.csv")).equals(bytes)).toBe(true);
  });

  it("--json: the summary on stdout; --quiet: warnings alone", async () => {
    model({ genes: ["G0", "G1", "G2", "none"], state: "log" });
    await file();
    const args = [
      "predict",
      "m.onnx",
      "new.h5ad",
      "--out",
      "p.csv",
      "--write",
      "w.h5ad",
      "--threshold",
      "0.7",
    ];
    const { code, stdout } = await cellhue([...args, "--json"], folder);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: "cellhue.prediction/1",
      samples: 40,
      genes: { overlap: 3, missing: { count: 1, first: ["none"] } },
      threshold: 0.7,
      csv: at("p.csv"),
      h5ad: at("w.h5ad"),
      warnings: [
        expect.stringMatching(/1 gene of the model is not/),
        expect.stringMatching(/trained on logarithms/),
      ],
    });
    const quiet = await cellhue([...args, "--quiet"], folder);
    expect(quiet).toMatchObject({ code: 0, stdout: "" });
    const lines = quiet.stderr.trimEnd().split("\n");
    expect(lines.length).toBe(2);
    for (const line of lines) expect(line).toMatch(/^warning: /);
    expect(left()).toEqual(["m.onnx", "new.h5ad", "p.csv", "w.h5ad"]);
    const inspected = JSON.parse((await cellhue(["inspect", "w.h5ad", "--json"], folder)).stdout);
    expect(inspected.labels).toContain("cellhue_predicted");
  });

  it("Ctrl-C stops it with 130 and leaves nothing", async () => {
    const genes = Array.from({ length: 3000 }, (_, j) => `G${j}`);
    writeModel(at("m.onnx"), madeModel(3000, labels));
    const x = madeCounts(50, 3000);
    await writeH5ad(at("new.h5ad"), { x: Array.from({ length: 4000 }, (_, i) => x[i % 50]), genes });
    const { child, ended } = start(["predict", "m.onnx", "new.h5ad"], folder);
    const begun = new Promise<void>((resolve) => child.stderr?.on("data", () => resolve()));
    await begun; // it has said what genes it found
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/interrupted/);
    expect(left()).toEqual(["m.onnx", "new.h5ad"]);
  });
});

describe("refusals: exit code 2, a reason, no file", () => {
  const refused = async (args: string[], message: RegExp) => {
    const before = left();
    const { code, stdout, stderr } = await cellhue(["predict", ...args], folder);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/unexpected error/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(left()).toEqual(before);
  };

  it.each<[string, string[], RegExp]>([
    ["no model", [], /missing required argument 'model'/],
    ["no file", ["m.onnx"], /missing required argument 'file'/],
    ["too much", ["m.onnx", "new.h5ad", "x"], /too many arguments/],
    [
      "an unknown option",
      ["m.onnx", "new.h5ad", "--treshold", "1"],
      /unknown option '--treshold'[\s\S]*--threshold/,
    ],
    ["an option without its value", ["m.onnx", "new.h5ad", "--out"], /argument missing/],
    [
      "a threshold in per cent",
      ["m.onnx", "new.h5ad", "--threshold", "80"],
      /--threshold[\s\S]*80[\s\S]*0 to 1/,
    ],
    ["a threshold in words", ["m.onnx", "new.h5ad", "--threshold", "high"], /--threshold[\s\S]*not a number/],
    ["no threshold", ["m.onnx", "new.h5ad", "--threshold", ""], /--threshold[\s\S]*not a number/],
    ["a floor below 0", ["m.onnx", "new.h5ad", "--min-overlap=-1"], /--min-overlap[\s\S]*0 to 1/],
    ["threads and a half", ["m.onnx", "new.h5ad", "--threads", "1.5"], /--threads[\s\S]*0 to 256/],
    ["two thresholds", ["m.onnx", "new.h5ad", "--abstain", "--threshold", "0.5"], /exclude each other/],
    ["two matrices", ["m.onnx", "new.h5ad", "--layer", "a", "--use-raw"], /exclude each other/],
    ["no such layer", ["m.onnx", "new.h5ad", "--layer", "a"], /no layer 'a'/],
    ["no such model", ["n.onnx", "new.h5ad"], /no such model file[\s\S]*m\.onnx/],
    ["no such file", ["m.onnx", "now.h5ad"], /no such file[\s\S]*new\.h5ad/],
    [
      "model and file exchanged",
      ["new.h5ad", "m.onnx"],
      /no model file[\s\S]*cellhue predict MODEL\.onnx FILE\.h5ad/,
    ],
    ["the input as output", ["m.onnx", "new.h5ad", "--out", "./new.h5ad"], /--out is the file that is read/],
    ["the input as copy", ["m.onnx", "new.h5ad", "--write", "./new.h5ad"], /the one that is read/],
  ])("%s", async (_, args, message) => {
    model();
    await file();
    await refused(args, message);
  });

  it("no overlap of genes", async () => {
    model();
    await file({ genes: ["ENSG00000000001", "ENSG00000000002", "a", "b"] });
    await refused(
      ["m.onnx", "new.h5ad"],
      /no gene of the model[\s\S]*'ENSG00000000001'[\s\S]*'G0', 'G1', 'G2'/,
    );
  });

  it("too few genes, until the floor is lowered", async () => {
    model();
    await file({ genes: ["G3", "a", "b", "c"] });
    await refused(["m.onnx", "new.h5ad"], /too few[\s\S]*1 of the model's 4 genes[\s\S]*--min-overlap 0\.25/);
    const lowered = await cellhue(["predict", "m.onnx", "new.h5ad", "--min-overlap", "0.25"], folder);
    expect(lowered.code).toBe(0);
  });

  it("duplicate gene names", async () => {
    model();
    await file({ genes: ["G0", "G1", "G1", "G3"] });
    await refused(
      ["m.onnx", "new.h5ad"],
      /duplicate gene names[\s\S]*'G1' \(2 columns\)[\s\S]*duplicated\(\)/,
    );
  });

  it("a model of a newer cellhue, of an older one, of none, and half of one", async () => {
    await file();
    model({ metadata: { schema: "cellhue.model/3" } });
    await refused(["m.onnx", "new.h5ad"], /newer cellhue[\s\S]*written by cellhue 7\.8\.9/);
    model({ metadata: { schema: "cellhue.model/1" } });
    await refused(["m.onnx", "new.h5ad"], /older cellhue[\s\S]*train it anew/);
    const bytes = modelBytes(madeModel(4, labels));
    writeFileSync(at("m.onnx"), bytes.subarray(0, bytes.length / 2));
    await refused(["m.onnx", "new.h5ad"], /not a readable ONNX file|no model of cellhue/);
    writeFileSync(at("m.onnx"), "not a model");
    await refused(["m.onnx", "new.h5ad"], /not a readable ONNX file/);
  });

  it("no samples", async () => {
    model();
    await file({ x: [] });
    await refused(["m.onnx", "new.h5ad"], /the file has no samples[\s\S]*0 samples × 4 genes/);
    const { code, stdout } = await cellhue(["predict", "m.onnx", "new.h5ad", "--json"], folder);
    expect(code).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({ message: "the file has no samples", where: "new.h5ad" });
  });

  it("a copy of a file whose obs is of anndata < 0.7", async () => {
    model({ genes: ["g0", "g1", "g2", "g3"] });
    const old = join(root, "test/fixtures/h5ad/records.h5ad");
    await refused(["m.onnx", old, "--write", "w.h5ad"], /before 0\.7[\s\S]*write_h5ad/);
    expect(existsSync(at("w.h5ad"))).toBe(false);
  });
});
