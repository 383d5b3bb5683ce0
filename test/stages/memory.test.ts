/** X read by blocks of rows gives the very files that X in memory gives; in between nothing stays in the temporary folder. */

import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { columnAsText, columnOf } from "../../src/io/labels.js";
import { openExpression } from "../../src/io/reader.js";
import { fillRows, hold } from "../../src/matrix.js";
import { cellhue, main, temporary } from "../cli/cellhue.js";

const { path: folder, remove } = temporary();
afterAll(remove);

const files = (root: string) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "run.json") // which has times in it
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .sort();

const demo = "assets/demo/infercnvpy_oligodendroglioma.h5ad";
const small = [
  ...["--normalize", "log1p-cp10k", "--genes", "variance", "--top-genes", "120", "--components", "5"],
  ...["--layout", "pca", "--placing", "bins", "--size", "32", "--folds", "2"],
];

/** All files but run.json are the same in both. */
function expectSameFiles(stored: string, held: string): void {
  expect(files(stored)).toEqual(files(held));
  expect(files(held).length).toBeGreaterThan(190);
  const different = files(held).filter(
    (file) => !readFileSync(join(held, file)).equals(readFileSync(join(stored, file))),
  );
  expect(different).toEqual([]);
}

it("preprocess and folds: the same bytes with --memory 0.001", async () => {
  const outs = [];
  for (const memory of ["8", "0.001"]) {
    const out = join(folder, memory);
    const { code, stderr } = await cellhue([
      ...["preprocess", demo, "--label", "cell_type", "--out", out, "--memory", memory],
      ...small,
    ]);
    expect(stderr).not.toMatch(/unexpected/);
    expect(code).toBe(0);
    expect(/is read in blocks of \d+ samples/.test(stderr)).toBe(memory === "0.001");
    const folds = await cellhue(["folds", out, "--memory", memory]);
    expect(folds.code).toBe(0);
    outs.push(out);
  }
  expectSameFiles(outs[1], outs[0]);
});

/** The demo's matrix and labels in formats that have to be written by rows first. */
async function formats(): Promise<{ mtx: string; csv: string; labels: string }> {
  const reader = await openExpression(demo);
  const [obs, genes, m] = [reader.obs(), reader.var(), await hold(reader.readMatrix())];
  const texts = columnAsText(columnOf(obs, "cell_type", "--label"));
  reader.close();
  const dense = new Float32Array(m.rows * m.cols);
  fillRows(m, [...Array(m.rows).keys()], dense);
  const lines = (all: readonly string[]) => `${all.join("\n")}\n`;
  const mtx = join(folder, "mtx");
  mkdirSync(mtx);
  writeFileSync(join(mtx, "barcodes.tsv"), lines(obs.index));
  writeFileSync(join(mtx, "genes.tsv"), lines(genes.index.map((name) => `${name}\t${name}`)));
  const entries: string[] = [];
  dense.forEach((v, p) => {
    if (v !== 0) entries.push(`${(p % m.cols) + 1} ${Math.floor(p / m.cols) + 1} ${v}`);
  });
  writeFileSync(
    join(mtx, "matrix.mtx"),
    lines([
      "%%MatrixMarket matrix coordinate real general",
      `${m.cols} ${m.rows} ${entries.length}`,
      // in no order
      ...entries
        .map((line, k) => [line, (k * 7919) % entries.length] as const)
        .sort((a, b) => a[1] - b[1])
        .map(([line]) => line),
    ]),
  );
  const csv = join(folder, "genes.csv");
  writeFileSync(
    csv,
    lines([
      ["gene", ...obs.index].join(","),
      ...genes.index.map((name, j) =>
        [name, ...Array.from({ length: m.rows }, (_, i) => dense[i * m.cols + j])].join(","),
      ),
    ]),
  );
  const labels = join(folder, "labels.csv");
  writeFileSync(labels, lines(["sample,cell_type", ...obs.index.map((name, i) => `${name},${texts[i]}`)]));
  return { mtx, csv, labels };
}

it("Matrix Market and text: the same bytes with --memory 0.001; a kill leaves nothing", async () => {
  const { mtx, csv, labels } = await formats();
  const place = join(folder, "place");
  mkdirSync(place);
  for (const file of [mtx, csv]) {
    const args = (out: string, memory: string) => [
      ...["preprocess", file, "--labels", labels, "--label", "cell_type", "--out", out, "--memory", memory],
      ...small,
    ];
    const outs = ["8", "0.001"].map((memory) => `${file}-${memory}`);
    for (const [k, out] of outs.entries()) {
      const { code, stderr } = await cellhue(args(out, k === 0 ? "8" : "0.001"));
      expect(stderr).not.toMatch(/unexpected/);
      expect(code).toBe(0);
      expect(/written by rows to a temporary file/.test(stderr)).toBe(k === 1);
    }
    expectSameFiles(outs[1], outs[0]);
  }
  const child = spawn(
    process.execPath,
    [
      main,
      "preprocess",
      csv,
      "--labels",
      labels,
      "--label",
      "cell_type",
      "--out",
      join(folder, "killed"),
      "--memory",
      "0.001",
      ...small,
    ],
    { env: { ...process.env, TMPDIR: place }, stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  await new Promise<void>((resolve) => {
    child.on("close", () => resolve());
    child.stderr.on("data", (text) => {
      said += text;
      if (/is read in blocks/.test(said)) child.kill("SIGKILL");
    });
  });
  expect(child.signalCode).toBe("SIGKILL");
  expect(readdirSync(place)).toEqual([]);
});
