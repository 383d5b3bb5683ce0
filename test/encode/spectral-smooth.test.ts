/** The smooth spectral painter (oracle: test/oracles/spectral_smooth.py), and how near it is to the exact one. */
import { describe, expect, it } from "vitest";
import { type EncoderFit, encoderGraph, neighbourMap, spectralPainter } from "../../src/encode/encoder.js";
import { type SpectralPainter, spectralGraph } from "../../src/encode/spectral-graph.js";
import { smoothSpectralGraph } from "../../src/encode/spectral-smooth.js";
import { gradients } from "../../src/graph/gradients.js";
import { Graph, type Value } from "../../src/graph/graph.js";
import { createSession } from "../../src/graph/session.js";
import { square } from "../../src/image-size.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/spectral_smooth.json" with { type: "json" };
import { deviation } from "../net/formula.js";

const low = Float32Array.of(-3, 0, -100, 2);
const high = Float32Array.of(5, 1e-3, 100, 2.5);
const painterOf = (size: number): SpectralPainter => ({
  kind: "spectral",
  size: square(size),
  pointSize: 3,
  low,
  high,
});

const drawn = (seed: number[], length: number) => {
  const random = new RandomState(seed);
  return Float32Array.from({ length }, () => 2 * random.random() - 1);
};
const normal = (seed: number[], length: number, scale = 1) => {
  const random = new RandomState(seed);
  return Float32Array.from({ length }, () => Math.fround(random.standardNormal()) * scale);
};

/** Image of rows × width, and the gradient of image · dy. */
async function paint(
  build: (g: Graph, input: Value) => Value,
  input: Float32Array,
  width: number,
  dy?: Float32Array,
) {
  const g = new Graph();
  const x = g.input("x", [input.length / width, width]);
  const image = build(g, x);
  g.output("image", image);
  if (dy !== undefined) g.output("gradient", gradients(g, image, [x], g.input("dy", image.dims))[0]);
  const session = await createSession(g, { threads: 2 });
  const out = await session.run(dy === undefined ? { x: input } : { x: input, dy });
  await session.release();
  return { image: out.image.data as Float32Array, gradient: out.gradient?.data as Float32Array };
}

/** Deviation from each row's expected values, relative to the row's largest one. */
function gap(actual: Float32Array, expected: readonly number[], width: number): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i += width) {
    const row = expected.slice(i, i + width);
    const off = Math.max(...row.map((e, j) => Math.abs(actual[i + j] - e)));
    largest = Math.max(largest, off / Math.max(...row.map(Math.abs), 1e-9));
  }
  return largest;
}

describe("smoothSpectralGraph", () => {
  it.each(fixture.painter)("is PyTorch's, with its gradient: size $size", async ({ size, ...expected }) => {
    const numbers = Float32Array.from(expected.numbers);
    const dy = drawn([size, 1], 9 * 3 * size * size);
    const out = await paint((g, x) => smoothSpectralGraph(g, painterOf(size), x), numbers, 4, dy);
    expect(deviation(out.image, expected.image, 0)).toBeLessThan(1e-6);
    // Column by column: the axes have units of their own.
    for (let axis = 0; axis < 4; axis++) {
      const column = (a: ArrayLike<number>) => Array.from({ length: 9 }, (_, i) => a[4 * i + axis]);
      expect(gap(Float32Array.from(column(out.gradient)), column(expected.gradient), 9)).toBeLessThan(1e-5);
    }
  });

  it("is near the exact painter", async () => {
    const size = 128;
    const random = new RandomState(3);
    const numbers = Float32Array.from(
      { length: 4 * 50 },
      (_, p) => low[p % 4] + random.random() * (high[p % 4] - low[p % 4]),
    );
    const exact = await paint((g, x) => spectralGraph(g, painterOf(size), x), numbers, 4);
    const smooth = await paint((g, x) => smoothSpectralGraph(g, painterOf(size), x), numbers, 4);
    let off = 0;
    exact.image.forEach((v, p) => {
      off += Math.abs(v - smooth.image[p]);
    });
    // A quarter of the brightness of 7×7 pixels in 128×128: the edges, and up to half a pixel of truncation.
    expect(off / exact.image.length).toBeLessThan(4e-4);
    expect(smooth.image.every((v) => v >= 0 && v <= 1)).toBe(true);
  });

  it("moves its centre of mass with the sample, without steps", async () => {
    const size = 40;
    const steps = 101;
    const numbers = Float32Array.from({ length: 4 * steps }, (_, p) => {
      const share = [0.25 + (0.5 * Math.floor(p / 4)) / (steps - 1), 0.5, 1, 1][p % 4];
      return low[p % 4] + share * (high[p % 4] - low[p % 4]);
    });
    const { image } = await paint((g, x) => smoothSpectralGraph(g, painterOf(size), x), numbers, 4);
    const offs: number[] = [];
    for (let i = 0; i < steps; i++) {
      let [mass, across, down] = [0, 0, 0];
      for (let p = 0; p < size * size; p++) {
        const v = image[(3 * i + 1) * size * size + p]; // green, whose colour stays
        mass += v;
        across += v * (p % size);
        down += v * Math.floor(p / size);
      }
      expect(mass).toBeCloseTo(49, 0);
      offs.push(across / mass - ((0.25 + (0.5 * i) / (steps - 1)) * (size - 1) - 0.5));
      expect(down / mass).toBeCloseTo(0.5 * (size - 1) - 0.5, 3);
    }
    expect(Math.max(...offs.map(Math.abs))).toBeLessThan(0.01);
  });
});

describe("encoderGraph, smooth", () => {
  it("has PyTorch's gradient by the genes", async () => {
    const { n, components, genes, new: rows, size, ...expected } = fixture.chain;
    const projection = {
      genes,
      chosen: null,
      scale: null,
      mean: normal([1, 1], genes),
      loadings: normal([1, 2], components * genes),
      components,
    };
    const reference = normal([1, 3], n * components, 3);
    const map = neighbourMap(reference, normal([1, 4], 4 * n), projection.components);
    const fit: EncoderFit = { projection, map, painter: spectralPainter(map, square(size)) };
    const dy = drawn([1, 5], rows * 3 * size * size);
    const x = normal([1, 0], rows * genes);
    const out = await paint((g, e) => encoderGraph(g, fit, e, true).image, x, genes, dy);
    expect(deviation(out.image, expected.image, 0)).toBeLessThan(1e-5);
    expect(gap(out.gradient, expected.gradient, genes)).toBeLessThan(1e-5);
  });
});
