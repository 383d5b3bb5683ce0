/** The genes that decided, on data in which two genes decide: the stage, its checks, its tables, gene sets. */
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCsv } from "../../src/io/csv.js";
import { readSafetensors, writeSafetensors } from "../../src/net/weights/safetensors.js";
import { RandomState } from "../../src/random.js";
import type { GenesReport } from "../../src/report/genes-report.js";
import { el } from "../../src/report/markup.js";
import { genesBody } from "../../src/report/sections/genes.js";
import { cellhue, type Ended, temporary } from "../cli/cellhue.js";

const { path: folder, remove } = temporary();
afterAll(remove);
const out = join(folder, "run");
const table = join(folder, "expression.csv");
const labels = join(folder, "labels.csv");
const n = 78;
const genes = Array.from({ length: 40 }, (_, j) => (j === 5 ? "=UP<A>" : j === 11 ? "UPB" : `G${j}`));
let run: Ended;

beforeAll(async () => {
  const random = new RandomState(11);
  const rows = [["sample", ...genes].join(",")];
  const kinds = ["sample,type"];
  for (let i = 0; i < n; i++) {
    const b = i % 2 === 1;
    kinds.push(`s${i},${b ? "b <i>" : "a"}`);
    const values = genes.map((_, j) => {
      const noise = random.standardNormal();
      return (j === 5 && !b) || (j === 11 && b) ? noise + 5 : noise;
    });
    rows.push([`s${i}`, ...values.map((v) => v.toFixed(4))].join(","));
  }
  writeFileSync(table, `${rows.join("\n")}\n`);
  writeFileSync(labels, `${kinds.join("\n")}\n`);
  run = await cellhue([
    ...[
      "run",
      table,
      "--labels",
      labels,
      "--label",
      "type",
      "--orientation",
      "samples-in-rows",
      "--out",
      out,
    ],
    ...[
      "--encoder",
      "deepinsight",
      "--size",
      "32",
      "--zoom",
      "2",
      "--folds",
      "3",
      "--validation",
      "0.151", // the usual share of so few samples would be none
      "--epochs",
      "24",
      "--json",
    ],
  ]);
}, 300_000);

const report = () => JSON.parse(readFileSync(join(out, "genes.json"), "utf8")) as GenesReport;

describe("cellhue explain", () => {
  it("finds the genes that decide, for each class the one that speaks for it and the one against it", () => {
    expect(run.stderr).not.toMatch(/unexpected/);
    expect(run.code).toBe(0);
    const { classes, missing, net, painted } = report();
    expect([net, painted, missing]).toEqual(["compact", 40, []]);
    expect(classes.map(({ label }) => label)).toEqual(["a", "b <i>"]);
    for (const { label, top } of classes) {
      expect(new Set(top.slice(0, 2).map(({ gene }) => gene))).toEqual(new Set(["=UP<A>", "UPB"]));
      const own = top.find(({ gene }) => gene === (label === "a" ? "=UP<A>" : "UPB"));
      expect(own?.score).toBeGreaterThan(0);
      expect(own?.tRank).toBeLessThanOrEqual(2);
      expect(own?.q).toBeGreaterThan(0);
      expect(own?.q).toBeLessThanOrEqual(1);
    }
  });

  it("is complete, and passes the checks that it should pass", () => {
    const { completeness, checks } = report();
    expect(completeness?.median).toBeLessThan(0.05);
    expect(checks.deletion.better).toBe(true);
    expect(checks.deletion.area).toBeLessThan(checks.deletion.random);
    expect(checks.insertion.area).toBeGreaterThan(checks.insertion.random);
    expect(checks.randomisation.verdict).toBe("passes");
    expect(checks.randomisation.steps.length).toBe(5);
    expect(checks.maps.verdict).toBe("passes");
    expect(checks.maps.steps.every(({ ssim }) => ssim !== undefined && ssim < 0.9)).toBe(true);
    expect(checks.seeds?.nets).toBe(2);
    // Two genes decide, whatever the seed; noise orders the others.
    expect(checks.seeds?.spearman).toBeGreaterThan(0.1);
    expect(checks.seeds?.spearman).toBeLessThan(1);
    expect(report().trainings).toBeNull();
    expect(checks.deletion.curves.method.length).toBe(checks.deletion.curves.fractions.length);
  });

  it("writes a table a class, in which names are text", () => {
    for (const { file } of report().classes) {
      const [header, ...rows] = parseCsv(readFileSync(join(out, file), "utf8"));
      expect(header).toEqual(["gene", "id", "score", "sign", "rank", "stability", "q", "t_rank"]);
      expect(rows.length).toBe(40);
      expect(rows.map(([, , , , rank]) => Number(rank))).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    }
    const [header, ...points] = parseCsv(readFileSync(join(out, "genes/deletion.csv"), "utf8"));
    expect(header).toEqual(["training", "direction", "order", "share", "probability"]);
    const { fractions, method } = report().checks.insertion.curves;
    const own = points.filter(([, direction, order]) => direction === "insertion" && order === "method");
    expect(own.map(([, , , share, probability]) => [Number(share), Number(probability)])).toEqual(
      fractions.map((share, i) => [share, method[i]]),
    );
    const html = readFileSync(join(out, "report.html"), "utf8");
    expect(html).toContain("Which genes decided?");
    expect(html).toMatch(
      /: integrated-gradients, down to the genes[\s\S]*It is the default for images of genes because/,
    );
    expect(html).not.toContain("=UP<A>");
    for (const name of ["Figure_Genes_1", "genes_heatmap", "genes_deletion"])
      expect(existsSync(join(out, "figures", `${name}.svg`))).toBe(true);
    const [pixels] = parseCsv(readFileSync(join(out, "genes_pixels.csv"), "utf8"));
    expect(pixels).toEqual(["gene", "id", "row", "column", "genes_on_pixel"]);
  });

  it("by another method finds the deciding gene too; a stage that is done is not done again", async () => {
    const other = await cellhue(["explain", out, "--method", "hires-cam", "--nulls", "0"]);
    expect(other.code).toBe(0);
    const found = report();
    expect(found.method).toBe("hires-cam");
    expect(found.checks.labels).toBeNull();
    expect(el("div", {}, genesBody(found, undefined, undefined)).source).toContain(
      "It is a map of the image",
    );
    // Of 40 genes, by maps of a quarter of the image's resolution.
    for (const { label, top } of found.classes)
      expect(top.slice(0, 3).map(({ gene }) => gene)).toContain(label === "a" ? "=UP<A>" : "UPB");
    expect((await cellhue(["explain", out, "--method", "hires-cam", "--nulls", "0"])).stderr).toMatch(
      /done before/,
    );
  });
});

describe("a method that finds nothing in a class", () => {
  it("says so on its face and in the output, and ranks no gene", async () => {
    const empty = join(folder, "empty");
    cpSync(out, empty, { recursive: true });
    for (const k of [0, 1, 2]) {
      // A head that only speaks against the first class: the maps of Grad-CAM are cut at 0.
      const path = join(empty, `folds/compact/${k}/weights.safetensors`);
      const { tensors } = readSafetensors(readFileSync(path), path);
      const { dims, data } = tensors.get("fc.weight") as { dims: number[]; data: Float32Array };
      data.subarray(0, dims[1]).fill(-1);
      writeFileSync(path, writeSafetensors(tensors));
    }
    const { code, stderr } = await cellhue([
      "explain",
      empty,
      "--method",
      "grad-cam",
      "--nulls",
      "0",
      "--seeds",
      "1",
    ]);
    expect(code).toBe(0);
    const why = "no positive evidence at this layer; use --method hires-cam or occlusion";
    const found = JSON.parse(readFileSync(join(empty, "genes.json"), "utf8")) as GenesReport;
    const [a, b] = found.classes;
    expect([a.empty, a.top, b.empty]).toEqual([a.samples, [], 0]);
    expect(stderr).toContain(`'a': grad-cam finds nothing in any of the ${a.samples} samples: ${why}`);
    expect(stderr).not.toMatch(/'b.*finds nothing/);
    expect(found.summary).toContain("a: none");
    const [header, ...rows] = parseCsv(readFileSync(join(empty, a.file), "utf8"));
    for (const name of ["rank", "stability"])
      expect(rows.every((cells) => cells[header.indexOf(name)] === "")).toBe(true);
    expect(readFileSync(join(empty, "figures/Figure_Genes_1.svg"), "utf8")).toContain(
      "no positive evidence at this layer",
    );
    const told = el("div", {}, genesBody(found, undefined, undefined)).source;
    expect(told).toContain(`: grad-cam finds nothing in any of the ${a.samples} samples: ${why}.`);
    expect(told).not.toContain("a: strongest genes");
    expect(told).toContain("b &lt;i&gt;: strongest genes");
    const one = await cellhue(["explain-sample", empty, "s4"]);
    expect(one.stdout).toContain(`grad-cam finds nothing: ${why}`);
  });
});

describe("cellhue explain of a guided run", () => {
  it("has the standard training of the same fold beside it", async () => {
    const guided = join(folder, "guided");
    cpSync(out, guided, { recursive: true });
    const train = ["--train", "saliency-guided", "--epochs", "24"];
    const trained = await cellhue(["train", guided, ...train, "--json", "--quiet"]);
    expect(trained.stderr).toBe("");
    expect(JSON.parse(trained.stdout).settings.guide).toBe("genes");
    const explained = await cellhue([
      "explain",
      guided,
      "--method",
      "gradient-x-input",
      "--nulls",
      "0",
      "--seeds",
      "0",
    ]);
    expect(explained.code).toBe(0);
    const found = JSON.parse(readFileSync(join(guided, "genes.json"), "utf8")) as GenesReport;
    expect([found.checks.labels, found.checks.seeds]).toEqual([null, null]);
    const { trainings } = found;
    // From the same weights, in the same order and on the same samples: it is the net of the standard run's first fold.
    const weights = (path: string) => readFileSync(join(path, "weights.safetensors"));
    expect(weights(join(guided, "genes/standard")).equals(weights(join(out, "folds/compact/0")))).toBe(true);
    expect(weights(join(guided, "folds/compact/0")).equals(weights(join(out, "folds/compact/0")))).toBe(
      false,
    );
    for (const of of [trainings?.guided, trainings?.standard]) {
      expect(of?.accuracy).toBeGreaterThan(0.9);
      expect(of?.deletion.area).toBeLessThan(of?.deletion.random ?? 0);
      expect(of?.deletion.samples).toBe(trainings?.samples);
    }
    expect(trainings?.sentence).toContain(trainings?.standard.deletion.area.toFixed(3));
    const [, ...points] = parseCsv(readFileSync(join(guided, "genes/deletion.csv"), "utf8"));
    expect(new Set(points.map(([training]) => training))).toEqual(new Set(["saliency-guided", "standard"]));
    const figure = readFileSync(join(guided, "figures/genes_deletion.svg"), "utf8");
    for (const title of [
      "deletion, guided",
      "deletion, standard",
      "insertion, guided",
      "insertion, standard",
    ])
      expect(figure).toContain(title);
    const told = (report: GenesReport) => el("div", {}, genesBody(report, undefined, undefined)).source;
    expect(told(found)).toContain(`Both trainings: ${trainings?.sentence}.`);
    expect(told({ ...found, trainings: null })).not.toContain("Both trainings");
  });
});

describe("cellhue explain-sample", () => {
  it("names the genes of one sample, and refuses one that is not there", async () => {
    const { code, stdout } = await cellhue(["explain-sample", out, "s3", "s4", "--json"]);
    expect(code).toBe(0);
    const { samples } = JSON.parse(stdout);
    expect(samples.map(({ predicted }: { predicted: string }) => predicted)).toEqual(["b <i>", "a"]);
    for (const { top, file } of samples) {
      expect(top.slice(0, 5).map(({ gene }: { gene: string }) => gene)).toEqual(
        expect.arrayContaining([file === samples[0].file ? "UPB" : "=UP<A>"]),
      );
      expect(parseCsv(readFileSync(join(out, file), "utf8")).length).toBe(41);
    }
    const other = await cellhue(["explain-sample", out, "nobody"]);
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/nobody[\s\S]*s0/);
  });
});

describe("cellhue enrich", () => {
  it("finds the set of the deciding genes first", async () => {
    const gmt = join(folder, "sets.gmt");
    writeFileSync(gmt, `deciding\tx\t=UP<A>\tUPB\tnot here\nothers\tx\tG1\tG2\tG3\n`);
    // the genes by integrated gradients: a test above has left those by another method
    const method = ["--method", "integrated-gradients", "--nulls", "0", "--seeds", "0"];
    expect((await cellhue(["explain", out, ...method])).code).toBe(0);
    const { code, stdout } = await cellhue(["enrich", out, "--gene-sets", gmt, "--top", "5", "--json"]);
    expect(code).toBe(0);
    for (const { best, file } of JSON.parse(stdout).classes) {
      expect(best[0]).toMatchObject({ set: "deciding", found: 2, size: 2 });
      expect(parseCsv(readFileSync(join(out, file), "utf8")).length).toBe(3);
    }
  });

  it("says where no name of the sets is a gene of the run", async () => {
    const gmt = join(folder, "other.gmt");
    writeFileSync(gmt, "mouse\tx\tENSMUSG1\tENSMUSG2\n");
    const { code, stderr } = await cellhue(["enrich", out, "--gene-sets", gmt]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/ENSMUSG1/);
  });
});
