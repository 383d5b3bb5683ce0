/**
 * Principal directions by randomised block Krylov iteration: multiply a random block of gene vectors by the
 * covariance again and again, keep all the blocks orthonormal, and take the best directions of their span
 * (Rayleigh–Ritz), until those stop moving. One streamed pass over X a round; exact where the span fills up.
 * Contract: products in float32 on onnxruntime, small algebra in float64; the result does not depend on threads.
 * References: Musco & Musco 2015 (block Krylov); Wu & Simon 2000 (thick restart); Stathopoulos & Wu 2002 (SVQB).
 */
import { Graph } from "../graph/graph.js";
import { cast } from "../graph/ops/cast.js";
import { matMul } from "../graph/ops/matmul.js";
import { createSession } from "../graph/session.js";
import type { Matrix } from "../matrix.js";
import type { RandomState } from "../random.js";
import { type Directions, type Search, withSpare } from "./directions.js";
import { RowBlocks } from "./row-blocks.js";
import { type Eigen, symmetricEigen } from "./symmetric-eigen.js";

/**
 * Widest block; the passes after which what has not converged is held to be a flat stretch of the spectrum (see APART), and
 * those after which the directions are taken as they are. As many columns in more passes span better directions: 20 passes of 16
 * are as near as 16 of 32, and 16 fill the vector units of the products. Where X has to be made dense anew for each pass, which
 * takes longer than the products, there are fewer passes.
 */
const BLOCKS = {
  kept: { widest: 16, patient: 20, most: 120 },
  refilled: { widest: 32, patient: 16, most: 60 },
};
/** Columns of the basis, as multiples of the directions sought, at a restart and kept then: bounds memory and eigenproblem. */
const MOST_OF_BASIS = 4;
const KEPT_OF_BASIS = 2;
/** A direction v with eigenvalue θ is found when its residual ‖Cv − θv‖ is below this share of θ. */
const TOLERANCE = 1e-3;
/** Small matrices, where a pass is cheap, get more patience: passes, by the number of values. */
const morePatience = (values: number) => 1e9 / values;
/**
 * Single directions mean little in a flat stretch. One that stands apart all the same (the next eigenvalue is 1 % away) may then
 * have a residual of 5 % of that distance, which leaves |cosine| > 0.9999 (measured), and any other one of 3 % of θ.
 */
const APART = { gap: 1e-2, tolerance: 0.05 };
const FLAT_TOLERANCE = 0.03;
/** Relative error of a float32 product. */
const ROUNDING = 1e-7;

/** @param x samples × genes, finite, at least two of each; @param mean of each gene */
export async function krylovDirections(x: Matrix, mean: Float64Array, search: Search): Promise<Directions> {
  const { rows: n, cols: genes } = x;
  const { k, random, threads, report } = search;
  const sought = Math.min(genes, withSpare(k));
  // The images have as many rows as any block has columns, see BlockAlgebra.
  const blocks = new RowBlocks(x, mean, sought);
  const { widest, patient, most } = blocks.keeps ? BLOCKS.kept : BLOCKS.refilled;
  const passes = { patient: Math.max(patient, morePatience(n * genes)), most };
  /** Runs with blocks of one width, from a first one on. */
  const run = async (width: number, first: OrthonormalBlock | null, round: number) => {
    const algebra = await BlockAlgebra.create(blocks, width, threads);
    try {
      const plan = { k, genes, sought, first, round, passes, random, report };
      return await iterate(algebra, plan);
    } finally {
      await algebra.release();
    }
  };
  const width = Math.min(sought, widest);
  let found = await run(width, null, 1);
  // The random first block holds some of the largest direction, so its products are rounded at the largest
  // eigenvalue's scale, which the residuals do not see. Where that matters, start anew from what was found.
  if (ROUNDING * found.values[0] > 0.1 * TOLERANCE * found.values[k - 1] && found.round < most)
    found = await run(sought, oneBlock(found, blocks.width, sought), found.round + 1);
  return { values: found.values, ...plain(found, genes, n, k) };
}

/** Columns to rows for the loadings, spare columns and rows cut off. */
function plain({ loadings: columns, scores: images, width }: Ritz, genes: number, n: number, k: number) {
  const loadings = new Float32Array(k * genes);
  const scores = new Float32Array(n * k);
  for (let i = 0; i < k; i++) {
    const [b, at] = [Math.floor(i / width), i % width];
    for (let j = 0; j < genes; j++) loadings[i * genes + j] = columns[b][j * width + at];
    for (let j = 0; j < n; j++) scores[j * k + i] = images[b][j * width + at];
  }
  return { loadings, scores };
}

/**
 * The directions found as one block. They stay as they are: made orthonormal anew they would be mixed, and the products of
 * all rounded at the scale of the largest again.
 */
function oneBlock({ loadings, width, rank }: Ritz, rows: number, columns: number): OrthonormalBlock {
  const block = new Float32Array(rows * columns);
  for (let j = 0; j < rows; j++)
    for (let c = 0; c < Math.min(columns, rank); c++)
      block[j * columns + c] = loadings[Math.floor(c / width)][j * width + (c % width)];
  return { block, rank: Math.min(columns, rank) };
}

interface Ritz {
  /** Eigenvalues of XᵀX, falling, k of them. */
  values: Float64Array;
  /** Blocks of length × width with the directions sought, as far as there are. */
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
  /** Those of the matrix; blocks have zero rows behind them (RowBlocks.width). */
  genes: number;
  /** Directions to keep, k and some spare ones. */
  sought: number;
  /** null: a random one. */
  first: OrthonormalBlock | null;
  /** Number of the first pass. */
  round: number;
  /** See BLOCKS. */
  passes: { patient: number; most: number };
  random: RandomState;
  report: Search["report"];
}

/** Stands for the eigenvalue of a column that was dropped (is zero): sorts it behind every real direction. */
const DROPPED = -1;

/** Grows the Krylov basis until the k best directions have converged. */
async function iterate(algebra: BlockAlgebra, plan: Plan): Promise<Ritz> {
  const { length, width } = algebra;
  const { k, genes, sought, passes, random, report } = plan;
  const [most, kept] = [MOST_OF_BASIS, KEPT_OF_BASIS].map((share) => Math.ceil((share * sought) / width));
  let basis: Float32Array[] = []; // each length × width, together orthonormal
  const stack = new Stack(most, length, width); // the same as rows
  let images: Float32Array[] = []; // X · basis, each samples × width
  let inner: Float64Array[][] = []; // inner[i][j] = imagesᵢᵀ imagesⱼ, j ≤ i: the covariance seen by the basis
  let next = plan.first;
  if (next === null) {
    const drawn = new Float32Array(length * width);
    for (let p = 0; p < genes * width; p++) drawn[p] = random.standardNormal();
    ({ next } = await orthonormalise(algebra, drawn, stack, plan));
  }

  for (let round = plan.round; ; round++) {
    report(0, `pass ${round}`);
    const { image, product } = await algebra.pass(next.block);
    const row: Float64Array[] = [];
    for (const other of images) row.push(await algebra.gram(image, other));
    const own = await algebra.square(image);
    for (let j = next.rank; j < width; j++) own[j * width + j] = DROPPED;
    row.push(own);
    basis.push(next.block);
    stack.push(next.block);
    images.push(image);
    inner.push(row);

    const { next: following, remainder } = await orthonormalise(algebra, product, stack, plan);
    // The small eigenproblem of a full basis takes as long as a pass: it is solved four times until then.
    const full = basis.length === most;
    const due = basis.length % Math.ceil(most / 4) === 0 && basis.length * width >= k;
    if (full || due || following.rank === 0) {
      const eigen = symmetricEigen(assemble(inner, width));
      const converged = countConverged(eigen, remainder, width, k, round >= passes.patient);
      report(converged, `pass ${round}`);
      const best = async (blocks: readonly Float32Array[], count: number) => {
        const chosen: Float32Array[] = [];
        for (let b = 0; b < count; b++) chosen.push(await algebra.combine(blocks, eigen.vectors, b));
        return chosen;
      };
      if (converged === k || following.rank === 0 || round >= passes.most) {
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
        stack.clear();
        for (const block of basis) stack.push(block);
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

/** Blocks of length × width as rows, one below the other: projecting on all of them is one product. */
class Stack {
  private readonly all: Float32Array;
  private filled = 0;

  constructor(
    most: number,
    private readonly length: number,
    private readonly width: number,
  ) {
    this.all = new Float32Array(most * width * length);
  }

  get rows(): Float32Array {
    return this.all.subarray(0, this.filled);
  }

  push(block: Float32Array): void {
    const { length, width, filled } = this;
    for (let j = 0; j < length; j++)
      for (let c = 0; c < width; c++) this.all[filled + c * length + j] = block[j * width + c];
    this.filled += block.length;
  }

  clear(): void {
    this.filled = 0;
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
  /** length × width; columns from `rank` on are zero. */
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
  basis: Stack,
  { genes, random }: Plan,
): Promise<{ next: OrthonormalBlock; remainder: Float64Array }> {
  const { width } = algebra;
  let block = z;
  let rank = width;
  let remainder: Float64Array = new Float64Array(0);
  for (let turn = 0; turn < 2; turn++) {
    let gram: Float64Array;
    if (basis.rows.length === 0) gram = await algebra.square(block);
    else ({ block, gram } = await algebra.project(block, basis.rows));
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

/**
 * The products, compiled once. Every product has at least as many rows as columns: onnxruntime then splits it among
 * threads by rows, which leaves each sum in one order, so that the result does not depend on the threads.
 */
class BlockAlgebra {
  private constructor(
    private readonly rows: RowBlocks,
    /** Rows of a block: the genes and the zero columns of X behind them. */
    readonly length: number,
    readonly width: number,
    private readonly passSession: Session,
    private readonly gramSession: Session,
    private readonly squareSession: Session,
    private readonly addProductSession: Session,
    private readonly projectSession: Session,
  ) {}

  static async create(rows: RowBlocks, width: number, threads?: number): Promise<BlockAlgebra> {
    const length = rows.width;
    const pass = new Graph("pca-pass");
    const x = pass.input("x", [rows.height, length]);
    const q = pass.input("q", [length, width]);
    const z = pass.input("z", [length, width]);
    const y = matMul(pass, x, q);
    pass.output("y", y);
    pass.output("sum", pass.op("Gemm", [x, y, z], [length, width], { transA: 1 }));

    const gram = new Graph("pca-gram");
    const wide = ["a", "b"].map((name) => cast(gram, gram.input(name, ["rows", width]), "float64"));
    gram.output("c", gram.op("Gemm", wide, [width, width], { transA: 1 }, { type: "float64" }));

    const add = new Graph("pca-add-product");
    const parts = [
      add.input("a", ["rows", width]),
      add.input("c", [width, width]),
      add.input("z", ["rows", width]),
    ];
    add.output("out", add.op("Gemm", parts, ["rows", width]));

    const square = new Graph("pca-square");
    const exact = cast(square, square.input("a", ["rows", width]), "float64");
    square.output("c", square.op("Gemm", [exact, exact], [width, width], { transA: 1 }, { type: "float64" }));

    const project = new Graph("pca-project");
    const from = project.input("z", [length, width]);
    const basis = project.input("basis", ["rows", length]);
    const overlap = matMul(project, basis, from);
    const left = project.op("Gemm", [basis, overlap, from], [length, width], {
      transA: 1,
      alpha: { float: -1 },
    });
    const leftExact = cast(project, left, "float64");
    project.output("out", left);
    project.output("c", project.op("Gemm", [leftExact, leftExact], [width, width], { transA: 1 }));

    const sessions = [pass, gram, square, add, project].map((graph) =>
      createSession(graph, {
        threads,
        // The basis begins with one block as so many rows.
        mostThreads: graph === project ? Math.ceil(width / 2) : undefined,
        spinning: graph === pass,
        inPlace: graph === pass,
      }),
    );
    const [s0, s1, s2, s3, s4] = await Promise.all(sessions);
    return new BlockAlgebra(rows, length, width, s0, s1, s2, s3, s4);
  }

  /** One pass over X: the image X·q (samples × width) and XᵀX·q (length × width). */
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

  /** aᵀa */
  async square(a: Float32Array): Promise<Float64Array> {
    return (await this.squareSession.run({ a })).c.data as Float64Array;
  }

  /** block = z − basisᵀ basis z, and its Gram matrix. */
  async project(z: Float32Array, basis: Float32Array): Promise<{ block: Float32Array; gram: Float64Array }> {
    const { out, c } = await this.projectSession.run({ z, basis });
    return { block: out.data as Float32Array, gram: c.data as Float64Array };
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
    const { passSession, gramSession, squareSession, addProductSession, projectSession } = this;
    for (const session of [passSession, gramSession, squareSession, addProductSession, projectSession])
      await session.release();
  }
}
type Session = Awaited<ReturnType<typeof createSession>>;
