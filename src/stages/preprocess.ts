/**
 * Preprocess: expression → PCA → UMAP and t-SNE → one image a sample. Writes embedding.csv, benchmarking/<class>/
 * sample_<row>.png, the fitted encoder (with genes_pixels.csv where it paints genes) and the three published figures. Each embedding is kept under work/ until the stage is done, so that
 * a run that was cut off takes up where it was.
 */

import { readdir, readFile } from "node:fs/promises";
import type { Settings } from "../config.js";
import type { Projection } from "../embed/projection.js";
import type { EncoderFit } from "../encode/encoder.js";
import type { GenePainter } from "../encode/genes/painter.js";
import { CellhueError, throwIfAborted } from "../errors.js";
import { areaOf, square } from "../image-size.js";
import { csvPieces, csvText } from "../io/csv.js";
import type { RunFolder } from "../io/run-folder.js";
import type { Matrix } from "../matrix.js";
import { remarkLines } from "../normalize/size-factors.js";
import { fitThreads, type StageContext } from "./context.js";
import { fitNormalised, normalisationFiles } from "./normalised.js";
import { type GeneNames, keptProjectionPath, type RunInput } from "./prepare.js";

const pointSize = 3;
/** Where the fitted painter of genes lies until the stage is done. */
const painterPath = "work/painter.safetensors";
/** Images encoded and written side by side; zlib and the disk have four threads. */
const atOnce = 8;
/** Images drawn between two looks at the progress. */
const BLOCK = 64;

export async function preprocessStage(
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
  input: RunInput,
): Promise<void> {
  const { progress, signal } = ctx;
  const step = await run.begin("preprocess", settings);
  if (step === "done") {
    progress.note("preprocess: done before with the same settings");
    return;
  }
  const { labels, classes } = input;
  const n = labels.rows.length;
  const { encoder } = settings;
  const options = { ...settings, threads: fitThreads(settings), progress, signal };
  let normalised: Promise<Matrix> | undefined;
  const load = () => {
    normalised ??= fitNormalised(run, settings, "encoders/all", null, input, ctx).then(({ x, remarks }) => {
      for (const line of remarkLines(remarks ? [remarks] : [])) progress.warn(line);
      return x;
    });
    return normalised;
  };
  const drop = () => {
    normalised = undefined;
    input.drop();
  };

  const { projection, scores } = await keptProjection(run, n, async () => {
    const { fitProjection, project } = await import("../encode/encoder.js");
    const x = await load();
    const projection = await fitProjection(x, options);
    const scores = await project(projection, x, options);
    // The folds' encoders are fitted on it as well, unless all share this one.
    if (settings.protocol === "published" && encoder === "spectral") drop();
    return { projection, scores };
  });
  throwIfAborted(signal);
  const k = projection.components;
  const { fitMap, fitPainter, locate, paintSamples, spectralPainter } = await import("../encode/encoder.js");
  const map = await fitMap(scores, n, k, {
    ...options,
    keep: (name, length, compute) => kept(run, name, length, compute),
  });
  const where = { projection, map };
  const fit: EncoderFit =
    encoder === "spectral"
      ? { ...where, painter: spectralPainter(map, settings.size) }
      : await keptEncoder(run, painterPath, async () => ({
          ...where,
          painter: await fitPainter(await load(), projection, map, options),
        }));
  const located = await locate(map, scores, options);
  // The maps themselves, where all samples are in them.
  const places = map.places.length === 4 * n ? map.places : located.places;
  const [{ packEncoder }, { writeSampleValues }] = await Promise.all([
    import("../io/encoder-file.js"),
    import("../io/encoded.js"),
  ]);
  await run.write("encoders/all/encoder.safetensors", packEncoder(fit));
  await writeSampleValues(run, "encoders/all", {
    scores,
    places,
    distance: located.distance,
  });

  await run.write("genes.csv", genesCsv(input.genes(), await input.shares()));
  await run.writePieces("embedding.csv", embeddingCsv(input, { scores, k, places }));
  const { spectralLayout } = await import("../encode/spectral.js");
  const tsne = Float32Array.from({ length: 2 * n }, (_, p) => places[4 * (p >> 1) + (p & 1)]);
  const layout = spectralLayout(tsne, column(scores, k, 0), column(places, 4, 2), settings.size);
  if (encoder !== "spectral") {
    const bytes = areaOf(settings.size) * 3;
    const images = await imageWriter(run, settings, ctx, input);
    await paintSamples(fit, await load(), options, (block, first) =>
      images.write(first, block.length / bytes, (i) =>
        block.subarray((i - first) * bytes, (i - first + 1) * bytes),
      ),
    );
    if (settings.protocol === "published") drop();
  } else {
    const { renderSpectral } = await import("../encode/spectral.js");
    const images = await imageWriter(run, settings, ctx, input);
    const task = progress.task("images", n);
    try {
      for (let first = 0; first < n; first += BLOCK) {
        const count = Math.min(BLOCK, n - first);
        await images.write(first, count, (i) => renderSpectral(layout, i, settings.size, pointSize));
        task.update(first + count);
      }
    } finally {
      task.end();
    }
  }

  const { figure1, figureCombined, figureGeneDensity, figureGenesPixel } = await import(
    "../report/figures.js"
  );
  const { writeFigure } = await import("../report/figure.js");
  const pixelMap = {
    x: layout.x,
    y: layout.y,
    codes: labels.codes,
    classes: labels.classes,
    size: settings.size,
    side: 2 * pointSize + 1,
  };
  const names: string[] = [];
  const draws = [
    () => figure1(pixelMap),
    () => figureCombined(pixelMap),
    () => (fit.painter.kind === "genes" ? figureGeneDensity(fit.painter) : figureGenesPixel(pixelMap)),
  ];
  for (const draw of draws) {
    throwIfAborted(signal);
    const figure = await draw();
    await writeFigure(run, figure);
    names.push(`figures/${figure.name}.svg`, `figures/${figure.name}.png`);
  }
  const tables = ["embedding.csv", "genes.csv"];
  if (fit.painter.kind === "genes") {
    await run.write("genes_pixels.csv", genesPixelsCsv(input.genes(), fit.painter));
    tables.push("genes_pixels.csv");
  }
  await run.remove("work");
  await run.finish("preprocess", [
    ...tables,
    "encoders/all/encoder.safetensors",
    "encoders/all/samples.safetensors",
    ...normalisationFiles(settings, "encoders/all"),
    ...classes.map(({ folder }) => `benchmarking/${folder}`),
    ...names,
  ]);
}

/** A float32 array that is made once: read from work/ where it is there whole, else computed and put there. */
async function kept(
  run: RunFolder,
  name: string,
  length: number,
  compute: () => Promise<Float32Array>,
): Promise<Float32Array> {
  const path = `work/${name}.f32`;
  const bytes = await readFile(run.path(path)).catch(() => undefined);
  if (bytes?.byteLength === 4 * length) {
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  }
  const values = await compute();
  await run.write(path, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return values;
}

interface Projected {
  projection: Projection;
  /** Of all samples. */
  scores: Float32Array;
}

/** The projection and the scores, read from work/ where they are there whole, else computed and put there. */
async function keptProjection(
  run: RunFolder,
  n: number,
  compute: () => Promise<Projected>,
): Promise<Projected> {
  const { neighbourMap, spectralPainter } = await import("../encode/encoder.js");
  const { projection, map } = await keptEncoder(run, keptProjectionPath, async () => {
    const { projection, scores } = await compute();
    // An encoder whose maps are not drawn yet.
    const map = neighbourMap(scores, new Float32Array(4 * n), projection.components);
    return { projection, map, painter: spectralPainter(map, square(1)) };
  });
  return { projection, scores: map.reference };
}

/** An encoder, read from work/ where it is there whole, else computed and put there. */
async function keptEncoder(
  run: RunFolder,
  path: string,
  compute: () => Promise<EncoderFit>,
): Promise<EncoderFit> {
  const { packEncoder, unpackEncoder } = await import("../io/encoder-file.js");
  const bytes = await readFile(run.path(path)).catch(() => undefined);
  if (bytes !== undefined) {
    try {
      return unpackEncoder(bytes, run.path(path));
    } catch (error) {
      if (!(error instanceof CellhueError)) throw error; // damaged: computed anew
    }
  }
  const made = await compute();
  await run.write(path, packEncoder(made));
  return made;
}

/** Column j of a row-major table of `width` columns. */
function column(values: Float32Array, width: number, j: number): Float32Array {
  return Float32Array.from({ length: values.length / width }, (_, i) => values[i * width + j]);
}

/** The shortest decimal number that reads back to the same float32. */
export function shortFloat32(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

interface Embeddings {
  scores: Float32Array;
  k: number;
  /** n × 4: t-SNE, UMAP. */
  places: Float32Array;
}

/** Where every painted gene lies in the encoder of all samples: row and column in the image, by channel. */
function genesPixelsCsv({ names, ids }: GeneNames, { size, zoom, chosen, placings }: GenePainter): string {
  const channels = placings.length === 1 ? [""] : ["_red", "_green", "_blue"];
  const width = size.width / zoom;
  const sharing = placings.map((pixels) => {
    const count = new Map<number, number>();
    for (const pixel of pixels) count.set(pixel, (count.get(pixel) ?? 0) + 1);
    return count;
  });
  const header = channels.flatMap((c) => [`row${c}`, `column${c}`, `genes_on_pixel${c}`]);
  return csvText(
    ["gene", "id", ...header],
    Array.from(chosen, (gene, i) => [
      names[gene],
      ids?.[gene] ?? "",
      ...placings.flatMap((pixels, c) => [
        Math.floor(pixels[i] / width) * zoom,
        (pixels[i] % width) * zoom,
        sharing[c].get(pixels[i]) ?? 0,
      ]),
    ]),
  );
}

/** The genes in the order of the matrix, with their second names where the file has any, and shares of all counts. */
function genesCsv({ names, ids }: GeneNames, shares: Float64Array | null): string {
  return csvText(
    ["gene", "id", "share"],
    names.map((name, i) => [
      name,
      ids?.[i] ?? "",
      shares === null ? "" : shortFloat32(Math.fround(shares[i])),
    ]),
  );
}

function embeddingCsv({ labels, samples }: RunInput, { scores, k, places }: Embeddings) {
  const pcs = Array.from({ length: k }, (_, j) => `pc${j + 1}`);
  const header = ["sample", "row", "label", ...pcs, "umap1", "umap2", "tsne1", "tsne2"];
  const numbers = (values: Float32Array, width: number, i: number) =>
    Array.from(values.subarray(i * width, (i + 1) * width), shortFloat32);
  return csvPieces(header, samples.length, (i) => [
    samples[i],
    labels.rows[i],
    labels.classes[labels.codes[i]],
    ...numbers(scores, k, i),
    ...[2, 3, 0, 1].map((axis) => shortFloat32(places[4 * i + axis])),
  ]);
}

/** Writes one PNG a sample; those that a run which was cut off has written already stay. */
async function imageWriter(
  run: RunFolder,
  settings: Settings,
  { signal }: StageContext,
  { labels, classes }: RunInput,
) {
  const { encodePng } = await import("../io/png.js");
  const there = new Set<string>();
  for (const { folder } of classes) {
    for (const name of await readdir(run.path("benchmarking", folder)).catch(() => []))
      there.add(`benchmarking/${folder}/${name}`);
  }
  const { size } = settings;
  const writeOne = async (i: number, imageOf: (i: number) => Uint8Array) => {
    throwIfAborted(signal);
    const path = `benchmarking/${classes[labels.codes[i]].folder}/sample_${labels.rows[i]}.png`;
    if (there.has(path)) return;
    const png = await encodePng(imageOf(i), size.width, size.height);
    await run.write(path, png, { flush: false });
  };
  return {
    /** Writes the images first … first + count − 1; they are read from `imageOf` until the promise is settled. */
    async write(first: number, count: number, imageOf: (i: number) => Uint8Array): Promise<void> {
      let next = first;
      const worker = async () => {
        while (next < first + count) await writeOne(next++, imageOf);
      };
      // All are waited for, also where one fails: none is to be cut off in the middle of a file.
      const ends = await Promise.allSettled(
        Array.from({ length: atOnce }, () =>
          worker().catch((error: unknown) => {
            next = first + count;
            throw error;
          }),
        ),
      );
      for (const end of ends) if (end.status === "rejected") throw end.reason;
    },
  };
}
