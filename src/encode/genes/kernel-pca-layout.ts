/**
 * Layout of genes by kernel PCA with the radial basis function exp(−γ‖a − b‖²) between genes, as scikit-learn's
 * KernelPCA(2, kernel="rbf") of the transposed matrix: γ = 1 / samples by default, the kernel centred.
 *
 * The two largest eigenvectors of the genes × genes kernel are found by block Krylov iteration, for any number of genes:
 * the kernel is never held, but made anew in blocks of rows for each product with a thin block of vectors. Nothing is
 * approximated but by the tolerance below and by float32 products; the work grows with genes² × samples.
 * Signs: the largest coordinate of each axis is positive, as scikit-learn's.
 * References: Schölkopf, Smola & Müller 1998; Musco & Musco 2015 (block Krylov).
 */
import { symmetricEigen } from "../../embed/symmetric-eigen.js";
import { CellhueError, throwIfAborted } from "../../errors.js";
import { Graph } from "../../graph/graph.js";
import { productTransposed } from "../../graph/ops/matmul.js";
import { createSession } from "../../graph/session.js";
import { type HeldMatrix, toDense } from "../../matrix.js";
import { silent } from "../../progress.js";
import { RandomState } from "../../random.js";
import { type LayoutOptions, transposed } from "./gene-vectors.js";
import type { Points } from "./points.js";

export interface KernelPcaLayoutOptions extends LayoutOptions {
  /** Default: 1 / samples. */
  readonly gamma?: number;
}

/** Vectors in a block; more than the two that are wanted, so that close ones are told apart. */
const WIDTH = 8;
/** Passes after which the directions are taken as they are. */
const MAX_ROUNDS = 24;
/** A direction is found when its residual is below this share of its eigenvalue; float32 products leave some 1e-6. */
const TOLERANCE = 1e-5;
/** Entries of the kernel held at a time: 64 MB. */
const BLOCK_VALUES = 16 * 2 ** 20;

/**
 * @param x training samples × genes
 * @returns a place for each gene
 * @throws CellhueError where there are fewer than three genes
 */
export async function kernelPcaLayout(x: HeldMatrix, options: KernelPcaLayoutOptions): Promise<Points> {
  const { progress = silent, signal, seed } = options;
  const n = x.cols;
  if (n < 3)
    throw new CellhueError("too few genes for kernel PCA", { found: `${n} genes`, expected: "at least 3" });
  const kernel = await Kernel.create(x, options.gamma ?? 1 / x.rows, options.threads);
  const random = new RandomState(seed);
  const task = progress.task("kernel principal components", MAX_ROUNDS);
  try {
    const basis: Float64Array[] = []; // orthonormal columns, n each
    const images: Float64Array[] = []; // what the centred kernel makes of them
    let next: Float64Array[] = Array.from({ length: WIDTH }, () =>
      Float64Array.from({ length: n }, () => random.standardNormal()),
    );
    for (let round = 1; ; round++) {
      throwIfAborted(signal);
      const fresh = orthonormalise(next.map(centred), basis);
      basis.push(...fresh);
      const products = fresh.length > 0 ? await kernel.product(fresh, signal) : [];
      images.push(...products.map(centred));
      const pairs = ritz(basis, images);
      task.update(round);
      if (fresh.length === 0 || round === MAX_ROUNDS || pairs.every((p) => p.residual <= TOLERANCE * p.value))
        return places(pairs);
      next = images.slice(-fresh.length);
    }
  } finally {
    task.end();
    await kernel.release();
  }
}

interface Pair {
  readonly value: number;
  readonly vector: Float64Array;
  readonly residual: number;
}

/** The two best directions of the basis (Rayleigh–Ritz). */
function ritz(basis: readonly Float64Array[], images: readonly Float64Array[]): Pair[] {
  const m = basis.length;
  const inner = new Float64Array(m * m);
  for (let i = 0; i < m; i++)
    for (let j = 0; j <= i; j++) {
      const value = (dot(basis[i], images[j]) + dot(basis[j], images[i])) / 2;
      inner[i * m + j] = inner[j * m + i] = value;
    }
  const { values, vectors } = symmetricEigen(inner);
  return [0, 1].slice(0, m).map((which) => {
    const combine = (columns: readonly Float64Array[]) => {
      const out = new Float64Array(columns[0].length);
      columns.forEach((column, i) => {
        addTimes(out, column, vectors[i * m + which]);
      });
      return out;
    };
    const vector = combine(basis);
    const left = combine(images);
    addTimes(left, vector, -values[which]);
    return { value: values[which], vector, residual: Math.sqrt(dot(left, left)) };
  });
}

/** Eigenvectors times the roots of their eigenvalues. */
function places(pairs: readonly Pair[]): Points {
  const points = new Float64Array(2 * pairs[0].vector.length);
  pairs.forEach(({ value, vector }, axis) => {
    const largest = vector.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
    const scale = Math.sqrt(Math.max(0, value)) * (largest < 0 ? -1 : 1);
    vector.forEach((v, j) => {
      points[2 * j + axis] = scale * v;
    });
  });
  return points;
}

/** Gram–Schmidt, twice; columns that depend on others are dropped. */
function orthonormalise(columns: readonly Float64Array[], basis: readonly Float64Array[]): Float64Array[] {
  const fresh: Float64Array[] = [];
  for (const column of columns) {
    const length = Math.sqrt(dot(column, column));
    for (let turn = 0; turn < 2; turn++)
      for (const other of [...basis, ...fresh]) addTimes(column, other, -dot(column, other));
    const rest = Math.sqrt(dot(column, column));
    // What float32 products cannot tell from 0.
    if (!(rest > 1e-7 * length)) continue;
    fresh.push(column.map((v) => v / rest));
  }
  return fresh;
}

function centred(column: Float64Array): Float64Array {
  const mean = column.reduce((a, b) => a + b, 0) / column.length;
  return column.map((v) => v - mean);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function addTimes(into: Float64Array, column: Float64Array, by: number): void {
  for (let i = 0; i < into.length; i++) into[i] += by * column[i];
}

/** Products with the kernel, a block of its columns at a time. */
class Kernel {
  private constructor(
    private readonly session: Awaited<ReturnType<typeof createSession>>,
    private readonly vectors: Float32Array,
    private readonly squares: Float32Array,
    private readonly n: number,
    private readonly height: number,
  ) {}

  static async create(x: HeldMatrix, gamma: number, threads?: number): Promise<Kernel> {
    // Centred per sample, which leaves distances and keeps float32 exact; scaled, so that distances carry γ.
    const { data, rows: n, cols: d } = toDense(transposed(x));
    const mean = new Float64Array(d);
    for (let p = 0; p < data.length; p++) mean[p % d] += data[p] / n;
    const vectors = Float32Array.from(data, (v, p) => (v - mean[p % d]) * Math.sqrt(gamma));
    const squares = new Float32Array(n);
    for (let p = 0; p < vectors.length; p++) squares[Math.floor(p / d)] += vectors[p] ** 2;

    const height = Math.min(n, Math.max(WIDTH, Math.floor(BLOCK_VALUES / n)));
    const g = new Graph("kernel-pca");
    const all = g.input("all", [n, d]);
    const some = g.input("some", [height, d]);
    const cross = g.op("Mul", [productTransposed(g, all, some), g.scalar(2)], [n, height]);
    const sums = g.op("Add", [g.input("squares", [n, 1]), g.input("some_squares", [1, height])], [n, height]);
    // Rounding may leave a squared distance below 0.
    const power = g.op("Min", [g.op("Sub", [cross, sums], [n, height]), g.scalar(0)], [n, height]);
    const kernel = g.op("Exp", [power], [n, height]);
    const dims = [height, WIDTH];
    g.output("product", g.op("Gemm", [kernel, g.input("q", [n, WIDTH])], dims, { transA: 1 }));
    return new Kernel(await createSession(g, { threads }), vectors, squares, n, height);
  }

  /** The kernel times each column, WIDTH of them at most. */
  async product(columns: readonly Float64Array[], signal?: AbortSignal): Promise<Float64Array[]> {
    const { n, height, vectors, squares } = this;
    const d = vectors.length / n;
    const q = new Float32Array(n * WIDTH);
    columns.forEach((column, c) => {
      column.forEach((v, j) => {
        q[j * WIDTH + c] = v;
      });
    });
    const out = columns.map(() => new Float64Array(n));
    for (let first = 0; first < n; first += height) {
      throwIfAborted(signal);
      const from = Math.min(first, n - height); // the last block overlaps the one before: one shape for all
      const { product } = await this.session.run({
        all: vectors,
        some: vectors.subarray(from * d, (from + height) * d),
        squares,
        some_squares: squares.subarray(from, from + height),
        q,
      });
      out.forEach((column, c) => {
        for (let r = 0; r < height; r++) column[from + r] = product.data[r * WIDTH + c] as number;
      });
    }
    return out;
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
