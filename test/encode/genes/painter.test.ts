/** The painter of genes as a whole: what it is fitted on, and that a sample's image depends on nothing beside it. */
import { describe, expect, it } from "vitest";
import { type EncoderOptions, encoderGraph, encodeSamples, fitEncoder } from "../../../src/encode/encoder.js";
import type { GenePainting } from "../../../src/encode/genes/painter.js";
import { gradients } from "../../../src/graph/gradients.js";
import { Graph } from "../../../src/graph/graph.js";
import { createSession } from "../../../src/graph/session.js";
import { packEncoder, unpackEncoder } from "../../../src/io/encoder-file.js";
import { type DenseMatrix, selectRows } from "../../../src/matrix.js";
import { RandomState } from "../../../src/random.js";

const genes = 30;
/** Groups of five genes that rise and fall together; gene 7 is the same in all. */
function made(rows: number, seed: number): DenseMatrix {
  const random = new RandomState(seed);
  const data = new Float32Array(rows * genes);
  for (let i = 0; i < rows; i++) {
    const levels = Array.from({ length: 6 }, () => random.standardNormal());
    for (let j = 0; j < genes; j++)
      data[i * genes + j] = j === 7 ? 2 : levels[Math.floor(j / 5)] + 0.2 * random.standardNormal();
  }
  return { kind: "dense", rows, cols: genes, data };
}

const size = { height: 16, width: 24 };
const painting: Omit<GenePainting, "encoder"> = {
  layout: "tsne",
  metric: "correlation",
  placing: "assignment",
  values: "zscore",
  zoom: 2,
};
const optionsOf = (more: Partial<GenePainting>): EncoderOptions => ({
  ...{ components: 5, size, seed: 3, threads: 2, encoder: "deepinsight", ...painting, ...more },
});
const all = made(50, 1);
const training = Int32Array.from({ length: 40 }, (_, i) => i);

describe.each([
  { encoder: "deepinsight" },
  { encoder: "deepinsight", layout: "pca", placing: "bins", values: "norm2" },
  { encoder: "deepinsight", layout: "kernel-pca", placing: "quantiles", values: "minmax" },
  { encoder: "deepinsight", layout: "umap", metric: "cosine", values: "global", zoom: 1 },
  { encoder: "triptych" },
  { encoder: "igtd" },
  { encoder: "fotomics", placing: "bins", values: "norm2" },
] as const)("$encoder $layout $placing $values", (more) => {
  it("paints a sample the same alone, in a batch and from its file; sees training samples alone", async () => {
    const options = optionsOf(more);
    const fit = await fitEncoder(selectRows(all, training), options);
    const { images } = await encodeSamples(fit, all, { threads: 1 });
    const area = 3 * size.height * size.width;
    expect(images.length).toBe(50 * area);

    const { painter } = fit;
    if (painter.kind !== "genes") throw new Error("not a painter of genes");
    expect([...painter.chosen]).toEqual([...Array(genes).keys()].filter((j) => j !== 7));
    expect(painter.placings.length).toBe(more.encoder === "triptych" ? 3 : 1);
    if ((more as Partial<GenePainting>).placing === undefined)
      for (const placing of painter.placings) expect(new Set(placing).size).toBe(genes - 1);

    const again = unpackEncoder(packEncoder(fit), "here");
    expect((await encodeSamples(again, selectRows(all, Int32Array.of(44, 3)), {})).images).toEqual(
      Uint8Array.of(...images.subarray(44 * area, 45 * area), ...images.subarray(3 * area, 4 * area)),
    );
    const changed = { ...all, data: all.data.map((v, p) => (p < 40 * genes ? v : -v * 3)) };
    const other = await fitEncoder(selectRows(changed, training), options);
    expect(packEncoder(other)).toEqual(packEncoder(fit));
  });
});

it("what was not measured looks as in the mean training sample, and has no gradient", async () => {
  const fit = await fitEncoder(selectRows(all, training), optionsOf({}));
  const g = new Graph();
  const x = g.input("x", [1, genes]);
  const { image } = encoderGraph(g, fit, x, true);
  g.output("image", image);
  g.output("gradient", gradients(g, image, [x], g.input("dy", image.dims))[0]);
  const session = await createSession(g);
  const sample = all.data.slice(45 * genes, 46 * genes);
  const missing = sample.slice();
  missing[3] = Number.NaN;
  const mean = sample.slice();
  let sum = 0;
  for (const i of training) sum += all.data[i * genes + 3];
  mean[3] = sum / training.length;
  const dy = new Float32Array(3 * size.height * size.width).fill(1);
  const one = await session.run({ x: missing, dy });
  const two = await session.run({ x: mean, dy });
  await session.release();
  const [a, b] = [one.image.data as Float32Array, two.image.data as Float32Array];
  expect(Math.max(...a.map((v, p) => Math.abs(v - b[p])))).toBeLessThan(1e-6);
  const slope = one.gradient.data as Float32Array;
  expect(slope[3]).toBe(0);
  expect(slope[7]).toBe(0); // not painted
  // Within ±3 standard deviations the brightness has one slope; a gene's pixel is a block of four in three channels.
  expect(Math.abs(slope[4])).toBeGreaterThan(0);
});

describe("refuses, with a word on it,", () => {
  const fitted = (x: DenseMatrix, more: Partial<GenePainting> & { size?: typeof size }) =>
    fitEncoder(x, { ...optionsOf(more), ...more } as EncoderOptions);

  it("more genes than pixels where each has its own", async () => {
    await expect(fitted(all, { size: { height: 10, width: 10 } })).rejects.toThrow(
      "29 genes do not fit into 25 pixels",
    );
  });

  it("fewer than four genes that vary", async () => {
    const few = { ...all, data: all.data.map((v, p) => (p % genes < 3 ? v : 1)) };
    await expect(fitted(few, { placing: "bins" })).rejects.toThrow("too few genes");
  });

  it("a distance that igtd does not know", async () => {
    await expect(fitted(all, { encoder: "igtd", metric: "cosine" })).rejects.toThrow("no cosine distance");
  });

  it("genes on one line", async () => {
    const random = new RandomState(4);
    const level = Array.from({ length: 50 }, () => random.standardNormal());
    const data = Float32Array.from(
      { length: 50 * genes },
      (_, p) => level[Math.floor(p / genes)] * (1 + (p % genes)),
    );
    const line: DenseMatrix = { kind: "dense", rows: 50, cols: genes, data };
    await expect(fitted(line, { layout: "pca", placing: "bins", values: "global" })).rejects.toThrow(/line/);
  });
});
