/**
 * Names from anywhere, from the file to the report: labels, genes, samples, columns and paths in any script, with markup,
 * formulas, properties of JavaScript objects, device names, directions and 300 characters. They stay text, all of them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCsv } from "../../src/io/csv.js";
import { byCodePoint } from "../../src/io/labels.js";
import { RandomState } from "../../src/random.js";
import { writeH5ad } from "../predict/made.js";
import { chromiumPath, withBrowser } from "../report/browser.js";
import { cellhue, type Ended, temporary } from "./cellhue.js";

const labels = [
  "خلايا سرطانية",
  "胶质瘤 第二型",
  "🧬👩‍🔬",
  "\u202egnp.exe",
  "x".repeat(300),
  "constructor",
  "__proto__",
  "toString",
  "../../x",
  "a/b\\c",
  "CON",
  "trailing. ",
  "\"quoted\" 'both'",
  "<script>document.title='evil'</script>",
  "<img src=x onerror=\"document.title='evil'\">",
  "=cmd|' /C calc'!A0",
  "@SUM(1+1)*cmd",
  "NA",
  "-",
  "0",
].sort(byCodePoint);
const genes = [...labels, "sample", "row", "label", "gene,with,commas", "two\nlines", "TP53"];
const perClass = 4;
const samples = labels.flatMap((label) =>
  Array.from({ length: perClass }, (_, i) => (i === 0 ? label : `${label} ${i}`)),
);
const column = "=type <b> 'x'";

const { path: folder, remove } = temporary();
const home = join(folder, 'a b\'c "d" $(touch x) ü 日本 %41');
const file = join(home, "данные; & #1?.h5ad");
const out = join(home, "out <i>", "run -x");
let ended: Ended;
let beside: string[];

beforeAll(async () => {
  mkdirSync(home);
  const random = new RandomState(3);
  const x = samples.map((_, i) =>
    genes.map((_, j) => Math.floor(random.random() * (j === Math.floor(i / perClass) ? 90 : 9))),
  );
  const of = samples.map((_, i) => labels[Math.floor(i / perClass)]);
  await writeH5ad(file, { x, genes, samples, labels: { [column]: of } });
  beside = readdirSync(folder);
  const options = "--net compact --weights random --epochs 30 --folds 2 --size 32 --nulls 0 --validation 0.2";
  ended = await cellhue(["run", file, "--label", column, "--out", out, ...options.split(" ")], home);
}, 180_000);
afterAll(remove);

const read = (...path: string[]) => readFileSync(join(out, ...path), "utf8");
const all = (ending: string) =>
  readdirSync(out, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(ending));
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const unseen = /[\u202a-\u202e\u2066-\u2069\u0000-\u0008\u000b-\u001f]/;

describe("names from anywhere", () => {
  it("the run ends well, says so in plain text, and writes nowhere else", () => {
    expect(ended.stderr).not.toMatch(/cellhue: /);
    expect(ended.code).toBe(0);
    expect(ended.stdout + ended.stderr).not.toMatch(unseen);
    expect(readdirSync(folder)).toEqual(beside);
    expect(readdirSync(home).sort()).toEqual(["out <i>", "данные; & #1?.h5ad"].sort());
    expect(readdirSync(join(home, "out <i>"))).toEqual(["run -x"]);
  });

  it("run.json has the labels as they are, each with a folder of its own", () => {
    const { classes } = JSON.parse(read("run.json"));
    expect(classes.map(({ name }: { name: string }) => name)).toEqual(labels);
    const folders = classes.map(({ folder: name }: { folder: string }) => name);
    expect(readdirSync(join(out, "benchmarking")).sort()).toEqual([...folders].sort());
    for (const name of folders) {
      expect(name).not.toMatch(/[/\\:*?"<>|\u202e]|[. ]$|^con$/i);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    }
  });

  it("tables read back as they were, and no cell is a formula", () => {
    const [oof, ...rows] = parseCsv(read("oof_compact.csv"));
    expect(oof.slice(-labels.length)).toEqual(labels);
    expect(rows.map(([name]) => name)).toEqual(samples);
    expect(rows.map(([, label]) => label)).toEqual(samples.map((_, i) => labels[Math.floor(i / perClass)]));
    expect(
      parseCsv(read("genes.csv"))
        .slice(1)
        .map(([gene]) => gene),
    ).toEqual(genes);
    const tables = all(".csv");
    expect(tables.length).toBeGreaterThan(20);
    // the text as a spreadsheet sees it: a cell, quoted or not, that begins with a sign and is neither number nor sign alone
    for (const table of tables) expect(read(table)).not.toMatch(/(^|,|\n)"?\s*[=+@-](?![\d.]|["',\r\n])/);
  });

  it("what explains the genes names them", () => {
    const { classes } = JSON.parse(read("genes.json"));
    expect(classes.length).toBeGreaterThan(3);
    for (const { label, file: table } of classes) {
      expect(labels).toContain(label);
      const [header, ...rows] = parseCsv(read(table));
      expect(rows.map((row) => row[header.indexOf("gene")]).sort()).toEqual([...genes].sort());
    }
  });

  it("figures are whole XML without markup of others", () => {
    const figures = all(".svg");
    expect(figures.length).toBeGreaterThan(12);
    for (const name of figures) {
      const svg = read(name);
      expect(svg).not.toMatch(/<script|<img|<b>|<i>| onerror="/);
      expect(svg).not.toMatch(unseen);
    }
  });

  it.skipIf(chromiumPath === undefined)(
    "the report shows them in a browser, where nothing runs",
    async () => {
      await withBrowser(async (context) => {
        const page = await context.newPage();
        const complaints: string[] = [];
        page.on("console", (m) => complaints.push(m.text()));
        page.on("pageerror", (e) => complaints.push(e.message));
        page.on("dialog", (d) => void complaints.push(d.message()));
        page.on("request", (r) => {
          if (!/^(file|data):/.test(r.url())) complaints.push(r.url());
        });
        await page.goto(pathToFileURL(join(out, "report.html")).href, { waitUntil: "load" });
        expect(complaints).toEqual([]);
        expect(await page.title()).toBe("run -x – cellhue report");
        expect(await page.$$eval("script, img, iframe, i", (nodes) => nodes.length)).toBe(0);
        const text = await page.$eval("body", (body) => body.textContent ?? "");
        for (const label of labels) expect(text).toContain(label.replace("\u202e", "\ufffd").trim());
        // every figure is parsed as XML too, where a stray sign would break it
        for (const name of all(".svg")) {
          const parsed = `new DOMParser().parseFromString(${JSON.stringify(read(name))}, "image/svg+xml")`;
          const error = await page.evaluate(`${parsed}.querySelector("parsererror")?.textContent ?? ""`);
          expect([name, error]).toEqual([name, ""]);
        }
        const overflow = await page.$eval("html", (html) => html.scrollWidth - html.clientWidth);
        expect(overflow).toBeLessThanOrEqual(0);
      });
    },
  );

  it("the model file predicts them, and inspect lists them", async () => {
    const csv = join(home, "=out.csv");
    const { code, stderr } = await cellhue(
      ["predict", join(out, "model_final.onnx"), file, "--out", csv],
      home,
    );
    expect(stderr).not.toMatch(/cellhue: /);
    expect(code).toBe(0);
    const [header, ...rows] = parseCsv(readFileSync(csv, "utf8"));
    expect(rows.map(([name]) => name)).toEqual(samples);
    for (const label of labels) expect(header.some((name) => name.includes(label))).toBe(true);
    const told = await cellhue(["inspect", file], home);
    expect(told.code).toBe(0);
    expect(told.stdout).not.toMatch(unseen);
    expect(told.stdout).toContain("__proto__ 4, a/b\\c 4");
  });

  it("a config file, a table of labels and a table of text lie anywhere, too", async () => {
    const table = join(home, '=表 "t".csv');
    const names = join(home, "labels 'x'.tsv");
    const config = join(home, "c&f g.yaml");
    const rows = samples.slice(0, 12).map(
      (_, i) =>
        `s${i},${genes
          .slice(0, 6)
          .map((_, j) => (i * 7 + j * 3) % 5)
          .join(",")}`,
    );
    writeFileSync(
      table,
      `sample,${["g1", "__proto__", "constructor", "日本", "a b", "TP53"].join(",")}\n${rows.join("\n")}\n`,
    );
    writeFileSync(
      names,
      `sample\ttoString\n${rows.map((_, i) => `s${i}\t${["__proto__", "日本"][i % 2]}`).join("\n")}\n`,
    );
    writeFileSync(
      config,
      `label: toString\nlabels: ${JSON.stringify(names)}\nout: ${JSON.stringify(join(home, "o 2"))}\nencoder: spectral\n`,
    );
    const { code, stderr } = await cellhue(["preprocess", table, "--config", config, "--size", "32"], home);
    expect(stderr).not.toMatch(/cellhue: /);
    expect(code).toBe(0);
    const { classes } = JSON.parse(readFileSync(join(home, "o 2", "run.json"), "utf8"));
    expect(classes.map(({ name }: { name: string }) => name)).toEqual(["__proto__", "日本"]);
    expect(existsSync(join(home, "o 2", "benchmarking", "日本", "sample_1.png"))).toBe(true);
  });
});
