import { describe, expect, it } from "vitest";
import { encoderGraph, encodeSamples, fitEncoder } from "../../src/encode/encoder.js";
import { landmarksOf } from "../../src/encode/landmarks.js";
import { renderSpectral, type SpectralLayout } from "../../src/encode/spectral.js";
import { spectralGraph } from "../../src/encode/spectral-graph.js";
import { Graph } from "../../src/graph/graph.js";
import { createSession } from "../../src/graph/session.js";
import { areaOf, square } from "../../src/image-size.js";
import { type DenseMatrix, type Matrix, selectRows } from "../../src/matrix.js";
import { RandomState } from "../../src/random.js";

/** Two clouds of samples. */
function made(rows: number, cols: number): DenseMatrix {
  const random = new RandomState([rows, cols]);
  const data = Float32Array.from(
    { length: rows * cols },
    (_, p) => random.standardNormal() + (Math.floor(p / cols) % 2 && p % cols < 5 ? 4 : 0),
  );
  return { kind: "dense", rows, cols, data };
}

function asCsr(m: DenseMatrix): Matrix {
  const indptr = Float64Array.from({ length: m.rows + 1 }, (_, i) => i * m.cols);
  const indices = Int32Array.from(m.data, (_, p) => p % m.cols);
  return { kind: "csr", rows: m.rows, cols: m.cols, indptr, indices, values: m.data };
}

const options = { components: 10, size: square(33), seed: 5 };
const sample = (images: Uint8Array, i: number, size = 33) =>
  images.subarray(i * size * size * 3, (i + 1) * size * size * 3);

describe("spectralGraph", () => {
  it.each([square(8), square(33), square(128), { height: 21, width: 40 }])(
    "draws what renderSpectral draws, byte for byte: %o",
    async (size) => {
      const n = 300;
      const random = new RandomState(size.height);
      const low = Float32Array.of(-3, 0, -100, 2);
      const high = Float32Array.of(5, 1e-3, 100, 2.5);
      // Corners, beyond them, and every shade.
      const share = (i: number, axis: number) =>
        i < 5 ? [0, 1, -0.5, 1.5, 0.5][i] : axis === 2 ? ((i - 5) % 256) / 255 : random.random();
      const numbers = Float32Array.from({ length: 4 * n }, (_, p) => {
        const axis = p % 4;
        return low[axis] + share(Math.floor(p / 4), axis) * (high[axis] - low[axis]);
      });
      const g = new Graph();
      g.output(
        "image",
        spectralGraph(g, { kind: "spectral", size, pointSize: 3, low, high }, g.input("numbers", ["N", 4])),
      );
      const session = await createSession(g);
      const image = (await session.run({ numbers })).image.data as Float32Array;
      await session.release();
      const clipped = (i: number, axis: number) => {
        const v = (numbers[4 * i + axis] - low[axis]) / (high[axis] - low[axis] + 1e-8);
        return Math.min(1, Math.max(0, v));
      };
      const layout: SpectralLayout = {
        x: Int32Array.from({ length: n }, (_, i) => Math.trunc(clipped(i, 0) * (size.width - 1))),
        y: Int32Array.from({ length: n }, (_, i) => Math.trunc(clipped(i, 1) * (size.height - 1))),
        rgb: Uint8Array.from({ length: 3 * n }, (_, p) =>
          Math.trunc(clipped(Math.floor(p / 3), [0, 2, 3][p % 3]) * 255),
        ),
      };
      let wrong = 0;
      for (let i = 0; i < n; i++) {
        const expected = renderSpectral(layout, i, size, 3);
        for (let p = 0; p < areaOf(size); p++)
          for (let c = 0; c < 3; c++)
            if (image[(3 * i + c) * areaOf(size) + p] !== Math.fround(expected[3 * p + c] / 255)) wrong++;
      }
      expect(wrong).toBe(0);
    },
  );
});

describe("fitEncoder", () => {
  const all = made(91, 40);
  const training = Int32Array.from({ length: 60 }, (_, i) => i);

  it("gives a sample the same image alone, in a batch, in any order, dense or sparse", async () => {
    const fit = await fitEncoder(selectRows(all, training), options);
    const whole = await encodeSamples(fit, all, {});
    const order = new RandomState(1).permutation(all.rows);
    const reordered = await encodeSamples(fit, asCsr(permuted(all, order)), { threads: 1 });
    order.forEach((row, i) => {
      expect(sample(reordered.images, i)).toEqual(sample(whole.images, row));
      expect(reordered.distance[i]).toBe(whole.distance[row]);
    });
    // As the model file runs it: any number of rows at a time.
    const g = new Graph();
    g.output("image", encoderGraph(g, fit, g.input("expression", ["N", 40])).image);
    const session = await createSession(g);
    for (const row of [0, 59, 60, 90]) {
      const expression = all.data.subarray(row * 40, (row + 1) * 40);
      const image = (await session.run({ expression })).image.data as Float32Array;
      const bytes = Uint8Array.from({ length: 33 * 33 * 3 }, (_, p) =>
        Math.round(255 * image[(p % 3) * 33 * 33 + Math.floor(p / 3)]),
      );
      expect(bytes).toEqual(sample(whole.images, row));
    }
    await session.release();
  });

  it("makes its maps of landmarks where there are more, and places the others among them", async () => {
    const x = selectRows(all, training);
    const whole = await fitEncoder(x, options);
    const fit = await fitEncoder(x, { ...options, landmarks: 25 });
    const landmarks = landmarksOf(60, options.seed, 25) ?? expect.unreachable();
    expect(landmarks.length).toBe(25);
    expect(new Set(landmarks).size).toBe(25);
    expect(Array.from(landmarks)).toEqual(Array.from(landmarks).sort((a, b) => a - b));
    // PCA has seen all samples, the maps the landmarks only.
    expect(fit.projection).toEqual(whole.projection);
    const k = fit.projection.components;
    landmarks.forEach((row, i) => {
      expect(fit.map.reference.subarray(i * k, (i + 1) * k)).toEqual(
        whole.map.reference.subarray(row * k, (row + 1) * k),
      );
    });
    expect(fit.map.places.length).toBe(4 * 25);
    // The two clouds lie apart on the map, the samples beside the landmarks too.
    const { places } = await encodeSamples(fit, all, {});
    const means = [0, 1].map((cloud) =>
      [0, 1, 2, 3].map((axis) => {
        const own = Array.from({ length: all.rows }, (_, i) => i).filter((i) => i % 2 === cloud);
        return own.reduce((sum, i) => sum + places[4 * i + axis], 0) / own.length;
      }),
    );
    const nearest = Array.from({ length: all.rows }, (_, i) => {
      const far = means.map((mean) => mean.reduce((s, m, axis) => s + (places[4 * i + axis] - m) ** 2, 0));
      return far[0] < far[1] ? 0 : 1;
    });
    expect(nearest.filter((cloud, i) => cloud === i % 2).length).toBeGreaterThan(0.9 * all.rows);
    expect(landmarksOf(25, 5, 25)).toBe(null);
    expect(landmarksOf(10_001, 5)?.length).toBe(10_000);
  });

  it("sees training samples alone: others may be anything", async () => {
    const changed = { ...all, data: all.data.map((v, p) => (p >= 60 * 40 ? 7 * v + 3 : v)) };
    const a = await fitEncoder(selectRows(all, training), options);
    const b = await fitEncoder(selectRows(changed, training), options);
    expect(b).toEqual(a);
  });

  it.each([
    { genes: "variance", topGenes: 12 },
    { genes: "seurat", topGenes: 7, scale: true },
    { scale: true },
  ] as const)("chooses and scales genes in training alone: %o", async (choice) => {
    const x = { ...all, data: all.data.map(Math.abs) };
    const fit = await fitEncoder(selectRows(x, training), { ...options, components: 5, ...choice });
    const { chosen, scale, mean, loadings } = fit.projection;
    const d = "topGenes" in choice ? (choice.topGenes as number) : 40;
    expect([chosen?.length ?? 40, mean.length, loadings.length]).toEqual([d, d, 5 * d]);
    const used = chosen ?? Int32Array.from({ length: 40 }, (_, j) => j);
    const of = (j: number) => Array.from(training, (i) => x.data[i * 40 + j]);
    const moments = (values: number[]) => {
      const m = values.reduce((a, b) => a + b) / values.length;
      return { m, sd: Math.sqrt(values.reduce((a, v) => a + (v - m) ** 2, 0) / (values.length - 1)) };
    };
    used.forEach((j, at) => {
      const { m, sd } = moments(of(j));
      expect(scale?.[at] ?? 1).toBeCloseTo("scale" in choice ? sd : 1, 5);
      expect(mean[at]).toBeCloseTo("scale" in choice ? m / sd : m, 5);
    });
    // The scores are those of the centred, scaled genes.
    const { scores } = await encodeSamples(fit, x, {});
    let expected = 0;
    used.forEach((j, at) => {
      expected += (x.data[77 * 40 + j] / (scale?.[at] ?? 1) - mean[at]) * loadings[2 * d + at];
    });
    expect(scores[77 * 5 + 2]).toBeCloseTo(expected, 4);
    if (chosen !== null && choice.genes === "variance") {
      const least = Math.min(...Array.from(chosen, (j) => moments(of(j)).sd));
      const others = Array.from({ length: 40 }, (_, j) => j).filter((j) => !chosen.includes(j));
      expect(Math.max(...others.map((j) => moments(of(j)).sd))).toBeLessThanOrEqual(least);
    }
  });

  it("is the same with any number of threads", async () => {
    const one = await fitEncoder(selectRows(all, training), { ...options, threads: 1 });
    const two = await fitEncoder(selectRows(all, training), { ...options, threads: 2 });
    expect(two).toEqual(one);
  });

  it("places held-out samples among their own kind", async () => {
    const fit = await fitEncoder(selectRows(all, training), options);
    const { places } = await encodeSamples(fit, all, {});
    const centre = (kind: number, axis: number, from: number, to: number) => {
      let sum = 0;
      let count = 0;
      for (let i = from; i < to; i++)
        if (i % 2 === kind) {
          sum += places[4 * i + axis];
          count++;
        }
      return sum / count;
    };
    for (const axis of [0, 2]) {
      const apart = Math.hypot(
        centre(0, axis, 0, 60) - centre(1, axis, 0, 60),
        centre(0, axis + 1, 0, 60) - centre(1, axis + 1, 0, 60),
      );
      for (const kind of [0, 1]) {
        const off = Math.hypot(
          centre(kind, axis, 60, 91) - centre(kind, axis, 0, 60),
          centre(kind, axis + 1, 60, 91) - centre(kind, axis + 1, 0, 60),
        );
        expect(off).toBeLessThan(apart / 4);
      }
    }
  });

  it.each([2, 3, 15, 16, 17])("fits %i samples", async (n) => {
    const fit = await fitEncoder(selectRows(all, training.slice(0, n)), options);
    const { images, places } = await encodeSamples(fit, all, {});
    expect(places.every(Number.isFinite)).toBe(true);
    expect(images.length).toBe(91 * 33 * 33 * 3);
  });
});

function permuted(m: DenseMatrix, order: Int32Array): DenseMatrix {
  const data = new Float32Array(m.data.length);
  order.forEach((row, i) => {
    data.set(m.data.subarray(row * m.cols, (row + 1) * m.cols), i * m.cols);
  });
  return { ...m, data };
}
