/** Samples and images out of a run folder; missing and damaged images are tested with the stage train. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callSource, resolveSettings } from "../../src/config.js";
import { InterruptedError } from "../../src/errors.js";
import { square } from "../../src/image-size.js";
import { csvText } from "../../src/io/csv.js";
import { imagePath, readImages, readSamples } from "../../src/io/images.js";
import { encodePng } from "../../src/io/png.js";
import { RunFolder } from "../../src/io/run-folder.js";
import { silent } from "../../src/progress.js";
import { RandomState } from "../../src/random.js";
import { temporary } from "../cli/cellhue.js";

const { path: folder, remove } = temporary();
const size = 5;
const labels = ["b", 'a, "x"\n', "b", 'a, "x"\n'];
const random = new RandomState(0);
const pictures = labels.map(() => Uint8Array.from({ length: size * size * 3 }, () => random.interval(255)));
let run: RunFolder;

beforeAll(async () => {
  const classes = [
    { name: 'a, "x"\n', folder: "a_x-1", count: 2 },
    { name: "b", folder: "b", count: 2 },
  ];
  run = await RunFolder.create(`${folder}/run`, {
    input: {
      path: "/x.h5ad",
      sha256: "0".repeat(64),
      bytes: 1,
      samples: 9,
      genes: 3,
      dropped: 5,
      x: { source: "X", storage: "dense", dtype: "float32", nonzero: null },
      state: null,
    },
    settings: resolveSettings([callSource({ file: "x.h5ad", label: "l", size: 8 })]),
    classes,
    versions: {},
  });
  // columns that later versions may add or move
  const rows = labels.map((label, i) => [0.5, label, `s${i}`, 2 * i + 1]);
  await run.write("embedding.csv", csvText(["pc1", "label", "sample", "row"], rows));
  for (const [i, rgb] of pictures.entries()) {
    const place = labels[i] === "b" ? "b" : "a_x-1";
    await run.write(`benchmarking/${place}/sample_${2 * i + 1}.png`, await encodePng(rgb, size, size));
  }
});
afterAll(() => {
  run.close();
  remove();
});

describe("readSamples", () => {
  it("finds its columns by name; codes follow the run's classes, labels are data", async () => {
    const samples = await readSamples(run);
    expect(samples.names).toEqual(["s0", "s1", "s2", "s3"]);
    expect([...samples.rows]).toEqual([1, 3, 5, 7]);
    expect([...samples.codes]).toEqual([1, 0, 1, 0]);
    expect(samples.classes).toEqual(['a, "x"\n', "b"]);
    expect(imagePath(run, samples, 1)).toBe("benchmarking/a_x-1/sample_3.png");
  });
});

describe("readImages", () => {
  it("puts the images' bytes one after another, in the order of the samples", async () => {
    const found = await readImages(run, await readSamples(run), square(size), { progress: silent });
    expect(found).toEqual(Uint8Array.from(pictures.flatMap((rgb) => [...rgb])));
  });

  it("stops at an interrupt", async () => {
    const signal = AbortSignal.abort();
    await expect(
      readImages(run, await readSamples(run), square(size), { progress: silent, signal }),
    ).rejects.toThrow(InterruptedError);
  });
});
