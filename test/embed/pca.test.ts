import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { Matrix as Dense, EigenvalueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { maxComponents, type Pca, pca } from "../../src/embed/pca.js";
import { columnMoments, RowBlocks } from "../../src/embed/row-blocks.js";
import { InterruptedError } from "../../src/errors.js";
import { openExpression } from "../../src/io/reader.js";
import type { DenseMatrix, HeldMatrix, Matrix, StoredMatrix } from "../../src/matrix.js";
import { type Progress, silent } from "../../src/progress.js";
import { RandomState } from "../../src/random.js";
import { toCsr, toDense } from "../io/matrices.js";

interface Oracle {
  path: string;
  samples: number;
  genes: number;
  variance: number[];
  varianceRatio: number[];
  leading: number[];
  scores?: string;
}
const oracles: Record<string, Oracle> = JSON.parse(readFileSync("test/fixtures/pca.json", "utf8"));
type Way = "gram" | "krylov";
const ways: Way[] = ["gram", "krylov"];
const decompose = (x: Matrix, components = 50, threads = 2, by?: Way) =>
  pca(x, { components, random: new RandomState(42), threads, ...(by && { by }) });

async function readSet(path: string): Promise<HeldMatrix> {
  const reader = await openExpression(path);
  try {
    return reader.readMatrix();
  } finally {
    reader.close();
  }
}

function dense(rows: number, cols: number, value: (i: number, j: number) => number): DenseMatrix {
  const data = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) data[i * cols + j] = value(i, j);
  return { kind: "dense", rows, cols, data };
}

const asDense = (x: HeldMatrix): DenseMatrix => (x.kind === "dense" ? x : toDense(x));

/** The slow obvious way: centre, Gram matrix of the smaller side, all of its eigenvectors, all in float64. */
function reference(x: HeldMatrix): { variance: number[]; loadings: Float64Array[] } {
  const { rows: n, cols: genes, data } = asDense(x);
  const columns = Array.from({ length: genes }, (_, j) => {
    const column = Float64Array.from({ length: n }, (_, i) => data[i * genes + j]);
    const mean = column.reduce((a, b) => a + b, 0) / n;
    return column.map((v) => v - mean);
  });
  const rows = Array.from({ length: n }, (_, i) => Float64Array.from(columns, (column) => column[i]));
  const vectors = n <= genes ? rows : columns;
  const gram = new Dense(vectors.length, vectors.length);
  for (let i = 0; i < vectors.length; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let p = 0; p < vectors[i].length; p++) sum += vectors[i][p] * vectors[j][p];
      gram.set(i, j, sum);
      gram.set(j, i, sum);
    }
  const eigen = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  const order = eigen.realEigenvalues.map((_, i) => i).reverse();
  const loadings: Float64Array[] = [];
  for (const i of order) {
    const v = Float64Array.from({ length: vectors.length }, (_, r) => eigen.eigenvectorMatrix.get(r, i));
    let long = v;
    if (n <= genes) {
      long = new Float64Array(genes);
      for (let r = 0; r < n; r++) for (let j = 0; j < genes; j++) long[j] += v[r] * rows[r][j];
      // Multiplying by X blows up what rounding left of the larger directions: take it out.
      for (const other of loadings) {
        const dot = long.reduce((sum, w, j) => sum + w * other[j], 0);
        long = long.map((w, j) => w - dot * other[j]);
      }
      const length = Math.hypot(...long) || 1;
      long = long.map((w) => w / length);
    }
    loadings.push(long);
  }
  return { variance: order.map((i) => eigen.realEigenvalues[i] / (n - 1)), loadings };
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / Math.sqrt(aa * bb);
}

/** Distance to the nearest other variance, as a share of the own one. */
function gap(variance: readonly number[], i: number): number {
  const others = [variance[i - 1], variance[i + 1]].filter((v) => v !== undefined);
  return Math.min(...others.map((v) => Math.abs(v - variance[i]) / variance[i]));
}

const column = (values: ArrayLike<number>, width: number, i: number) =>
  Float64Array.from({ length: values.length / width }, (_, r) => values[r * width + i]);
const loading = (p: Pca, i: number) => {
  const genes = p.mean.length;
  return p.loadings.subarray(i * genes, (i + 1) * genes);
};

/** What must hold for any matrix: orthonormal loadings, scores are projections, falling variances, signs. */
function expectSound(x: HeldMatrix, p: Pca): void {
  const { rows: n, cols: genes, data } = asDense(x);
  const k = p.components;
  expect([p.scores.length, p.loadings.length, p.mean.length]).toEqual([n * k, k * genes, genes]);
  const norm = Math.sqrt((p.variance[0] ?? 0) * (n - 1)) + 1e-30;
  for (let a = 0; a < k; a++) {
    const la = loading(p, a);
    for (let b = 0; b <= a; b++) {
      const lb = loading(p, b);
      let dot = 0;
      for (let j = 0; j < genes; j++) dot += la[j] * lb[j];
      expect(Math.abs(dot - (a === b ? 1 : 0))).toBeLessThan(2e-6);
    }
    let largest = 0;
    for (const v of la) if (Math.abs(v) > Math.abs(largest)) largest = v;
    expect(largest).toBeGreaterThan(0);
    if (a > 0) expect(p.variance[a]).toBeLessThanOrEqual(p.variance[a - 1]);
    for (let i = 0; i < n; i += Math.max(1, Math.floor(n / 7))) {
      let dot = 0;
      for (let j = 0; j < genes; j++) dot += (data[i * genes + j] - p.mean[j]) * la[j];
      expect(Math.abs(dot - p.scores[i * k + a]) / norm).toBeLessThan(2e-6);
    }
  }
}

function expectEqualsReference(x: HeldMatrix, p: Pca, leastGap = 1e-3): void {
  const exact = reference(x);
  for (let i = 0; i < p.components; i++) {
    expect(Math.abs(p.variance[i] - exact.variance[i]) / exact.variance[0]).toBeLessThan(1e-5);
    if (exact.variance[i] > 1e-9 * exact.variance[0] && gap(exact.variance, i) > leastGap)
      expect(Math.abs(cosine(loading(p, i), exact.loadings[i])), `component ${i + 1}`).toBeGreaterThan(
        0.9999,
      );
  }
}

describe("PCA of real sets against scanpy's arpack", () => {
  for (const [name, o, by] of Object.entries(oracles).flatMap(([n, o]) =>
    ways.map((w) => [n, o, w] as const),
  ))
    it.skipIf(!existsSync(o.path))(
      `${name}, ${o.samples} × ${o.genes}, ${by} (needs ${o.path})`,
      async () => {
        const x = await readSet(o.path);
        const p = await decompose(x, 50, 2, by);
        expectSound(x, p);
        let separated = 0;
        for (let i = 0; i < 50; i++) {
          expect(p.variance[i] / o.variance[i]).toBeCloseTo(1, 5);
          expect(p.varianceRatio[i] / o.varianceRatio[i]).toBeCloseTo(1, 5);
          if (gap(o.variance, i) < 1e-3) continue;
          separated++;
          expect(loading(p, i)[o.leading[i]], `sign of component ${i + 1}`).toBeGreaterThan(0);
          if (o.scores === undefined) continue;
          const scores = new Float32Array(new Uint8Array(Buffer.from(o.scores, "base64")).buffer);
          expect(
            cosine(column(p.scores, 50, i), column(scores, 50, i)),
            `component ${i + 1}`,
          ).toBeGreaterThan(0.9999);
        }
        expect(separated).toBeGreaterThan(40);
        if (o.scores === undefined) expectEqualsReference(x, p);
      },
    );
});

describe("PCA of made matrices against all eigenvectors in float64", () => {
  const normal = (seed: number) => {
    const random = new RandomState(seed);
    return () => random.standardNormal();
  };
  /** Rank `rank` with falling weights, plus noise. */
  const structured = (rows: number, cols: number, rank: number, noise: number, seed: number) => {
    const draw = normal(seed);
    const left = dense(rows, rank, draw);
    const right = dense(rank, cols, draw);
    return dense(rows, cols, (i, j) => {
      let sum = noise * draw();
      for (let r = 0; r < rank; r++) sum += (left.data[i * rank + r] * right.data[r * cols + j]) / (1 + r);
      return sum;
    });
  };
  const twice = ({ rows, cols, data }: DenseMatrix) =>
    dense(2 * rows, cols, (i, j) => data[(i >> 1) * cols + j]);
  const withConstantGenes = ({ rows, cols, data }: DenseMatrix) =>
    dense(rows, cols + 20, (i, j) => (j < cols ? data[i * cols + j] : j));
  const cases: [string, HeldMatrix, number][] = [
    ["wide", structured(60, 500, 12, 0.1, 1), 20],
    ["tall", structured(501, 41, 12, 0.1, 2), 20],
    ["square and odd", structured(77, 77, 9, 0.3, 3), 30],
    ["lower rank than components", structured(90, 130, 7, 0, 4), 20],
    ["all components that there are", structured(23, 301, 30, 0.2, 5), 22],
    ["noise, which needs restarts", dense(400, 600, normal(6)), 50],
    [
      "means a thousand times the spread",
      dense(
        80,
        200,
        (
          (draw) => (_, j) =>
            1000 + (draw() * 10) / (1 + j)
        )(normal(7)),
      ),
      10,
    ],
    [
      "one dominating gene",
      dense(
        150,
        300,
        (
          (draw) => (_, j) =>
            draw() * (j === 5 ? 1e4 : 1 + 3 / (1 + j))
        )(normal(8)),
      ),
      20,
    ],
    // More than 128 of the fewer side, where a Gram matrix is not solved whole.
    ["wide, several panels", structured(263, 431, 90, 0.05, 13), 11],
    ["tall, several panels", structured(611, 217, 90, 0.05, 14), 11],
    ["lower rank than components, several panels", structured(190, 301, 7, 0, 15), 20],
    ["every sample twice", twice(structured(87, 263, 40, 0.1, 16)), 20],
    ["genes that do not vary", withConstantGenes(structured(150, 160, 40, 0.1, 17)), 20],
    ["2 × 2", dense(2, 2, (i, j) => (i === j ? 3 : j)), 1],
    ["3 × 7", dense(3, 7, normal(9)), 2],
    ["7 × 3", dense(7, 3, normal(10)), 2],
    [
      "sparse",
      toCsr(
        dense(
          120,
          400,
          (
            (draw) => (i, j) =>
              Math.max(0, Math.round(draw() * 2 + Math.sin(i * j) - 1))
          )(normal(11)),
        ),
      ),
      30,
    ],
  ];
  for (const [title, x, components, by] of cases.flatMap((c) => ways.map((w) => [...c, w] as const)))
    it(`${title}: ${x.rows} × ${x.cols}, ${components} components, ${by}`, async () => {
      const p = await decompose(x, components, 2, by);
      expect(p.components).toBe(components);
      expectSound(x, p);
      expectEqualsReference(x, p);
    });

  for (const by of ways)
    for (const [rows, cols] of [
      [20, 30],
      [30, 20],
      [140, 150],
    ])
      it(`zero variance: zero scores and shares, orthonormal loadings: ${rows} × ${cols}, ${by}`, async () => {
        const x = dense(rows, cols, () => 4);
        const p = await decompose(x, 5, 2, by);
        expectSound(x, p);
        expect(p.scores.every((v) => v === 0)).toBe(true);
        expect([...p.variance, ...p.varianceRatio].every((v) => v === 0)).toBe(true);
      });

  for (const by of ways)
    for (const [rows, cols] of [
      [70, 90],
      [309, 201],
      [201, 309],
    ])
      it(`CSR and a stored matrix give what dense gives, bit for bit: ${rows} × ${cols}, ${by}`, async () => {
        const x = dense(rows, cols, (i, j) => ((i * 31 + j * 17) % 5 === 0 ? Math.sin(i + 3 * j) : 0));
        const expected = await decompose(x, 10, 2, by);
        expect(await decompose(toCsr(x), 10, 2, by)).toEqual(expected);
        const read = (first: number, count: number) => ({
          ...x,
          rows: count,
          data: x.data.subarray(first * cols, (first + count) * cols),
        });
        const stored: StoredMatrix = { kind: "stored", rows, cols, blockRows: 7, limit: 0, read };
        expect(await decompose(stored, 10, 2, by)).toEqual(expected);
      });

  for (const [rows, cols] of [
    [260, 24_001],
    [24_001, 260],
  ])
    it(`several chunks of a Gram matrix: ${rows} × ${cols}, as by Krylov`, async () => {
      const draw = normal(18);
      const factors = Array.from({ length: 12 }, () => Float64Array.from({ length: rows + cols }, draw));
      const x = dense(rows, cols, (i, j) => {
        let sum = 0.3 * draw();
        factors.forEach((f, r) => {
          sum += (f[i] * f[rows + j]) / (1 + r);
        });
        return sum;
      });
      const [gram, krylov] = [await decompose(x, 9, 2, "gram"), await decompose(x, 9, 2, "krylov")];
      expect(await decompose(toCsr(x), 9, 1, "gram")).toEqual(gram);
      for (let i = 0; i < 9; i++) {
        expect(gram.variance[i] / krylov.variance[i]).toBeCloseTo(1, 5);
        expect(cosine(loading(gram, i), loading(krylov, i))).toBeGreaterThan(0.99999);
        expect(cosine(column(gram.scores, 9, i), column(krylov.scores, 9, i))).toBeGreaterThan(0.99999);
      }
    });

  it("a matrix of several row blocks: genes that are all zero change nothing", async () => {
    const small = structured(301, 500, 8, 0.2, 12);
    const wide = { ...toCsr(small), cols: 60_000 };
    const blocks = new RowBlocks(wide, new Float64Array(wide.cols), 32);
    expect([blocks.count, blocks.height]).toEqual([2, 151]);
    const a = await decompose(small, 8, 2, "krylov");
    const b = await decompose(wide, 8, 2, "krylov");
    for (let i = 0; i < 8; i++)
      expect(cosine(column(a.scores, 8, i), column(b.scores, 8, i))).toBeGreaterThan(0.99999);
  });
});

describe("row blocks", () => {
  it("hold the centred matrix, filled up with zero rows", async () => {
    const x = dense(7, 4, (i, j) => (i + j) % 3);
    const { mean, totalVariance } = await columnMoments(x);
    for (const [form, kept] of [x, toCsr(x)].flatMap((m) => [0, 100].map((k) => [m, k] as const))) {
      expect(await columnMoments(form)).toEqual({ mean, totalVariance });
      const blocks = new RowBlocks(form, mean, 2, 12, kept);
      expect([blocks.count, blocks.height]).toEqual([3, 3]);
      for (const b of [2, 0, 1, 1])
        blocks.get(b).forEach((v, p) => {
          const row = b * 3 + Math.floor(p / 4);
          expect(v).toBeCloseTo(row < 7 ? x.data[row * 4 + (p % 4)] - mean[p % 4] : 0, 6);
        });
    }
    const sd = reference(x).variance.reduce((a, b) => a + b);
    expect(totalVariance).toBeCloseTo(sd, 10);
  });

  for (const [cols, width] of [
    [255, 255],
    [256, 256],
    [257, 512],
    [1000, 1024],
  ])
    it(`fill ${cols} columns up to ${width} with zero columns`, async () => {
      const x = dense(3, cols, (i, j) => 1 + ((i * 7 + j) % 5));
      const { mean } = await columnMoments(x);
      for (const form of [x, toCsr(x)]) {
        const blocks = new RowBlocks(form, mean, 4);
        expect([blocks.count, blocks.height, blocks.width]).toEqual([1, 4, width]);
        blocks.get(0).forEach((v, p) => {
          const [i, j] = [Math.floor(p / width), p % width];
          expect(v).toBeCloseTo(i < 3 && j < cols ? x.data[i * cols + j] - mean[j] : 0, 6);
        });
      }
    });

  for (const rows of [0, 1, 3, 4, 5, 9])
    it(`mean and variance of ${rows} rows, dense and sparse to the bit`, async () => {
      const x = dense(rows, 3, (i, j) => Math.sin(7 * i + j) * (j === 2 ? 0 : 1e3));
      const found = await columnMoments(x);
      expect(await columnMoments(toCsr(x))).toEqual(found);
      for (let j = 0; j < 3; j++) {
        const values = Array.from({ length: rows }, (_, i) => x.data[i * 3 + j]);
        if (rows > 0) expect(found.mean[j]).toBeCloseTo(values.reduce((a, b) => a + b, 0) / rows, 10);
      }
    });
});

describe("PCA is a function of matrix and seed", () => {
  const bitsOf = ({ scores, loadings, mean, variance, varianceRatio }: Pca) => {
    const hash = createHash("sha256");
    for (const array of [scores, loadings, mean, variance, varianceRatio]) hash.update(array);
    return hash.digest("hex");
  };
  const random = new RandomState(3);
  const cases: [string, () => Promise<HeldMatrix>][] = [
    ["the demonstration set", () => readSet("assets/demo/infercnvpy_oligodendroglioma.h5ad")],
    ["300 × 401", async () => dense(300, 401, () => random.standardNormal())],
    ["130 × 57", async () => dense(130, 57, () => random.standardNormal())],
    ["41 × 259", async () => dense(41, 259, () => random.standardNormal())],
    ["1001 × 131", async () => dense(1001, 131, () => random.standardNormal())],
    ["200 × 9001, far from 0", async () => dense(200, 9001, () => 3 + random.standardNormal())],
  ];
  for (const [title, make, by] of cases.flatMap((c) => ways.map((w) => [...c, w] as const)))
    it(`${title}, ${by}: the same bits with 1, 2, 4 and 40 threads and from run to run`, async () => {
      const x = await make();
      const one = bitsOf(await decompose(x, 50, 1, by));
      for (const threads of [2, 4, 40, 2]) expect(bitsOf(await decompose(x, 50, threads, by))).toBe(one);
    });
});

describe("PCA at the edges", () => {
  it("has one component less than the smaller side", () => {
    expect([maxComponents(5, 9), maxComponents(9, 5), maxComponents(1, 4), maxComponents(0, 0)]).toEqual([
      4, 4, 0, 0,
    ]);
  });

  it("lowers the number of components and says so", async () => {
    const said: string[] = [];
    const progress: Progress = { ...silent, warn: (line) => said.push(line) };
    const x = dense(6, 40, (i, j) => Math.sin(i * 7 + j * j));
    const p = await pca(x, { components: 50, random: new RandomState(1), progress });
    expect(p.components).toBe(5);
    expect(said).toEqual([expect.stringMatching(/5 components at most; 5 are used, not 50/)]);
  });

  it("refuses one sample, and values that are not finite", async () => {
    await expect(decompose(dense(1, 5, () => 1))).rejects.toThrow(/too few samples or genes/);
    await expect(decompose(dense(9, 5, (i, j) => (i + j === 3 ? Number.NaN : i)))).rejects.toThrow(
      /not finite/,
    );
  });

  it("stops when told to", async () => {
    const options = { components: 3, random: new RandomState(1), signal: AbortSignal.abort() };
    await expect(
      pca(
        dense(30, 40, (i, j) => i * j),
        options,
      ),
    ).rejects.toThrow(InterruptedError);
  });
});
