/**
 * The honest protocol end to end, on a table of text: groups, repeats, early stopping, an audit. Small enough for a minute; what the numbers are is for other tests.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCsv } from "../../src/io/csv.js";
import { RandomState } from "../../src/random.js";
import { cellhue, temporary } from "../cli/cellhue.js";

const n = 48;
const genes = 24;
const { path: folder, remove } = temporary();
const file = join(folder, "expression.csv");
const labels = join(folder, "annotations.tsv");
const out = join(folder, "run");
const kind = (i: number) => i % 2;
const patient = (i: number) => Math.floor(i / 8);

beforeAll(() => {
  const random = new RandomState(4);
  const rows = Array.from({ length: n }, (_, i) => [
    `cell ${i}`,
    ...Array.from({ length: genes }, (_, j) =>
      Math.max(0, random.standardNormal() + (j < 6 ? 5 * kind(i) : 1) + (j > 20 ? patient(i) : 0)).toFixed(4),
    ),
  ]);
  // Two cells are the same measurement under two names, in two patients.
  rows[40].splice(1, genes, ...rows[2].slice(1));
  const header = ["", ...Array.from({ length: genes }, (_, j) => `GENE${j}`)];
  writeFileSync(file, [header, ...rows].map((row) => row.join(",")).join("\n"));
  const annotation = Array.from({ length: n }, (_, i) =>
    [`cell ${i}`, kind(i) ? "tumour" : "normal", `p${patient(i)}`, `lane ${kind(i)}`].join("\t"),
  );
  writeFileSync(labels, ["cell\ttype\tpatient\tlane", ...annotation].join("\n"));
});
afterAll(remove);

const read = (name: string) => readFileSync(join(out, name), "utf8");
const json = (name: string) => JSON.parse(read(name));

describe("cellhue run with groups, repeats and early stopping", () => {
  it("does it all, and says what was held out", async () => {
    const { code, stderr } = await cellhue([
      ...["preprocess", file, "--labels", labels, "--label", "type", "--out", out, "--size", "32"],
      ...["--group", "patient", "--folds", "2", "--repeats", "2", "--scale", "--genes", "variance"],
      ...["--top-genes", "12", "--components", "6"],
    ]);
    expect(stderr).not.toMatch(/unexpected/);
    expect(code).toBe(0);
    const train = await cellhue([
      ...["train", out, "--net", "resnet18", "--weights", "random", "--epochs", "2", "--patience", "1"],
      ...["--schedule", "one-cycle", "--class-weights", "balanced", "--label-smoothing", "0.05"],
      ...["--lr", "0.001", "--batch", "16"],
    ]);
    expect(train.stderr).not.toMatch(/unexpected/);
    expect(train.code).toBe(0);
    expect((await cellhue(["compare", out])).code).toBe(0);

    const metrics = json("metrics.json");
    expect(metrics.settings).toMatchObject({ cv: "stratified-group", group: "patient", repeats: 2 });
    expect(metrics.splits.map((s: { name: string }) => s.name)).toEqual(
      [1, 2].flatMap((r) => [1, 2].map((f) => `repeat ${r}, fold ${f}`)),
    );
    expect(metrics.verdict.test).toBe("corrected-t");
    for (const fold of metrics.models[0].folds) expect([1, 2]).toContain(fold.bestEpoch);

    const [header, ...rows] = parseCsv(read("oof_resnet18.csv"));
    expect(header).toEqual(["sample", "label", "repeat", "fold", "predicted", "normal", "tumour"]);
    expect(rows.length).toBe(2 * n);
    expect(rows.slice(0, n).map((row) => row[0])).toEqual(Array.from({ length: n }, (_, i) => `cell ${i}`));
    // No patient is in training and test.
    const [names, ...samples] = parseCsv(read("splits.csv"));
    expect(names).toEqual(["sample", "row", "group", ...[0, 1, 2, 3].map((k) => `split_${k}`), "final"]);
    for (let k = 0; k < 4; k++) {
      const of = (part: string) => new Set(samples.filter((row) => row[3 + k] === part).map((row) => row[2]));
      expect([...of("test")].filter((p) => of("train").has(p) || of("validation").has(p))).toEqual([]);
    }
  }, 300_000);

  it("audits it: the label is known from the lane, a cell is there twice, shuffled labels show no skill", async () => {
    const { code, stdout, stderr } = await cellhue(["audit", out, "--json"]);
    expect(stderr).not.toMatch(/unexpected/);
    expect(code).toBe(0);
    const audit = JSON.parse(stdout);
    expect(audit).toEqual(json("audit.json"));
    expect(audit.schema).toBe("cellhue.audit/1");
    expect(audit.inflation.map((m: { name: string }) => m.name)).toContain("resnet18");
    for (const { published, inductive, difference } of audit.inflation)
      expect(difference.estimate).toBeCloseTo(published - inductive, 12);
    const lane = audit.label.find((l: { column: string }) => l.column === "lane");
    expect(lane.accuracy).toBe(1);
    expect(lane.words).toMatch(/can be told from 'lane'/);
    const own = audit.label.find((l: { column: string }) => l.column === "patient");
    expect(own.words).toMatch(/not told from 'patient'/);
    const [, ...samples] = parseCsv(read("splits.csv"));
    const acrossFolds = samples[2][3] !== samples[40][3];
    expect(audit.duplicates).toEqual([
      { a: "cell 2", b: "cell 40", correlation: 1, identical: true, acrossFolds },
    ]);
    expect(audit.shuffled.length).toBe(audit.inflation.length);
    // The very same samples are trained and tested on under both protocols.
    const parts = (run: string) => parseCsv(read(`${run}splits.csv`)).map((row) => row.slice(2));
    expect(parts("audit/published/")).toEqual(parts(""));
    const again = await cellhue(["audit", out]);
    expect(again.stderr).toMatch(/audit: done before/);
    expect(again.stdout).toMatch(/cell 2 and cell 40: identical/);
  }, 600_000);

  it("refuses what has no answer", async () => {
    const refused = async (...args: string[]) => {
      const { code, stderr } = await cellhue(args);
      expect(code).toBe(2);
      return stderr;
    };
    const run = ["run", file, "--labels", labels, "--label", "type", "--out", join(folder, "none")];
    expect(await refused(...run, "--group", "patien")).toMatch(/no column 'patien'[\s\S]*--group patient/);
    expect(await refused(...run, "--group", "patient", "--folds", "7")).toMatch(/6 groups, fewer than the 7/);
    expect(await refused(...run, "--group", "lane")).toMatch(/coincide[\s\S]*may recognise the 'lane'/);
    expect(await refused(...run, "--cv", "group")).toMatch(/--group COLUMN/);
    expect(existsSync(join(folder, "none"))).toBe(false);
    expect(await refused("audit", out, "--batch-columns", "nope")).toMatch(/no column 'nope'/);
    expect(existsSync(join(out, "audit.json"))).toBe(true);
  });
});
