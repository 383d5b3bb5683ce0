/**
 * What the encoder of a fold made of the samples: images, scores, places, distances. Under the inductive protocol they
 * lie in encoders/<k>/, one encoder a fold; under the published one all folds share the embedding of all samples.
 * images.rgb.gz holds one gzip member an image, so that any of them can be read alone; gunzip gives them one after another.
 */

import { type FileHandle, open, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { Settings } from "../config.js";
import type { EncoderFit, SampleValues } from "../encode/encoder.js";
import { CellhueError } from "../errors.js";
import { areaOf } from "../image-size.js";
import type { ImageSource, StoredImages } from "../image-source.js";
import { readSafetensors, writeSafetensors } from "../net/weights/safetensors.js";
import type { StageContext } from "../stages/context.js";
import { unpackEncoder } from "./encoder-file.js";
import { readImages, type Samples, storedPngs } from "./images.js";
import type { RunFolder } from "./run-folder.js";
import { shellWord } from "./visible.js";

/** A fold's number, or the encoder of the final net. */
export type EncoderKey = number | "final";

/** Folder of the encoder within the run. */
export const encoderFolder = (settings: Pick<Settings, "protocol">, key: EncoderKey): string =>
  settings.protocol === "published" ? "encoders/all" : `encoders/${key}`;

const IMAGES = "images.rgb.gz";
const SAMPLES = "samples.safetensors";
/** Tensor of SAMPLES: bytes of every image in IMAGES; below 2^24, so that float32 holds them. */
const PACKED = "image_bytes";
/** Bytes of images that are held at once; more are read when they are asked for. */
const HELD_IMAGES = 512 * 2 ** 20;
export const encodedFiles = ["encoder.safetensors", SAMPLES, IMAGES] as const;

/** @param packed bytes of every image in images.rgb.gz, where there is one */
export async function writeSampleValues(
  run: RunFolder,
  folder: string,
  { scores, places, distance }: SampleValues,
  packed?: Float32Array,
): Promise<void> {
  const n = distance.length;
  const tensors = new Map([
    ["scores", { dims: [n, scores.length / n], data: scores }],
    ["places", { dims: [n, places.length / n], data: places }],
    ["distance", { dims: [n], data: distance }],
  ]);
  if (packed) tensors.set(PACKED, { dims: [n], data: packed });
  await run.write(`${folder}/${SAMPLES}`, writeSafetensors(tensors));
}

/**
 * Writes what `paint` hands on, the images in place last: a folder that has them is whole.
 * @param bytes of one image
 */
export async function writeEncoded(
  run: RunFolder,
  folder: string,
  bytes: number,
  paint: (take: (images: Uint8Array) => Promise<void>) => Promise<SampleValues>,
): Promise<void> {
  const packed: number[] = [];
  await run.writePieces(`${folder}/${IMAGES}`, async (append) => {
    const values = await paint(async (images) => {
      const each = Array.from({ length: images.length / bytes }, (_, i) =>
        // Mostly black, or noise: level 1 is as small as any and as fast as the disk would take the whole.
        pack(images.subarray(i * bytes, (i + 1) * bytes), { level: 1 }),
      );
      const members = await Promise.all(each);
      for (const member of members) packed.push(member.length);
      await append(Buffer.concat(members));
    });
    await writeSampleValues(run, folder, values, Float32Array.from(packed));
  });
}

const pack = promisify(gzip);
const unpack = promisify(gunzip);

export const isEncoded = (run: RunFolder, folder: string): Promise<boolean> => run.has(folder, IMAGES);

/** @throws CellhueError where the file is gone or damaged */
export async function readEncoder(run: RunFolder, settings: Settings, key: EncoderKey): Promise<EncoderFit> {
  const path = run.path(encoderFolder(settings, key), "encoder.safetensors");
  return unpackEncoder(await readFile(path).catch((cause) => gone(run, path, cause)), path);
}

/** Scores, places and distances of all samples by the encoder of a fold. */
export async function readSampleValues(
  run: RunFolder,
  settings: Settings,
  key: EncoderKey,
): Promise<SampleValues> {
  const get = await readTensors(run, run.path(encoderFolder(settings, key), SAMPLES));
  return { scores: get("scores"), places: get("places"), distance: get("distance") };
}

async function readTensors(run: RunFolder, path: string): Promise<(name: string) => Float32Array> {
  const { tensors } = readSafetensors(await readFile(path).catch((cause) => gone(run, path, cause)), path);
  return (name) => tensors.get(name)?.data ?? gone(run, path, `no '${name}' in it`);
}

/** Principal components that the baselines of a fold see. */
export const baselineScoresPath = ({ protocol }: Pick<Settings, "protocol">, k: number): string =>
  `encoders/baselines/${protocol === "published" ? "all" : k}.safetensors`;

export const packScores = (scores: Float32Array, n: number): Uint8Array =>
  writeSafetensors(new Map([["scores", { dims: [n, scores.length / n], data: scores }]]));

/** @returns scores of all samples, n × components */
export async function readBaselineScores(
  run: RunFolder,
  settings: Pick<Settings, "protocol">,
  k: number,
): Promise<Float32Array> {
  return (await readTensors(run, run.path(baselineScoresPath(settings, k))))("scores");
}

/**
 * The images that the net of a fold sees.
 * @param most bytes that may be held; more images are read from the run folder when they are asked for
 * @throws CellhueError where one is missing or damaged
 */
export async function readFoldImages(
  run: RunFolder,
  samples: Samples,
  settings: Settings,
  key: EncoderKey,
  ctx: StageContext,
  most = HELD_IMAGES,
): Promise<ImageSource> {
  const bytes = areaOf(settings.size) * 3;
  const all = samples.rows.length * bytes;
  if (settings.protocol === "published")
    return all <= most
      ? readImages(run, samples, settings.size, ctx)
      : storedPngs(run, samples, settings.size);
  const folder = encoderFolder(settings, key);
  const path = run.path(folder, IMAGES);
  if (all > most) {
    const packed = (await readTensors(run, run.path(folder, SAMPLES)))(PACKED);
    return storedMembers(run, path, packed, bytes);
  }
  const packed = await readFile(path).catch((cause) => gone(run, path, cause));
  const images = await unpack(packed, { maxOutputLength: all + 1 }).catch((cause) => gone(run, path, cause));
  if (images.length !== all) gone(run, path, `${images.length} bytes, not ${all}`);
  return images;
}

/** Images of `bytes` bytes each, from the members of a gzip file. */
function storedMembers(run: RunFolder, path: string, packed: Float32Array, bytes: number): StoredImages {
  const ends = new Float64Array(packed.length + 1);
  packed.forEach((size, i) => {
    ends[i + 1] = ends[i] + size;
  });
  const member = async (file: FileHandle, row: number): Promise<Uint8Array> => {
    const size = ends[row + 1] - ends[row];
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, ends[row]);
    if (bytesRead !== size) gone(run, path, `it ends within image ${row}`);
    const image = await unpack(buffer, { maxOutputLength: bytes + 1 });
    return image.length === bytes
      ? image
      : gone(run, path, `image ${row} of ${image.length} bytes, not ${bytes}`);
  };
  return {
    async read(rows) {
      const file = await open(path).catch((cause) => gone(run, path, cause));
      try {
        const images = await Promise.all(Array.from(rows, (row) => member(file, row)));
        return Buffer.concat(images);
      } catch (cause) {
        throw cause instanceof CellhueError ? cause : gone(run, path, cause);
      } finally {
        await file.close();
      }
    },
  };
}

function gone(run: RunFolder, path: string, cause: unknown): never {
  throw new CellhueError("what an encoder made of the samples cannot be read", {
    where: path,
    found: cause instanceof Error && "code" in cause ? String(cause.code) : String(cause),
    remedy: `remove the file if it is there, then: cellhue folds ${shellWord(run.root)}`,
    cause,
  });
}
