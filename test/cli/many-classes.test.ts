/** More classes than results hold every pair of (MANY_CLASSES), from the file to the report; one is called `constructor`. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { largestClasses, MANY_CLASSES } from "../../src/evaluate/many-classes.js";
import { RandomState } from "../../src/random.js";
import { cellhue, type Ended, temporary } from "./cellhue.js";

const { path: folder, remove } = temporary();
const out = join(folder, "run");
const classes = MANY_CLASSES + 10;
const names = Array.from({ length: classes }, (_, c) => ["__proto__", "constructor"][c] ?? `class ${c}`);
/** The last ones in the order of codes are a sample larger, so that they belong to the largest. */
const sizes = new Map(names.map((name, c) => [name, c < 20 ? 2 : 3]));
let ended: Ended;

beforeAll(async () => {
  const random = new RandomState(1);
  const rows = [["sample", ...Array.from({ length: 30 }, (_, g) => `GENE${g}`)].join(",")];
  const labels = ["sample,kind"];
  for (const [name, size] of sizes) {
    const centre = Array.from({ length: 30 }, () => 3 * random.standardNormal());
    for (let i = 0; i < size; i++) {
      const values = centre.map((mean) => (mean + 0.1 * random.standardNormal()).toFixed(3));
      labels.push(`s${rows.length},${name}`);
      rows.push(`s${rows.length},${values.join(",")}`);
    }
  }
  writeFileSync(join(folder, "x.csv"), rows.join("\n"));
  writeFileSync(join(folder, "labels.csv"), labels.join("\n"));
  const options =
    "--label kind --encoder deepinsight --net compact --epochs 2 --folds 2 --size 32 --components 5 --nulls 0 --seeds 0 --method gradient --validation 0";
  const files = [join(folder, "x.csv"), "--labels", join(folder, "labels.csv"), "--out", out];
  ended = await cellhue(["run", ...files, ...options.split(" ")]);
}, 600_000);
afterAll(remove);

const read = (path: string) => readFileSync(join(out, path), "utf8");

it("runs to the end and says what it leaves out", () => {
  expect(ended.stderr).not.toMatch(/cellhue: /);
  expect(ended.code).toBe(0);
  expect(ended.stderr).toMatch(`saliency maps of the largest ${MANY_CLASSES} of ${classes} classes`);
  expect(ended.stderr).toMatch(
    `genes of the largest ${MANY_CLASSES} of ${classes} classes; those of others: cellhue explain RUN --class NAME`,
  );
});

it("metrics.json has scores of every class, and the confusion as its cells", () => {
  const { models, data } = JSON.parse(read("metrics.json"));
  const [{ confusion, confusionMean, confusionNormalised, confusionCells, pooled }] = models;
  expect([confusion, confusionMean, confusionNormalised]).toEqual([null, null, null]);
  expect(pooled.perClass).toHaveLength(classes);
  const rows = new Array(classes).fill(0);
  for (const [actual, , count] of confusionCells) rows[actual] += count;
  expect(rows).toEqual(data.classes.map(({ count }: { count: number }) => count));
  expect(pooled.metrics.aucOvoMacro.low).toBeGreaterThan(0.5);
});

it("genes are those of the largest classes, and of others by their name", async () => {
  const { classes: recorded } = JSON.parse(read("run.json"));
  const largest = largestClasses(
    recorded.map(({ count }: { count: number }) => count),
    MANY_CLASSES,
  );
  const labels = largest.map((c) => recorded[c].name);
  const { classes: explained, missing } = JSON.parse(read("genes.json"));
  expect([...explained.map(({ label }: { label: string }) => label), ...missing].sort()).toEqual(
    labels.sort(),
  );
  expect(explained.length).toBeGreaterThan(0);
  expect(read("report.html")).toMatch(/takes for something else/);

  const left = names.filter((name) => !labels.includes(name));
  const named = [left[0], left[1], "constructor"];
  const again = await cellhue(["explain", out, "--class", ...named]);
  expect(again.stderr).not.toMatch(/cellhue: /);
  const report = JSON.parse(read("genes.json"));
  expect([...report.classes.map(({ label }: { label: string }) => label), ...report.missing].sort()).toEqual(
    [...new Set(named)].sort(),
  );
  expect(readdirSync(join(out, "genes")).filter((name) => /^genes_.*csv$/.test(name))).toHaveLength(
    report.classes.length,
  );
  const wrong = await cellhue(["explain", out, "--class", "constructr"]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toMatch(/no such class in the run[\s\S]*--class[\s\S]*perhaps constructor/);
});
