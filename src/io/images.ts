/** The images of a run folder as one array, in the order of embedding.csv. */

import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { CellhueError, throwIfAborted } from "../errors.js";
import { areaOf, type ImageSize, sizeWords } from "../image-size.js";
import type { StoredImages } from "../image-source.js";
import type { StageContext } from "../stages/context.js";
import { parseCsv } from "./csv.js";
import { decodePng } from "./png.js";
import type { RunFolder } from "./run-folder.js";
import { shellWord } from "./visible.js";

/** The samples that a run is made of. */
export interface Samples {
  readonly names: readonly string[];
  /** Row numbers in the input file. */
  readonly rows: Int32Array;
  /** Class codes into `classes`. */
  readonly codes: Int32Array;
  readonly classes: readonly string[];
}

/** Names, rows and labels of the kept samples, from embedding.csv. */
export async function readSamples(run: RunFolder): Promise<Samples> {
  const [header, ...rows] = parseCsv(await run.readText("embedding.csv"));
  const [name, row, label] = ["sample", "row", "label"].map((column) => header.indexOf(column));
  const classes = run.record.classes.map((c) => c.name);
  const code = new Map(classes.map((c, i) => [c, i]));
  return {
    names: rows.map((cells) => cells[name]),
    rows: Int32Array.from(rows, (cells) => Number(cells[row])),
    codes: Int32Array.from(rows, (cells) => code.get(cells[label]) ?? -1),
    classes,
  };
}

/** Path of a sample's image within the run folder. */
export const imagePath = (run: RunFolder, samples: Samples, i: number): string =>
  `benchmarking/${run.record.classes[samples.codes[i]].folder}/sample_${samples.rows[i]}.png`;

/**
 * @returns n × height × width × 3 bytes
 * @throws CellhueError where an image is missing, damaged or not of this size
 */
export async function readImages(
  run: RunFolder,
  samples: Samples,
  size: ImageSize,
  { progress, signal }: StageContext,
): Promise<Uint8Array> {
  const n = samples.rows.length;
  const bytes = areaOf(size) * 3;
  const images = new Uint8Array(n * bytes);
  const task = progress.task("reading images", n);
  try {
    for (let i = 0; i < n; i++) {
      throwIfAborted(signal);
      images.set(await readImage(run, samples, size, i), i * bytes);
      task.update(i + 1);
    }
  } finally {
    task.end();
  }
  return images;
}

/** The same, each read when it is asked for. */
export const storedPngs = (run: RunFolder, samples: Samples, size: ImageSize): StoredImages => ({
  async read(rows) {
    return Buffer.concat(await Promise.all(Array.from(rows, (row) => readImage(run, samples, size, row))));
  },
});

async function readImage(run: RunFolder, samples: Samples, size: ImageSize, i: number): Promise<Uint8Array> {
  const path = run.path(imagePath(run, samples, i));
  const remedy = `remove ${shellWord(dirname(path))}, then: cellhue preprocess ${shellWord(run.root)}`;
  const png = await readFile(path).catch((cause: unknown) => {
    throw new CellhueError("an image of the run is missing", { where: path, remedy, cause });
  });
  const { width, height, rgb } = await decodePng(png).catch((error: unknown) => {
    if (!(error instanceof CellhueError)) throw error;
    throw new CellhueError("an image of the run is damaged", { ...error.parts, where: path, remedy });
  });
  if (width !== size.width || height !== size.height)
    throw new CellhueError("an image is not of the run's size", {
      where: path,
      found: sizeWords({ width, height }),
      expected: sizeWords(size),
      remedy,
    });
  return rgb;
}
