/** The weights inside the package, on pictures, against their peers in PyTorch (test/oracles/imagenet.py). */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSession, type Session } from "../../src/graph/session.js";
import { square } from "../../src/image-size.js";
import { networkGraph } from "../../src/net/evaluate.js";
import { paramSpecs } from "../../src/net/nets.js";
import type { Tensors } from "../../src/net/tensors.js";
import type { NetName } from "../../src/net/weights/layouts.js";
import { loadWeights } from "../../src/net/weights/load.js";
import { RandomState } from "../../src/random.js";
import { root } from "../cli/cellhue.js";
import { type Digest, deviation, formulaImages } from "./formula.js";

const classes = 1000;
const size = 224;
const pictures = join(root, "..", "shared", "weights", "images");
const labelsFile = join(pictures, "..", "imagenet_labels.txt");
const there = existsSync(pictures) && existsSync(labelsFile);
type PictureNet = "efficientnet_lite0" | "squeezenet1_1";
type Oracle = Record<
  PictureNet,
  {
    mean: number;
    sd: number;
    formula: Digest[];
    pictures: Record<string, { best: number[]; logits: number[]; label: string }>;
  }
> & { mobilenet_v2: { formula: Digest[] } };
const oracle = JSON.parse(readFileSync("test/fixtures/imagenet.json", "utf8")) as Oracle;
/** What is to be seen. There is no sunflower among ImageNet's classes, a daisy comes nearest; the owl deceives all peers. */
const truth: Record<PictureNet, Record<string, RegExp>> = {
  efficientnet_lite0: {
    "cat.bmp": /\bcat\b/,
    "corgi.jpg": /corgi/,
    "dog.jpg": /Samoyed/,
    "flower.jpg": /daisy/,
    "hot_dog.jpg": /hotdog/,
    "parrot.jpg": /macaw/,
    "sunflower.bmp": /daisy/,
  },
  squeezenet1_1: {
    "cat.bmp": /\bcat\b/,
    "corgi.jpg": /corgi/,
    "dog.jpg": /Samoyed/,
    "hot_dog.jpg": /hotdog/,
    "parrot.jpg": /macaw/,
  },
};

interface Picture {
  width: number;
  height: number;
  rgb: Uint8Array;
}

/** Uncompressed 24-bit BMP, which sharp does not read: rows from the bottom, BGR, each padded to 4 bytes. */
function readBmp(bytes: Buffer): Picture {
  const [start, width, height] = [10, 18, 22].map((at) => bytes.readInt32LE(at));
  if (
    bytes.toString("latin1", 0, 2) !== "BM" ||
    bytes.readUInt16LE(28) !== 24 ||
    bytes.readUInt32LE(30) !== 0
  )
    throw new Error("not an uncompressed 24-bit BMP");
  const stride = Math.ceil((3 * width) / 4) * 4;
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        rgb[(y * width + x) * 3 + c] = bytes[start + (height - 1 - y) * stride + 3 * x + 2 - c];
  return { width, height, rgb };
}

async function readPicture(path: string): Promise<Picture> {
  if (path.endsWith(".bmp")) return readBmp(readFileSync(path));
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb: data };
}

/** The central square (7/8 of the short side) as size×size means of blocks, normalised, channel by channel. */
function look({ width, height, rgb }: Picture, mean: number, sd: number): Float32Array {
  const side = Math.floor((Math.min(width, height) * 7) / 8);
  const [top, left] = [(height - side) >> 1, (width - side) >> 1];
  const edge = (i: number) => Math.floor((i * side) / size);
  const out = new Float32Array(3 * size * size);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) {
        let sum = 0;
        let count = 0;
        for (let y = edge(i); y < Math.max(edge(i + 1), edge(i) + 1); y++)
          for (let x = edge(j); x < Math.max(edge(j + 1), edge(j) + 1); x++, count++)
            sum += rgb[((top + y) * width + left + x) * 3 + c];
        out[(c * size + i) * size + j] = (sum / count / 255 - mean) / sd;
      }
  return out;
}

async function packaged(net: NetName): Promise<Tensors> {
  const { tensors, pretrained, warnings } = await loadWeights(net, paramSpecs(net, classes), "pretrained", {
    random: new RandomState(0),
  });
  expect(pretrained).toBe(true);
  expect(warnings).toEqual([]);
  return tensors;
}

describe.each(["efficientnet_lite0", "squeezenet1_1"] as const)("%s with its ImageNet weights", (net) => {
  const { mean, sd, formula, pictures: seen } = oracle[net];
  let session: Session;
  beforeAll(async () => {
    session = await createSession(networkGraph(net, await packaged(net), classes, square(size)), {
      threads: 2,
    });
  });
  afterAll(() => session.release());
  const logitsOf = async (image: Float32Array) => (await session.run({ image })).logits.data as Float32Array;

  it("gives its peer's 1000 logits on images by formula", async () => {
    const logits = await logitsOf(formulaImages(1, 2, size, size));
    formula.forEach((digest, i) => {
      expect(deviation(logits.subarray(i * classes, (i + 1) * classes), digest, 0)).toBeLessThan(1e-4);
    });
  });

  it.skipIf(!there).each(Object.entries(seen))(
    "sees in %s what its peer sees (needs ../shared/weights/images)",
    async (name, { best, logits, label }) => {
      const found = await logitsOf(look(await readPicture(join(pictures, name)), mean, sd));
      const order = Array.from(found.keys()).sort((a, b) => found[b] - found[a]);
      expect(order[0]).toBe(best[0]);
      // JPEG decoders differ by a grey level here and there
      const gaps = best.map((code, i) => Math.abs(found[code] - logits[i]));
      expect(Math.max(...gaps)).toBeLessThan(name.endsWith(".bmp") ? 1e-3 : 0.05);
      const labels = readFileSync(labelsFile, "utf8").split("\n").slice(1); // the first is "background"
      expect(labels[order[0]]).toBe(label);
      if (truth[net][name]) expect(label).toMatch(truth[net][name]);
    },
  );
});

it("mobilenet_v2 with its ImageNet weights gives its peer's 1280 features on images by formula", async () => {
  const features = 1280; // a last layer that hands them on, since the file has none
  const eye = new Float32Array(features * features);
  for (let i = 0; i < features; i++) eye[i * features + i] = 1;
  const tensors = new Map(await packaged("mobilenet_v2"))
    .set("classifier.1.weight", { dims: [features, features], data: eye })
    .set("classifier.1.bias", { dims: [features], data: new Float32Array(features) });
  const session = await createSession(networkGraph("mobilenet_v2", tensors, features, square(size)), {
    threads: 2,
  });
  const { logits } = await session.run({ image: formulaImages(1, 2, size, size) });
  await session.release();
  oracle.mobilenet_v2.formula.forEach((digest, i) => {
    const own = (logits.data as Float32Array).subarray(i * features, (i + 1) * features);
    expect(deviation(own, digest, 0)).toBeLessThan(1e-4);
  });
});
