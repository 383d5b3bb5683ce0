/**
 * Principal components by randomised block Krylov iteration: multiply a random block of gene vectors by the
 * covariance again and again, keep all the blocks orthonormal, and take the best directions of their span
 * (Rayleigh–Ritz), until those stop moving. One streamed pass over X a round; exact where the span fills up.
 * Contract: centred, not scaled; products in float32 on onnxruntime, small algebra in float64; the result depends on
 * the matrix and the random state only, not on threads. Signs as scikit-learn's PCA: the largest loading is positive.
 * References: Musco & Musco 2015 (block Krylov); Wu & Simon 2000 (thick restart); Stathopoulos & Wu 2002 (SVQB).
 */
import { Matrix as Dense, EigenvalueDecomposition } from "ml-matrix";
import { CellhueError, throwIfAborted } from "../errors.js";
import { Graph } from "../graph/graph.js";
import { dataTypes } from "../graph/onnx.js";
import { createSession } from "../graph/session.js";
import type { Matrix } from "../matrix.js";
import { type Progress, silent } from "../progress.js";
import type { RandomState } from "../random.js";
import { columnMoments, RowBlocks } from "./row-blocks.js";

export interface Pca {
  readonly components: number;
  /** Samples × components. */
  readonly scores: Float32Array;
  /** Components × genes, orthonormal rows. */
  readonly loadings: Float32Array;
  /** Mean of each gene. */
  readonly mean: Float32Array;
  /** Variance along each component (ddof 1), falling. */
  readonly variance: Float64Array;
  /** The same as a share of the variance of all genes. */
  readonly varianceRatio: Float64Array;
}

export interface PcaOptions {
  components: number;
  /** Draws the first block. */
  random: RandomState;
  threads?: number;
  progress?: Progress;
  signal?: AbortSignal;
}

/** More directions are kept than components are asked for: the spare ones speed up the last of them. */
const OVERSAMPLING = 10;
/**
 * Widest block: a narrow one is multiplied less well (32 columns take two thirds of the time of 64), but as many columns in
 * more rounds span far better directions (16 rounds of 32 are nearer than 14 of 64 were).
 */
const WIDEST = 32;
/** Columns of the basis, as multiples of the directions sought, at a restart and kept then: bounds memory and eigenproblem. */
const MOST_OF_BASIS = 4;
const KEPT_OF_BASIS = 2;
/** A direction v with eigenvalue θ is found when its residual ‖Cv − θv‖ is below this share of θ. */
const TOLERANCE = 1e-3;
/**
 * What has not converged after so many passes is a flat stretch of the spectrum, where single directions mean little.
 * Then one that stands apart (the next eigenvalue is 1 % away) may have a residual of 5 % of that distance, which
 * leaves |cosine| > 0.9999 (measured), and any other one of 3 % of θ. Small matrices, where a pass is cheap, get more.
 */
const patience = (values: number) => Math.max(16, 1e9 / values);
const APART = { gap: 1e-2, tolerance: 0.05 };
const FLAT_TOLERANCE = 0.03;
/** Relative error of a float32 product. */
const ROUNDING = 1e-7;
/** Passes after which the directions are taken as they are. */
const MAX_ROUNDS = 60;

/** The most components that n samples of so many genes have (as scipy's arpack: one less than the smaller side). */
export function maxComponents(n: number, genes: number): number {
  return Math.max(0, Math.min(n, genes) - 1);
}

/**
 * @param x samples × genes, finite
 * @throws CellhueError where x has fewer than two samples or genes; fewer components than asked for are a warning
 */
export async function pca(x: Matrix, options: PcaOptions): Promise<Pca> {
  const { random, threads, progress = silent, signal } = options;
  const { rows: n, cols: genes } = x;
  const most = maxComponents(n, genes);
  if (most < 1)
    throw new CellhueError("too few samples or genes for principal components", {
      found: `${n} samples, ${genes} genes`,
      expected: "at least 2 of each",
    });
  const k = Math.min(options.components, most);
  if (k < options.components)
    progress.warn(
      `PCA: ${n} samples × ${genes} genes have ${most} components at most; ${k} are used, not ${options.components}`,
    );
  const { mean, totalVariance } = await columnMoments(x, { progress, signal });
  if (!Number.isFinite(totalVariance)) throw new RangeError("pca: the matrix has values that are not finite");

  // A multiple of 16 fills the vector units; never more than there are genes.
  const sought = Math.min(genes, Math.ceil((k + OVERSAMPLING) / 16) * 16);
  const task = progress.task("principal components", k);
  const report = (converged: number, round: number) => {
    throwIfAborted(signal);
    task.update(converged, `pass ${round}`);
  };
  /** Runs with blocks of one width, from a first one on. */
  const run = async (width: number, first: OrthonormalBlock | null, round: number) => {
    const algebra = await BlockAlgebra.create(new RowBlocks(x, mean, width), genes, width, threads);
    try {
      const plan = { k, sought, first, round, patient: patience(n * genes), random, report };
      return await iterate(algebra, plan);
    } finally {
      await algebra.release();
    }
  };
  const width = Math.min(sought, WIDEST);
  let found = await run(width, null, 1);
  // The random first block holds some of the largest direction, so its products are rounded at the largest
  // eigenvalue's scale, which the residuals do not see. Where that matters, start anew from what was found.
  if (ROUNDING * found.values[0] > 0.1 * TOLERANCE * found.values[k - 1] && found.round < MAX_ROUNDS)
    found = await run(sought, oneBlock(found, genes, sought), found.round + 1);
  const variance = found.values.map((v) => v / (n - 1));
  task.end();
  return {
    components: k,
    ...orient(found, genes, n, k),
    mean: Float32Array.from(mean),
    variance,
    varianceRatio: variance.map((v) => (totalVariance > 0 ? v / totalVariance : 0)),
  };
}

/**
 * The directions found as one block. They stay as they are: made orthonormal anew they would be mixed, and the products of
 * all rounded at the scale of the largest again.
 */
function oneBlock({ loadings, width, rank }: Ritz, genes: number, columns: number): OrthonormalBlock {
  const block = new Float32Array(genes * columns);
  for (let j = 0; j < genes; j++)
    for (let c = 0; c < Math.min(columns, rank); c++)
      block[j * columns + c] = loadings[Math.floor(c / width)][j * width + (c % width)];
  return { block, rank: Math.min(columns, rank) };
}

interface Ritz {
  /** Eigenvalues of XᵀX, falling, k of them. */
  values: Float64Array;
  /** Blocks of genes × width with the directions sought, as far as there are. */
  loadings: Float32Array[];
  /** Blocks of samples (filled up) × width. */
  scores: Float32Array[];
  width: number;
  /** Columns of the loadings that are real directions; the others are 0. */
  rank: number;
  /** Passes so far. */
  round: number;
}

interface Plan {
  k: number;
  /** Directions to keep, k and some spare ones. */
  sought: number;
  /** null: a random one. */
  first: OrthonormalBlock | null;
  /** Number of the first pass. */
  round: number;
  /** Passes after which a flat stretch of the spectrum is taken as it is. */
  patient: number;
  random: RandomState;
  report: (converged: number, round: number) => void;
}

/** Stands for the eigenvalue of a column that was dropped (is zero): sorts it behind every real direction. */
const DROPPED = -1;

/** Grows the Krylov basis until the k best directions have converged. */
async function iterate(algebra: BlockAlgebra, plan: Plan): Promise<Ritz> {
  const { genes, width } = algebra;
  const { k, sought, patient, random, report } = plan;
  const [most, kept] = [MOST_OF_BASIS, KEPT_OF_BASIS].map((share) => Math.ceil((share * sought) / width));
  let basis: Float32Array[] = []; // each genes × width, together orthonormal
  let images: Float32Array[] = []; // X · basis, each samples × width
  let inner: Float64Array[][] = []; // inner[i][j] = imagesᵢᵀ imagesⱼ, j ≤ i: the covariance seen by the basis
  let next = plan.first;
  if (next === null) {
    const drawn = Float32Array.from({ length: genes * width }, () => random.standardNormal());
    ({ next } = await orthonormalise(algebra, drawn, basis, random));
  }

  for (let round = plan.round; ; round++) {
    report(0, round);
    const { image, product } = await algebra.pass(next.block);
    const row: Float64Array[] = [];
    for (const other of images) row.push(await algebra.gram(image, other));
    const own = await algebra.gram(image, image);
    for (let j = next.rank; j < width; j++) own[j * width + j] = DROPPED;
    row.push(own);
    basis.push(next.block);
    images.push(image);
    inner.push(row);

    const { next: following, remainder } = await orthonormalise(algebra, product, basis, random);
    // The small eigenproblem takes as long as a pass: it is solved when the basis has doubled, but not at the size that a
    // restart keeps, and when it is full.
    const full = basis.length === most;
    const doubled = Number.isInteger(Math.log2(basis.length)) && basis.length * width >= k;
    if (full || (doubled && basis.length !== kept) || following.rank === 0) {
      const eigen = symmetricEigen(assemble(inner, width));
      const converged = countConverged(eigen, remainder, width, k, round >= patient);
      report(converged, round);
      const best = async (blocks: readonly Float32Array[], count: number) => {
        const chosen: Float32Array[] = [];
        for (let b = 0; b < count; b++) chosen.push(await algebra.combine(blocks, eigen.vectors, b));
        return chosen;
      };
      if (converged === k || following.rank === 0 || round >= MAX_ROUNDS) {
        const values = eigen.values.slice(0, k).map((v) => Math.max(0, v));
        const held = Math.min(basis.length, Math.ceil(sought / width));
        const rank = eigen.values.subarray(0, held * width).filter((v) => v > DROPPED / 2).length;
        return {
          ...{ values, width, rank, round },
          ...{ loadings: await best(basis, held), scores: await best(images, Math.ceil(k / width)) },
        };
      }
      if (full) {
        basis = await best(basis, kept);
        images = await best(images, kept);
        inner = [];
        for (let p = 0; p < kept; p++) {
          inner.push([]);
          for (let q = 0; q <= p; q++) inner[p].push(await algebra.gram(images[p], images[q]));
          for (let j = 0; j < width; j++)
            if (eigen.values[p * width + j] < DROPPED / 2) inner[p][p][j * width + j] += DROPPED;
        }
      }
    }
    next = following;
  }
}

/** How many of the first k residuals are small: only the last block's part of a direction leads out of the basis. */
function countConverged(
  eigen: Eigen,
  remainder: Float64Array,
  width: number,
  k: number,
  relax: boolean,
): number {
  const { values, vectors } = eigen;
  const m = values.length;
  // What float32 resolves: a residual below `floor` · √θ is rounding, and so is all of a direction below `least`.
  const largest = Math.max(0, values[0]);
  const floor = 3 * ROUNDING * Math.sqrt(largest);
  const least = 1e-10 * largest;
  let converged = 0;
  for (let i = 0; i < k; i++) {
    let squared = 0;
    for (let a = 0; a < width; a++)
      for (let b = 0; b < width; b++)
        squared +=
          vectors[(m - width + a) * m + i] * remainder[a * width + b] * vectors[(m - width + b) * m + i];
    const value = Math.max(0, values[i]);
    let tolerance = TOLERANCE * value;
    if (relax) {
      const gap = Math.min(i > 0 ? values[i - 1] - value : Infinity, value - (values[i + 1] ?? 0));
      const relaxed = gap > APART.gap * value ? APART.tolerance * gap : Infinity;
      tolerance = Math.max(tolerance, Math.min(relaxed, FLAT_TOLERANCE * value));
    }
    const residual = Math.sqrt(Math.max(0, squared));
    if (value <= least || residual <= Math.max(tolerance, floor * Math.sqrt(value))) converged++;
  }
  return converged;
}

interface OrthonormalBlock {
  /** genes × width; columns from `rank` on are zero. */
  block: Float32Array;
  rank: number;
}

/**
 * Makes a block orthonormal and orthogonal to the basis: projection and SVQB, both twice (once leaves float32 noise).
 * What float32 cannot tell from dependent columns is replaced by random ones, so that the block keeps its width.
 * @returns the block, and the Gram matrix (width × width) of what the first projection left of z
 */
async function orthonormalise(
  algebra: BlockAlgebra,
  z: Float32Array,
  basis: readonly Float32Array[],
  random: RandomState,
): Promise<{ next: OrthonormalBlock; remainder: Float64Array }> {
  const { genes, width } = algebra;
  let block = z;
  let rank = width;
  let remainder: Float64Array = new Float64Array(0);
  for (let turn = 0; turn < 2; turn++) {
    for (const other of basis) block = await algebra.project(block, other);
    const gram = await algebra.gram(block, block);
    if (turn === 0) remainder = gram;
    const eigen = symmetricEigen(gram);
    // Second turn: columns are of length 1 unless they lie in the basis but for rounding; a quarter of the squared
    // length is Kahan's and Parlett's rule.
    const least = turn === 0 ? eigen.values[0] * 1e-12 : 0.25;
    rank = eigen.values.findIndex((v) => !(v > least));
    if (rank < 0) rank = width;
    const scale = new Float32Array(width * width);
    for (let a = 0; a < width; a++)
      for (let b = 0; b < rank; b++)
        scale[a * width + b] = eigen.vectors[a * width + b] / Math.sqrt(eigen.values[b]);
    block = await algebra.addProduct(new Float32Array(block.length), block, scale);
    if (turn === 0)
      for (let j = 0; j < genes; j++)
        for (let b = rank; b < width; b++) block[j * width + b] = random.standardNormal() / Math.sqrt(genes);
  }
  return { next: { block, rank }, remainder };
}

interface Eigen {
  /** Falling. */
  values: Float64Array;
  /** m × m row-major; column i belongs to values[i]. */
  vectors: Float64Array;
}

/** @param a symmetric, m × m row-major */
function symmetricEigen(a: Float64Array): Eigen {
  const m = Math.sqrt(a.length);
  const dense = new Dense(m, m);
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) dense.set(i, j, (a[i * m + j] + a[j * m + i]) / 2);
  const evd = new EigenvalueDecomposition(dense, { assumeSymmetric: true });
  const order = evd.realEigenvalues.map((_, i) => i);
  order.sort((p, q) => evd.realEigenvalues[q] - evd.realEigenvalues[p] || p - q);
  const vectors = new Float64Array(m * m);
  const columns = evd.eigenvectorMatrix;
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) vectors[i * m + j] = columns.get(i, order[j]);
  return { values: Float64Array.from(order, (i) => evd.realEigenvalues[i]), vectors };
}

/** The blocks of the lower triangle as one symmetric matrix. */
function assemble(inner: readonly (readonly Float64Array[])[], width: number): Float64Array {
  const m = inner.length * width;
  const out = new Float64Array(m * m);
  inner.forEach((row, p) => {
    row.forEach((block, q) => {
      for (let a = 0; a < width; a++)
        for (let b = 0; b < width; b++) {
          out[(p * width + a) * m + q * width + b] = block[a * width + b];
          out[(q * width + b) * m + p * width + a] = block[a * width + b];
        }
    });
  });
  return out;
}

/** Columns to rows for the loadings, spare columns and rows cut off, signs as scikit-learn's svd_flip. */
function orient(
  { loadings: columns, scores: images, width }: Ritz,
  genes: number,
  n: number,
  k: number,
): { loadings: Float32Array; scores: Float32Array } {
  const loadings = new Float32Array(k * genes);
  const scores = new Float32Array(n * k);
  for (let i = 0; i < k; i++) {
    const [b, at] = [Math.floor(i / width), i % width];
    let largest = 0;
    for (let j = 0; j < genes; j++) {
      const v = columns[b][j * width + at];
      if (Math.abs(v) > Math.abs(largest)) largest = v;
    }
    const sign = largest < 0 ? -1 : 1;
    for (let j = 0; j < genes; j++) loadings[i * genes + j] = sign * columns[b][j * width + at];
    for (let j = 0; j < n; j++) scores[j * k + i] = sign * images[b][j * width + at];
  }
  return { loadings, scores };
}

/**
 * The products, compiled once. Every product has at least as many rows as columns: onnxruntime then splits it among
 * threads by rows, which leaves each sum in one order, so that the result does not depend on the threads.
 */
class BlockAlgebra {
  private constructor(
    private readonly rows: RowBlocks,
    readonly genes: number,
    readonly width: number,
    private readonly passSession: Session,
    private readonly gramSession: Session,
    private readonly addProductSession: Session,
    private readonly projectSession: Session,
  ) {}

  static async create(
    rows: RowBlocks,
    genes: number,
    width: number,
    threads?: number,
  ): Promise<BlockAlgebra> {
    const pass = new Graph("pca-pass");
    const x = pass.input("x", [rows.height, genes]);
    const q = pass.input("q", [genes, width]);
    const z = pass.input("z", [genes, width]);
    const y = pass.op("MatMul", [x, q], [rows.height, width]);
    pass.output("y", y);
    pass.output("sum", pass.op("Gemm", [x, y, z], [genes, width], { transA: 1 }));

    const gram = new Graph("pca-gram");
    const wide = ["a", "b"].map((name) => {
      const value = gram.input(name, ["rows", width]);
      return gram.op("Cast", [value], ["rows", width], { to: dataTypes.float64 }, { type: "float64" });
    });
    gram.output("c", gram.op("Gemm", wide, [width, width], { transA: 1 }, { type: "float64" }));

    const add = new Graph("pca-add-product");
    const parts = [
      add.input("a", ["rows", width]),
      add.input("c", [width, width]),
      add.input("z", ["rows", width]),
    ];
    add.output("out", add.op("Gemm", parts, ["rows", width]));

    const project = new Graph("pca-project");
    const from = project.input("z", ["rows", width]);
    const other = project.input("q", ["rows", width]);
    const overlap = project.op("Gemm", [other, from], [width, width], { transA: 1 });
    project.output(
      "out",
      project.op("Sub", [from, project.op("MatMul", [other, overlap], ["rows", width])], ["rows", width]),
    );

    const options = threads === undefined ? {} : { threads };
    const sessions = [pass, gram, add, project].map((graph) =>
      createSession(graph, { ...options, spinning: graph === pass }),
    );
    const [s0, s1, s2, s3] = await Promise.all(sessions);
    return new BlockAlgebra(rows, genes, width, s0, s1, s2, s3);
  }

  /** One pass over X: the image X·q (samples × width) and XᵀX·q (genes × width). */
  async pass(q: Float32Array): Promise<{ image: Float32Array; product: Float32Array }> {
    const { rows, width } = this;
    const image = new Float32Array(rows.count * rows.height * width);
    let product = new Float32Array(q.length);
    let sum = new Float32Array(q.length);
    for (let b = 0; b < rows.count; b++) {
      const y = image.subarray(b * rows.height * width, (b + 1) * rows.height * width);
      await this.passSession.run({ x: rows.get(b), q, z: product }, { y, sum });
      [product, sum] = [sum, product];
    }
    return { image, product };
  }

  /** aᵀb, width × width, summed in float64. */
  async gram(a: Float32Array, b: Float32Array): Promise<Float64Array> {
    return (await this.gramSession.run({ a, b })).c.data as Float64Array;
  }

  /** z − q qᵀz */
  async project(z: Float32Array, q: Float32Array): Promise<Float32Array> {
    return (await this.projectSession.run({ z, q })).out.data as Float32Array;
  }

  /** z + a·c */
  async addProduct(z: Float32Array, a: Float32Array, c: Float32Array): Promise<Float32Array> {
    return (await this.addProductSession.run({ z, a, c })).out.data as Float32Array;
  }

  /** Σ blocksᵢ · vectors[rows of block i, columns of block `which`]: as a block. */
  async combine(
    blocks: readonly Float32Array[],
    vectors: Float64Array,
    which: number,
  ): Promise<Float32Array> {
    const { width } = this;
    const m = blocks.length * width;
    let out: Float32Array = new Float32Array(blocks[0].length);
    for (let p = 0; p < blocks.length; p++) {
      const c = new Float32Array(width * width);
      for (let a = 0; a < width; a++)
        for (let b = 0; b < width; b++) c[a * width + b] = vectors[(p * width + a) * m + which * width + b];
      out = await this.addProduct(out, blocks[p], c);
    }
    return out;
  }

  async release(): Promise<void> {
    for (const session of [this.passSession, this.gramSession, this.addProductSession, this.projectSession])
      await session.release();
  }
}
type Session = Awaited<ReturnType<typeof createSession>>;
