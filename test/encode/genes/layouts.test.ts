import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { geneMetrics } from "../../../src/config.js";
import { chooseGenes } from "../../../src/embed/highly-variable.js";
import {
  type GeneMetric,
  geneVectors,
  mapVectors,
  varyingGenes,
} from "../../../src/encode/genes/gene-vectors.js";
import { kernelPcaLayout } from "../../../src/encode/genes/kernel-pca-layout.js";
import { pcaLayout } from "../../../src/encode/genes/pca-layout.js";
import { tsneLayout } from "../../../src/encode/genes/tsne-layout.js";
import { umapLayout } from "../../../src/encode/genes/umap-layout.js";
import { CellhueError, InterruptedError } from "../../../src/errors.js";
import { type DenseMatrix, type HeldMatrix, selectColumns } from "../../../src/matrix.js";
import { silent } from "../../../src/progress.js";
import { RandomState } from "../../../src/random.js";
import { oracle as geneSets, readSet, toCsr } from "../../embed/genes.js";
import { trustworthiness } from "../../embed/measures.js";

interface Quality {
  trustworthiness: number;
  overlap: number;
}
interface Fixture {
  count: number;
  neighbours: number;
  maps: Record<GeneMetric, { tsne: Quality; umap: Quality }>;
  pca: number[];
  kernel: Record<string, { gamma: number | null; eigenvalues: number[]; places: number[] }>;
}
const fixture: Fixture = JSON.parse(readFileSync("test/fixtures/gene_layouts.json", "utf8"));

/** The demo's set, log1p, its most variable genes, as the oracle's. */
async function demo(): Promise<HeldMatrix> {
  const x = await readSet(geneSets.sets.find(({ name }) => name.endsWith("oligodendroglioma"))!);
  return selectColumns(x, await chooseGenes(x, { how: "variance", count: fixture.count }));
}

const everyFifth = (points: Float64Array) => points.filter((_, p) => (p >> 1) % 5 === 0);
function expectPlaces(found: Float64Array, expected: number[], tolerance: number): void {
  const spread = Math.max(...expected.map(Math.abs));
  expect(found.length).toBe(expected.length);
  found.forEach((v, p) => {
    expect(Math.abs(v - expected[p]) / spread, `coordinate ${p}`).toBeLessThan(tolerance);
  });
}

/** Share of each point's nearest m others in x that are among its nearest m in the map. */
function overlap(x: Float32Array, k: number, map: Float64Array, m: number): number {
  const n = map.length / 2;
  const nearest = (of: ArrayLike<number>, width: number, i: number) => {
    const distance = new Float64Array(n);
    for (let j = 0; j < n; j++)
      for (let c = 0; c < width; c++) distance[j] += (of[i * width + c] - of[j * width + c]) ** 2;
    distance[i] = Infinity;
    return [...distance.keys()].sort((a, b) => distance[a] - distance[b]).slice(0, m);
  };
  let shared = 0;
  for (let i = 0; i < n; i++) {
    const found = new Set(nearest(map, 2, i));
    for (const j of nearest(x, k, i)) if (found.has(j)) shared++;
  }
  return shared / (n * m);
}

/** The slow obvious way, from scipy's definitions: genes as unit vectors. */
function directions(x: DenseMatrix, metric: GeneMetric): Float32Array {
  const out = new Float32Array(x.data.length);
  for (let j = 0; j < x.cols; j++) {
    const gene = Array.from({ length: x.rows }, (_, i) => x.data[i * x.cols + j]);
    const mean = metric === "correlation" ? gene.reduce((a, b) => a + b, 0) / x.rows : 0;
    const length = metric === "euclidean" ? 1 : Math.hypot(...gene.map((v) => v - mean));
    gene.forEach((v, i) => {
      out[j * x.rows + i] = (v - mean) / length;
    });
  }
  return out;
}

function dense(x: HeldMatrix): DenseMatrix {
  if (x.kind === "dense") return x;
  const data = new Float32Array(x.rows * x.cols);
  for (let i = 0; i < x.rows; i++)
    for (let p = x.indptr[i]; p < x.indptr[i + 1]; p++) data[i * x.cols + x.indices[p]] = x.values[p];
  return { kind: "dense", rows: x.rows, cols: x.cols, data };
}

function made(rows: number, cols: number, seed = 1): DenseMatrix {
  const random = new RandomState(seed);
  const factor = Float64Array.from({ length: rows }, () => random.standardNormal());
  const data = Float32Array.from({ length: rows * cols }, (_, p) =>
    Math.max(0, 1 + random.standardNormal() + ((p % cols) % 5) * factor[Math.floor(p / cols)]),
  );
  return { kind: "dense", rows, cols, data };
}

describe("on the demo's most variable genes", () => {
  let x: HeldMatrix;
  beforeAll(async () => {
    x = await demo();
  });

  it("PCA: scikit-learn's places", async () => {
    expectPlaces(everyFifth(await pcaLayout(x, { seed: 42 })), fixture.pca, 1e-4);
  });

  it.each(Object.entries(fixture.kernel))(
    "kernel PCA, γ %s: scikit-learn's places, dense and sparse",
    async (_, c) => {
      const options = { seed: 42, gamma: c.gamma ?? undefined };
      const points = await kernelPcaLayout(x, { ...options, threads: 2 });
      expectPlaces(everyFifth(points), c.places, 1e-5);
      [0, 1].forEach((axis) => {
        const squares = points.reduce((sum, v, p) => sum + (p % 2 === axis ? v * v : 0), 0);
        expect(squares / c.eigenvalues[axis]).toBeCloseTo(1, 5);
      });
      expect(await kernelPcaLayout(dense(x), { ...options, threads: 1 })).toEqual(points);
    },
  );

  describe.each(geneMetrics)("%s", (metric) => {
    it.each([
      ["tsne", tsneLayout],
      ["umap", umapLayout],
    ] as const)(
      "%s keeps neighbours as well as the peer's worst of three, less 0.02",
      async (kind, layout) => {
        const d = dense(x);
        const vectors = directions(d, metric);
        const points = await layout(x, { metric, seed: 42, threads: 2 });
        const peer = fixture.maps[metric][kind];
        const trust = trustworthiness(vectors, d.rows, Float32Array.from(points), fixture.neighbours);
        expect(trust).toBeGreaterThan(peer.trustworthiness - 0.02);
        expect(overlap(vectors, d.rows, points, fixture.neighbours)).toBeGreaterThan(peer.overlap - 0.02);
      },
    );
  });
});

describe("layouts of genes", () => {
  const layouts = {
    pca: pcaLayout,
    "kernel PCA": kernelPcaLayout,
    "t-SNE": (x: HeldMatrix, o: Parameters<typeof pcaLayout>[1]) =>
      tsneLayout(x, { ...o, metric: "correlation" }),
    UMAP: (x: HeldMatrix, o: Parameters<typeof pcaLayout>[1]) => umapLayout(x, { ...o, metric: "cosine" }),
  };
  for (const [name, layout] of Object.entries(layouts)) {
    it(`${name}: the same bits from one matrix and seed, with 1 and 2 threads`, async () => {
      const x = made(23, 120);
      const points = await layout(x, { seed: 3, threads: 2 });
      expect(points).toHaveLength(240);
      expect(points.every(Number.isFinite)).toBe(true);
      expect(await layout(x, { seed: 3, threads: 1 })).toEqual(points);
    });

    it(`${name}: equal genes, and few genes and samples, are finite`, async () => {
      const twins = selectColumns(
        made(12, 40),
        Int32Array.from({ length: 40 }, (_, j) => j - (j % 4)),
      );
      expect((await layout(twins, { seed: 1 })).every(Number.isFinite)).toBe(true);
      for (const [rows, cols] of [
        [5, 4],
        [3, 7],
        [4, 3],
      ])
        expect((await layout(made(rows, cols), { seed: 1 })).every(Number.isFinite)).toBe(true);
    });

    it(`${name}: stops when told to`, async () => {
      const stopped = layout(made(9, 30), { seed: 1, signal: AbortSignal.abort() });
      await expect(stopped).rejects.toThrow(InterruptedError);
    });
  }

  it("kernel PCA: equal genes coincide; too few genes are a clear error", async () => {
    const twins = selectColumns(
      made(12, 40),
      Int32Array.from({ length: 40 }, (_, j) => j - (j % 4)),
    );
    const points = await kernelPcaLayout(twins, { seed: 1 });
    for (let j = 0; j < 40; j++)
      for (const axis of [0, 1])
        expect(points[2 * j + axis]).toBeCloseTo(points[2 * (j - (j % 4)) + axis], 5);
    await expect(kernelPcaLayout(made(9, 2), { seed: 1 })).rejects.toThrow(CellhueError);
    await expect(pcaLayout(made(1, 9), { seed: 1 })).rejects.toThrow(CellhueError);
  });

  it("kernel PCA of more genes than one block holds: an eigenvector of the whole kernel", async () => {
    const [d, n] = [4, 4300];
    const x = made(d, n);
    const points = await kernelPcaLayout(x, { seed: 1 });
    const axis = (which: number) => points.filter((_, p) => p % 2 === which);
    for (const v of [axis(0), axis(1)]) {
      const value = v.reduce((sum, a) => sum + a * a, 0);
      const image = new Float64Array(n);
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          let distance = 0;
          for (let c = 0; c < d; c++) distance += (x.data[c * n + i] - x.data[c * n + j]) ** 2;
          image[i] += Math.exp(-distance / d) * v[j];
        }
      const mean = image.reduce((a, b) => a + b, 0) / n;
      const residual = image.reduce((sum, a, i) => sum + (a - mean - value * v[i]) ** 2, 0);
      expect(Math.sqrt(residual / value) / value).toBeLessThan(2e-5);
    }
  });

  it("says when it projects, else nothing", async () => {
    const said: string[] = [];
    const progress = {
      ...silent,
      note: (line: string) => said.push(line),
      warn: (line: string) => said.push(line),
    };
    await umapLayout(made(300, 60), { metric: "cosine", seed: 1, progress });
    expect(said).toEqual([]);
    const points = await umapLayout(made(301, 60), { metric: "cosine", seed: 1, progress });
    expect(said).toEqual([expect.stringMatching(/^301 samples: .* 50 principal components/)]);
    expect(points).toHaveLength(120);
  });
});

describe("genes as vectors", () => {
  it("those that vary: constants are left out, zero or not, dense or sparse", async () => {
    const x: DenseMatrix = {
      kind: "dense",
      rows: 3,
      cols: 5,
      data: Float32Array.from([0, 0.1, 1, 2, -3, 0, 0.1, 0, 2, -3, 0, 0.1, 0, 2.5, -3]),
    };
    expect([...(await varyingGenes(x))]).toEqual([2, 3]);
    expect([...(await varyingGenes(toCsr(x)))]).toEqual([2, 3]);
    for (const metric of ["cosine", "correlation"] as const)
      expect(() => geneVectors({ ...x, data: new Float32Array(15) }, metric)).toThrow(RangeError);
  });

  it.each([
    [9, 40],
    [3, 30],
    [40, 9],
    [300, 20],
  ])("turned for a map: %i samples × %i genes keep their distances, components first", async (rows, cols) => {
    const x = made(rows, cols);
    const genes = dense(geneVectors(x, "correlation")).data;
    const { vectors, n, k } = await mapVectors(x, "correlation", { seed: 1 });
    expect([n, k]).toEqual([cols, rows]);
    const distance = (of: Float32Array, i: number, j: number) =>
      Math.hypot(...Array.from({ length: k }, (_, c) => of[i * k + c] - of[j * k + c]));
    for (let i = 0; i < n; i++)
      for (let j = 0; j < i; j++) expect(distance(vectors, i, j)).toBeCloseTo(distance(genes, i, j), 5);
    // The variance along the first two axes is that of the components, which scores of PCA have.
    const asSamples = { kind: "dense" as const, rows: k, cols: n, data: new Float32Array(k * n) };
    for (let j = 0; j < n; j++) for (let c = 0; c < k; c++) asSamples.data[c * n + j] = genes[j * k + c];
    const components = await pcaLayout(asSamples, { seed: 1 });
    const centred = (of: ArrayLike<number>, width: number, axis: number) => {
      const column = Array.from({ length: n }, (_, j) => of[j * width + axis]);
      const mean = column.reduce((a, b) => a + b, 0) / n;
      return column.map((v) => v - mean);
    };
    for (const axis of [0, 1]) {
      const found = centred(vectors, k, axis);
      const expected = centred(components, 2, axis);
      const sign = Math.sign(found.reduce((sum, v, j) => sum + v * expected[j], 0));
      found.forEach((v, j) => {
        expect(sign * v).toBeCloseTo(expected[j], 4);
      });
    }
  });

  it.each(geneMetrics)("%s: dense and sparse alike, as defined", (metric) => {
    const x = made(7, 11);
    const expected = directions(x, metric);
    for (const form of [x, toCsr(x)]) {
      const found = dense(geneVectors(form, metric));
      expect([found.rows, found.cols]).toEqual([11, 7]);
      found.data.forEach((v, p) => {
        expect(v).toBeCloseTo(expected[p], 6);
      });
    }
  });
});
