import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callSource, resolveSettings } from "../../src/config.js";
import { csvText } from "../../src/io/csv.js";
import { encodePng } from "../../src/io/png.js";
import { RunFolder, stageNames } from "../../src/io/run-folder.js";
import { silent } from "../../src/progress.js";
import { reportStage } from "../../src/stages/report.js";
import { audit, cloud, labels, results } from "../report/made.js";

/** A run folder as the stages before the report leave it: 40 samples of two classes, an image each class. */
const settings = resolveSettings([callSource({ file: "data.h5ad", label: "type", size: 8 })]);
const classes = labels(2);
const parent = mkdtempSync(join(tmpdir(), "cellhue-report-stage-"));
const root = join(parent, "run");
let run: RunFolder;

beforeAll(async () => {
  const { codes, points } = cloud(40, classes);
  run = await RunFolder.create(root, {
    input: {
      path: "/data/data.h5ad",
      sha256: "a".repeat(64),
      bytes: 10,
      samples: 40,
      genes: 4,
      dropped: 0,
      x: { source: "X", storage: "dense", dtype: "float32", nonzero: null },
      state: null,
    },
    settings,
    classes: classes.map((name, c) => ({ name, folder: name, count: codes.filter((v) => v === c).length })),
    versions: { cellhue: "0.0.0" },
  });
  for (const stage of stageNames.filter((name) => name !== "report")) {
    await run.begin(stage, settings);
    await run.finish(stage, []);
  }
  for (const name of classes)
    await run.write(`benchmarking/${name}/sample_0.png`, await encodePng(new Uint8Array(8 * 8 * 3), 8, 8));
  await run.write("figures/training_history.svg", '<svg aria-label="a &lt; b" width="9" height="9"></svg>');
  await run.write(
    "embedding.csv",
    csvText(
      ["sample", "label", "umap1", "umap2"],
      Array.from(codes, (code, i) => [`s${i}`, classes[code], points[2 * i], points[2 * i + 1]]),
    ),
  );
  const counts = run.record.classes.map(({ name, count }) => ({ name, count }));
  await run.writeJson("metrics.json", {
    ...results(40, classes),
    data: { samples: 40, classes: counts, majority: Math.max(...counts.map(({ count }) => count)) / 40 },
    warnings: [],
  });
});
afterAll(() => {
  run.close();
  rmSync(parent, { recursive: true, force: true });
});

const html = () => readFileSync(join(root, "report.html"), "utf8");
const figure = (name: string) =>
  ["svg", "png"].map((kind) => existsSync(join(root, "figures", `${name}.${kind}`)));

describe("reportStage", () => {
  it("writes the report and its own figures, and does it once", async () => {
    const notes: string[] = [];
    const progress = { ...silent, note: (text: string) => void notes.push(text) };
    await reportStage(run, settings, { progress });
    for (const name of ["scores", "fold_scores", "embedding_umap", "images_by_class"])
      expect(figure(name)).toEqual([true, true]);
    expect(html()).toContain('id="scores"');
    expect(html()).toMatch(/id="training".*<figcaption>a &lt; b\./);
    expect(html()).not.toContain('id="audit"');
    expect(notes).toEqual([]);
    await reportStage(run, settings, { progress });
    expect(notes).toEqual(["report: done before on the same results"]);
  });

  it("is made anew with the audit once there is one, and without it once it is gone", async () => {
    const ctx = { progress: silent };
    await run.writeJson("audit.json", audit());
    await reportStage(run, settings, ctx);
    expect(html()).toContain('id="audit"');
    expect(html()).toContain('href="audit.json"');
    expect(figure("audit_inflation")).toEqual([true, true]);
    rmSync(join(root, "audit.json"));
    await reportStage(run, settings, ctx);
    expect(html()).not.toContain('id="audit"');
    expect(figure("audit_inflation")).toEqual([false, false]);
  });
});
