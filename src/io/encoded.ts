/**
 * What the encoder of a fold made of the samples: images, scores, places, distances. Under the inductive protocol they
 * lie in encoders/<k>/, one encoder a fold; under the published one all folds share the embedding of all samples.
 */

import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { Settings } from "../config.js";
import type { Encoded, EncoderFit } from "../encode/encoder.js";
import { CellhueError } from "../errors.js";
import { areaOf } from "../image-size.js";
import { readSafetensors, writeSafetensors } from "../net/weights/safetensors.js";
import type { StageContext } from "../stages/context.js";
import { unpackEncoder } from "./encoder-file.js";
import { readImages, type Samples } from "./images.js";
import type { RunFolder } from "./run-folder.js";
import { shellWord } from "./visible.js";

/** A fold's number, or the encoder of the final net. */
export type EncoderKey = number | "final";

/** Folder of the encoder within the run. */
export const encoderFolder = (settings: Pick<Settings, "protocol">, key: EncoderKey): string =>
  settings.protocol === "published" ? "encoders/all" : `encoders/${key}`;

const IMAGES = "images.rgb.gz";
const SAMPLES = "samples.safetensors";
export const encodedFiles = ["encoder.safetensors", SAMPLES, IMAGES] as const;

/** What is known of every sample beside its image. */
export type SampleValues = Pick<Encoded, "scores" | "places" | "distance">;

export async function writeSampleValues(
  run: RunFolder,
  folder: string,
  { scores, places, distance }: SampleValues,
): Promise<void> {
  const n = distance.length;
  const tensors = new Map([
    ["scores", { dims: [n, scores.length / n], data: scores }],
    ["places", { dims: [n, places.length / n], data: places }],
    ["distance", { dims: [n], data: distance }],
  ]);
  await run.write(`${folder}/${SAMPLES}`, writeSafetensors(tensors));
}

/** Writes images last: a folder that has them is whole. */
export async function writeEncoded(run: RunFolder, folder: string, encoded: Encoded): Promise<void> {
  await writeSampleValues(run, folder, encoded);
  // Mostly black: level 1 makes a hundredth of it as fast as the disk would take the whole.
  await run.write(`${folder}/${IMAGES}`, await promisify(gzip)(encoded.images, { level: 1 }));
}

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
  const path = run.path(encoderFolder(settings, key), SAMPLES);
  const { tensors } = readSafetensors(await readFile(path).catch((cause) => gone(run, path, cause)), path);
  const get = (name: string) => tensors.get(name)?.data ?? gone(run, path, `no '${name}' in it`);
  return { scores: get("scores"), places: get("places"), distance: get("distance") };
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
  const path = run.path(baselineScoresPath(settings, k));
  const { tensors } = readSafetensors(await readFile(path).catch((cause) => gone(run, path, cause)), path);
  return tensors.get("scores")?.data ?? gone(run, path, "no 'scores' in it");
}

/**
 * The images that the net of a fold sees.
 * @returns n × height × width × 3 bytes
 * @throws CellhueError where one is missing or damaged
 */
export async function readFoldImages(
  run: RunFolder,
  samples: Samples,
  settings: Settings,
  key: EncoderKey,
  ctx: StageContext,
): Promise<Uint8Array> {
  if (settings.protocol === "published") return readImages(run, samples, settings.size, ctx);
  const path = run.path(encoderFolder(settings, key), IMAGES);
  const packed = await readFile(path).catch((cause) => gone(run, path, cause));
  const bytes = samples.rows.length * areaOf(settings.size) * 3;
  const images = await promisify(gunzip)(packed, { maxOutputLength: bytes + 1 }).catch((cause) =>
    gone(run, path, cause),
  );
  if (images.length !== bytes) gone(run, path, `${images.length} bytes, not ${bytes}`);
  return images;
}

function gone(run: RunFolder, path: string, cause: unknown): never {
  throw new CellhueError("what an encoder made of the samples cannot be read", {
    where: path,
    found: cause instanceof Error && "code" in cause ? String(cause.code) : String(cause),
    remedy: `remove the file if it is there, then: cellhue folds ${shellWord(run.root)}`,
    cause,
  });
}
