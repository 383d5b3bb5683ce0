/** Report: report.html out of what the other stages wrote, and the figures that only the report shows. */

import { readdir, readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Settings } from "../config.js";
import { throwIfAborted } from "../errors.js";
import { sizeWords } from "../image-size.js";
import { parseCsv } from "../io/csv.js";
import { decodePng } from "../io/png.js";
import type { RunFolder } from "../io/run-folder.js";
import type { AuditReport } from "../report/audit-report.js";
import type { Figure } from "../report/figure.js";
import type { GenesReport } from "../report/genes-report.js";
import type { Metrics } from "./compare.js";
import type { StageContext } from "./context.js";

const imagesPerClass = 6;

export async function reportStage(run: RunFolder, settings: Settings, ctx: StageContext): Promise<void> {
  const { progress, signal } = ctx;
  const audit = (await run.has("audit.json")) ? await run.readJson<AuditReport>("audit.json") : undefined;
  if ((await run.begin("report", settings, audit)) === "done") {
    progress.note("report: done before on the same results");
    return;
  }
  const { html, figures } = await reportData(run, settings, ctx, audit);
  const { writeFigure } = await import("../report/figure.js");
  for (const figure of figures) {
    throwIfAborted(signal);
    await writeFigure(run, figure);
  }
  await run.write("report.html", html);
  await run.finish("report", ["report.html", ...figures.map(({ name }) => `figures/${name}.svg`)]);
}

/**
 * The report and the figures that are its own, from what the run folder holds; nothing is written.
 * @throws CellhueError where a file of the run is gone or damaged
 */
export async function reportData(
  run: RunFolder,
  settings: Settings,
  { signal }: StageContext,
  audit?: AuditReport,
): Promise<{ html: string; figures: Figure[] }> {
  const metrics = await run.readJson<Metrics>("metrics.json");
  const { reportHtml } = await import("../report/html.js");
  const figures = await ownFigures(run, metrics, audit, signal);
  const saved = await savedFigures(run);
  const { record } = run;
  const { input } = record;
  const finalNet = record.stages.saliency?.info?.net;
  const more: [string, string][] = [];
  if (settings.layer !== null) more.push(["layer", settings.layer]);
  if (settings.useRaw) more.push(["raw", "read in place of X"]);
  if (input.dropped > 0) more.push(["left out", `${input.dropped} samples without a label`]);
  const html = reportHtml({
    name: basename(run.root),
    created: record.created,
    data: {
      file: basename(input.path),
      bytes: input.bytes,
      sha256: input.sha256,
      samples: metrics.data.samples,
      genes: input.genes,
      label: settings.label,
      classes: metrics.data.classes,
      storage: `${input.x.source}, ${input.x.storage} ${input.x.dtype}`,
      state: input.state ?? undefined,
      more,
    },
    warnings: metrics.warnings.map(({ message }) => message),
    design: settings,
    results: metrics,
    audit,
    genes: (await run.has("genes.json")) ? await run.readJson<GenesReport>("genes.json") : undefined,
    finalNet: typeof finalNet === "string" ? finalNet : undefined,
    settings: shownSettings(settings),
    versions: Object.entries(record.versions),
    seeds: [["seed", String(settings.seed)]],
    files: await shownFiles(run, metrics),
    figures: [...figures, ...saved],
    figuresFolder: "figures",
  });
  return { html, figures };
}

async function ownFigures(
  run: RunFolder,
  metrics: Metrics,
  audit: AuditReport | undefined,
  signal: AbortSignal | undefined,
): Promise<Figure[]> {
  const [
    { auditInflation, embeddingScatter, foldScores, imagesByClass, scoresFigure },
    { foldScoresOf, scoresFigureOf },
  ] = await Promise.all([import("../report/figures.js"), import("../report/scores.js")]);
  const { classes } = run.record;
  const names = classes.map(({ name }) => name);
  const images = await Promise.all(
    classes.map(async ({ name, folder }) => {
      const files = (await readdir(run.path("benchmarking", folder)))
        .filter((file) => file.endsWith(".png"))
        .sort((a, b) => rowOf(a) - rowOf(b))
        .slice(0, imagesPerClass);
      const decoded = await Promise.all(
        files.map(async (file) => decodePng(await readFile(run.path("benchmarking", folder, file)))),
      );
      return { label: name, images: decoded.map(({ rgb }) => rgb), size: decoded[0] };
    }),
  );
  throwIfAborted(signal);
  const figures = [
    await imagesByClass({ classes: images, size: images[0]?.size ?? run.record.settings.size }),
  ];

  const [header = [], ...rows] = parseCsv(await run.readText("embedding.csv"));
  const code = new Map(names.map((name, c) => [name, c]));
  const codes = Int32Array.from(rows, (row) => code.get(row[header.indexOf("label")]) ?? -1);
  for (const [key, title, a, b] of [
    ["tsne", "t-SNE", "tsne1", "tsne2"],
    ["umap", "UMAP", "umap1", "umap2"],
    ["pca", "PC", "pc1", "pc2"],
  ] as const) {
    const [i, j] = [header.indexOf(a), header.indexOf(b)];
    if (i < 0 || j < 0) continue;
    const points = Float32Array.from(rows.flatMap((row) => [Number(row[i]), Number(row[j])]));
    const of = key === "pca" ? "the first two principal components" : title;
    figures.push(
      embeddingScatter({
        name: `embedding_${key}`,
        title: `${rows.length} samples by ${of}`,
        points,
        codes,
        classes: names,
        axes: [`${title} 1`, `${title} 2`],
      }),
    );
  }
  const { majority } = metrics.data;
  figures.push(
    scoresFigure(scoresFigureOf(metrics, majority)),
    foldScores(foldScoresOf(metrics.models, majority)),
  );
  if (audit && audit.inflation.length > 0) figures.push(auditInflation(audit));
  return figures;
}

const rowOf = (file: string) => Number(/_(\d+)\.png$/.exec(file)?.[1] ?? 0);

/** The figures of the earlier stages, as they lie on the disk. */
async function savedFigures(run: RunFolder): Promise<Figure[]> {
  const files = (await readdir(run.path("figures"))).filter((file) => file.endsWith(".svg")).sort();
  return Promise.all(
    files.map(async (file) => {
      const svg = (await run.readText(`figures/${file}`)).trim();
      const title = /aria-label="([^"]*)"/.exec(svg)?.[1] ?? "";
      return { name: file.slice(0, -4), title: unescapeMarkup(title), svg };
    }),
  );
}

const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

const unescapeMarkup = (text: string): string =>
  text.replace(/&(?:#(\d+)|#x([\da-f]+)|(lt|gt|quot|apos|amp));/gi, (_, decimal, hex, name) =>
    name ? entities[name] : String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex, 16)),
  );

/** Those that the sections do not tell of. */
function shownSettings(settings: Settings): [string, string][] {
  const { net, weights, epochs, lr, schedule, batch, weightDecay, labelSmoothing } = settings;
  const { classWeights, train, guide, maskShare, guidance, freeze, size, coverage } = settings;
  return [
    ["nets", net.join(", ")],
    ["weights", net.map((name) => `${name}: ${weights[name]}`).join(", ")],
    ["epochs", String(epochs)],
    ["learning rate", `${lr}, ${schedule}`],
    ["batch", String(batch)],
    ["weight decay", String(weightDecay)],
    ["label smoothing", String(labelSmoothing)],
    ["class weights", classWeights],
    [
      "training",
      train === "standard"
        ? train
        : `${train}: ${maskShare} of ${guide === "genes" ? "the genes" : "the image"} masked, weight ${guidance}`,
    ],
    ["frozen", freeze],
    ["image size", sizeWords(size)],
    ["encoder", encoderWords(settings)],
    ["coverage of label sets", String(coverage)],
  ];
}

const encoderWords = ({ encoder, layout, metric, placing, values, zoom }: Settings): string =>
  encoder === "spectral"
    ? "spectral: where the sample lies"
    : [
        encoder,
        ...(encoder === "deepinsight" ? [`map by ${layout}`] : []),
        ...(encoder === "fotomics" ? ["its layout depends on the order of the genes in the file"] : [metric]),
        placing,
        values,
        ...(zoom > 1 ? [`enlarged ${zoom} times`] : []),
      ].join(", ");

async function shownFiles(
  run: RunFolder,
  { baselines }: Metrics,
): Promise<{ path: string; what: string; bytes?: number }[]> {
  const wanted: [string, string][] = [
    ["metrics.json", "all metrics of nets and baselines, with intervals, and the verdict"],
    ["audit.json", "what the audit found: leak, batch, copies, chance"],
    ["splits.csv", "which samples each fold trains on, validates on and tests on"],
    ["genes.json", "the genes that decided, and the checks of that"],
    ...run.record.classes.map(({ folder, name }): [string, string] => [
      `genes/genes_${folder}.csv`,
      `score, rank and stability of every gene for ${name}`,
    ]),
    ["genes/deletion.csv", "deletion and insertion curves, point by point"],
    ["genes_pixels.csv", "where every gene is painted"],
    ["embedding.csv", "principal components, UMAP and t-SNE of every sample"],
    ...run.record.settings.net.map((net): [string, string] => [
      `oof_${net}.csv`,
      `out-of-fold probabilities of ${net} for every sample`,
    ]),
    ...baselines.map(({ name }): [string, string] => [
      `oof_baseline_${name}.csv`,
      `out-of-fold probabilities of ${name} for every sample`,
    ]),
    ["model_final.onnx", "the trained network, for any ONNX runtime"],
    ["run.json", "settings, versions and the state of every stage"],
  ];
  const found: { path: string; what: string; bytes?: number }[] = [];
  for (const [path, what] of wanted) {
    const size = await stat(run.path(path)).then(
      (s) => s.size,
      () => undefined,
    );
    // run.json is written once more after this, so its size is left out.
    if (size !== undefined) found.push({ path, what, bytes: path === "run.json" ? undefined : size });
  }
  return found;
}
