/** The weights inside the package, on pictures, against efficientnet_lite_pytorch (test/oracles/lite0_imagenet.py). */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSession, type Session } from "../../src/graph/session.js";
import { square } from "../../src/image-size.js";
import { networkGraph } from "../../src/net/evaluate.js";
import { paramSpecs } from "../../src/net/nets.js";
import { loadWeights } from "../../src/net/weights/load.js";
import { RandomState } from "../../src/random.js";
import { root } from "../cli/cellhue.js";
import { type Digest, deviation, formulaImages } from "./formula.js";

const classes = 1000;
const size = 224;
const pictures = join(root, "..", "shared", "weights", "images");
const labelsFile = join(pictures, "..", "imagenet_labels.txt");
const there = existsSync(pictures) && existsSync(labelsFile);
const oracle = JSON.parse(readFileSync("test/fixtures/lite0_imagenet.json", "utf8")) as {
  mean: number;
  sd: number;
  formula: Digest[];
  pictures: Record<string, { best: number[]; logits: number[]; label: string }>;
};
/** What is to be seen. There is no sunflower among ImageNet's classes, a daisy comes nearest; the owl deceives the peer. */
const truth: Record<string, RegExp> = {
  "cat.bmp": /\bcat\b/,
  "corgi.jpg": /corgi/,
  "dog.jpg": /Samoyed/,
  "flower.jpg": /daisy/,
  "hot_dog.jpg": /hotdog/,
  "parrot.jpg": /macaw/,
  "sunflower.bmp": /daisy/,
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
function look({ width, height, rgb }: Picture): Float32Array {
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
        out[(c * size + i) * size + j] = (sum / count / 255 - oracle.mean) / oracle.sd;
      }
  return out;
}

let session: Session;
beforeAll(async () => {
  const net = "efficientnet_lite0";
  const { tensors, pretrained, warnings } = await loadWeights(net, paramSpecs(net, classes), "pretrained", {
    random: new RandomState(0),
  });
  expect(pretrained).toBe(true);
  expect(warnings).toEqual([]);
  session = await createSession(networkGraph(net, tensors, classes, square(size)), { threads: 2 });
});
afterAll(() => session.release());

const logitsOf = async (image: Float32Array) => (await session.run({ image })).logits.data as Float32Array;

describe("EfficientNet-Lite0 with its ImageNet weights", () => {
  it("gives its peer's 1000 logits on images by formula", async () => {
    const logits = await logitsOf(formulaImages(1, 2, size, size));
    oracle.formula.forEach((digest, i) => {
      expect(deviation(logits.subarray(i * classes, (i + 1) * classes), digest, 0)).toBeLessThan(1e-4);
    });
  });

  it.skipIf(!there).each(Object.entries(oracle.pictures))(
    "sees in %s what its peer sees (needs ../shared/weights/images)",
    async (name, { best, logits, label }) => {
      const found = await logitsOf(look(await readPicture(join(pictures, name))));
      const order = Array.from(found.keys()).sort((a, b) => found[b] - found[a]);
      expect(order[0]).toBe(best[0]);
      // JPEG decoders differ by a grey level here and there
      const gaps = best.map((code, i) => Math.abs(found[code] - logits[i]));
      expect(Math.max(...gaps)).toBeLessThan(name.endsWith(".bmp") ? 1e-3 : 0.05);
      const labels = readFileSync(labelsFile, "utf8").split("\n").slice(1); // the first is "background"
      expect(labels[order[0]]).toBe(label);
      if (truth[name]) expect(label).toMatch(truth[name]);
    },
  );
});
