/**
 * The largest eigenpairs of a positive semidefinite matrix in memory, in float64: subspace iteration by Chebyshev
 * polynomials that keep down what lies below the block's smallest Ritz value. A small matrix is solved whole.
 * Contract: the result does not depend on threads; null where the eigenvalues sought span too many powers of ten.
 * References: Zhou & Saad 2007 (Chebyshev–Davidson); Fukaya et al. 2014 (Cholesky QR, done twice before each Rayleigh–Ritz).
 */
import { Graph } from "../graph/graph.js";
import { createSession, type Session } from "../graph/session.js";
import { type Search, withSpare } from "./directions.js";
import { type Eigen, orderOf, symmetricEigen } from "./symmetric-eigen.js";

/** Up to here, and where half of all eigenvectors are sought, the whole problem is solved. */
export const SMALL = 128;
/**
 * A direction v with eigenvalue θ is found when its residual r = ‖Gv − θv‖, which all leads out of the block, turns it by no
 * more than these angles: r / d out of the block, where d is the distance of θ to the block's last eigenvalue, and r² / (d · gap)
 * towards a neighbour in it …
 */
const TURN = { out: 5e-4, within: 2e-3 };
/** … but need not be below the first share of θ, nor, after so many products that the spectrum must be flat, the second. */
const TOLERANCE = { patient: 1e-6, relaxed: 1e-3 };
const PATIENCE = 300;
/** Products with G after which the directions are taken as they are. */
const MOST_PRODUCTS = 1000;
/** Degrees between two Rayleigh–Ritz steps. */
const DEGREES = { first: 8, least: 4, most: 60 };
/** By how much the columns of a block may grow apart before it is made orthonormal again: Cholesky QR squares it. */
const SPREAD = 1e6;
/** What is left of a squared length below which columns are dependent; above it Cholesky QR done twice is exact. */
const SINGULAR = 1e-14;
/** Smallest over largest eigenvalue of the block below which even one product spreads it too far. */
const LEAST = 1e-5;

/**
 * @param g m × m, symmetric
 * @returns at least k pairs: values falling, vectors m × values.length, row-major
 */
export async function leadingEigen(g: Float64Array, search: Search): Promise<Eigen | null> {
  const m = orderOf(g);
  const { k, random, threads, report } = search;
  const width = withSpare(k);
  if (m <= Math.max(SMALL, 2 * width)) return symmetricEigen(g);

  const ritz = await RayleighRitz.create(g, width, threads);
  let filter: Filter | undefined;
  try {
    const twiceH = new Float64Array(g.length);
    const drawn = Float64Array.from({ length: m * width }, () => random.standardNormal());
    let found = await ritz.in(drawn, ritz.identity);
    for (let products = 1; found !== null; ) {
      const { values }: Ritz = found;
      const [largest, cut] = [values[0], values[width - 1]];
      const missing = excesses(found, k, products > PATIENCE);
      report(missing.filter((f) => f <= 1).length, `${products} products`);
      if (missing.every((f) => f <= 1) || products > MOST_PRODUCTS) return found;
      if (!(cut > LEAST * largest)) {
        // The first block is a random one, which says little of the smallest eigenvalue sought.
        if (products > DEGREES.first) return null;
        const r = await ritz.orthonormalising(found.images);
        found = r && (await ritz.in(found.images, r));
        products += DEGREES.first;
        continue;
      }
      // Each degree brings a direction nearer by the factor exp(rate).
      const rate = (value: number) => Math.acosh(Math.max(1, (2 * value) / cut - 1));
      const wanted = missing.map((f, i) => (f <= 1 ? 0 : Math.log(f) / rate(values[i])));
      // The block's last eigenvalue is still too low, and the rates too high; a degree takes less than a Rayleigh–Ritz step.
      const margin = products < 2 * DEGREES.first ? 2.2 : 1.2;
      const degrees =
        products === 1
          ? DEGREES.first
          : Math.min(DEGREES.most, Math.max(DEGREES.least, margin * Math.max(...wanted)));
      const steps = Math.max(1, Math.min(4, Math.floor(Math.log(SPREAD) / rate(largest))));
      if (filter?.steps !== steps) {
        await filter?.release();
        filter = await Filter.create(m, width, steps, threads);
      }
      const runs = Math.ceil(degrees / steps);
      const next = await filter.apply(g, found, { cut, runs, twiceH });
      products += runs * steps + 1;
      found = next && (await ritz.in(next.block, next.r));
    }
    return null;
  } finally {
    await ritz.release();
    await filter?.release();
  }
}

interface Ritz extends Eigen {
  /** G · vectors */
  images: Float64Array;
}

/** Of the first k directions: residual over tolerance. */
function excesses({ values, vectors, images }: Ritz, k: number, relax: boolean): number[] {
  const width = values.length;
  const squares = new Float64Array(width);
  for (let p = 0; p < vectors.length; p++) {
    const i = p % width;
    squares[i] += (images[p] - values[i] * vectors[p]) ** 2;
  }
  return Array.from({ length: k }, (_, i) => {
    const gap = Math.min(i > 0 ? values[i - 1] - values[i] : Infinity, values[i] - values[i + 1]);
    const out = values[i] - values[width - 1];
    const turned = Math.min(TURN.out * out, Math.sqrt(TURN.within * out * gap));
    const share = relax ? TOLERANCE.relaxed : TOLERANCE.patient;
    return Math.sqrt(squares[i]) / Math.max(share * values[i], turned, 1e-14 * values[0]);
  });
}

/** R⁻¹ of a Gram matrix RᵀR (Cholesky, upper); null where it is singular but for rounding. */
function inverseCholesky(gram: Float64Array): Float64Array | null {
  const s = orderOf(gram);
  const r = gram.slice();
  for (let i = 0; i < s; i++) {
    const row = i * s;
    if (!(r[row + i] > SINGULAR * gram[row + i])) return null;
    const scale = 1 / Math.sqrt(r[row + i]);
    for (let j = i; j < s; j++) r[row + j] *= scale;
    for (let q = i + 1; q < s; q++) {
      const factor = r[row + q];
      for (let j = q; j < s; j++) r[q * s + j] -= factor * r[row + j];
    }
  }
  const inverse = new Float64Array(s * s);
  for (let i = s - 1; i >= 0; i--) {
    const row = i * s;
    inverse[row + i] = 1;
    for (let p = i + 1; p < s; p++) {
      const factor = r[row + p];
      for (let j = p; j < s; j++) inverse[row + j] -= factor * inverse[p * s + j];
    }
    const scale = 1 / r[row + i];
    for (let j = i; j < s; j++) inverse[row + j] *= scale;
  }
  return inverse;
}

function diagonal(values: Float64Array): Float64Array {
  const s = values.length;
  const out = new Float64Array(s * s);
  for (let i = 0; i < s; i++) out[i * s + i] = values[i];
  return out;
}

/** a · b, or aᵀ · b, of small square matrices. */
function product(a: Float64Array, b: Float64Array, transA = false): Float64Array {
  const s = orderOf(a);
  const out = new Float64Array(s * s);
  for (let i = 0; i < s; i++)
    for (let p = 0; p < s; p++) {
      const factor = transA ? a[p * s + i] : a[i * s + p];
      for (let j = 0; j < s; j++) out[i * s + j] += factor * b[p * s + j];
    }
  return out;
}

/** Rayleigh–Ritz. All products have more rows than columns, so that the result does not depend on threads (see krylov.ts). */
class RayleighRitz {
  private constructor(
    private readonly g: Float64Array,
    private readonly project: Session,
    private readonly turn: Session,
    /** width × width */
    readonly identity: Float64Array,
  ) {}

  static async create(g: Float64Array, width: number, threads?: number): Promise<RayleighRitz> {
    const m = orderOf(g);
    const [small, tall] = [
      [width, width],
      [m, width],
    ];
    const project = new Graph("eigen-project");
    const y = project.input("y", tall, "float64");
    const q = project.op("MatMul", [y, project.input("r", small, "float64")], tall);
    const image = project.op("MatMul", [project.input("g", [m, m], "float64"), q], tall);
    project.output("basis", q);
    project.output("image", image);
    project.output("overlaps", project.op("Gemm", [q, q], small, { transA: 1 }));
    project.output("inner", project.op("Gemm", [q, image], small, { transA: 1 }));

    const turn = new Graph("eigen-turn");
    const v = turn.input("v", small, "float64");
    for (const [from, to] of [
      ["basis", "vectors"],
      ["image", "images"],
    ])
      turn.output(to, turn.op("MatMul", [turn.input(from, tall, "float64"), v], tall));
    const [a, b] = await Promise.all([project, turn].map((graph) => createSession(graph, { threads })));
    return new RayleighRitz(g, a, b, diagonal(new Float64Array(width).fill(1)));
  }

  /** A triangular matrix that makes the columns of y orthonormal but for rounding; null where they are dependent. */
  async orthonormalising(y: Float64Array): Promise<Float64Array | null> {
    const { overlaps } = await this.project.run({ g: this.g, y, r: this.identity });
    return inverseCholesky(overlaps.data as Float64Array);
  }

  /** In the span of y · r, whose columns are orthonormal but for rounding; null where it has fewer dimensions than columns. */
  async in(y: Float64Array, r: Float64Array): Promise<Ritz | null> {
    const { basis, image, overlaps, inner } = await this.project.run({ g: this.g, y, r });
    // With Q = basis · R⁻¹ orthonormal, the eigenvectors of QᵀGQ.
    const inverse = inverseCholesky(overlaps.data as Float64Array);
    if (inverse === null) return null;
    const { values, vectors } = symmetricEigen(
      product(inverse, product(inner.data as Float64Array, inverse), true),
    );
    const turned = await this.turn.run({
      v: product(inverse, vectors),
      basis: basis.data as Float64Array,
      image: image.data as Float64Array,
    });
    return {
      values,
      vectors: turned.vectors.data as Float64Array,
      images: turned.images.data as Float64Array,
    };
  }

  async release(): Promise<void> {
    await this.project.release();
    await this.turn.release();
  }
}

/**
 * Chebyshev's recurrence on H = (2 / cut) G − 1: next = 2H · block − before. The block is made orthonormal every few degrees, by a
 * triangular matrix from the right that the block before it is multiplied with too: the recurrence goes on as if nothing had
 * been done.
 */
class Filter {
  private constructor(
    readonly steps: number,
    private readonly session: Session,
  ) {}

  /** @param steps degrees between two times that the block is made orthonormal */
  static async create(m: number, width: number, steps: number, threads?: number): Promise<Filter> {
    const graph = new Graph("eigen-filter");
    const matrix = graph.input("twice-h", [m, m], "float64");
    const r = graph.input("r", [width, width], "float64");
    let [before, block] = ["before", "block"].map((name) =>
      graph.op("MatMul", [graph.input(name, [m, width], "float64"), r], [m, width]),
    );
    for (let i = 0; i < steps; i++)
      [before, block] = [
        block,
        graph.op("Gemm", [matrix, block, before], [m, width], { beta: { float: -1 } }),
      ];
    graph.output("last", before);
    graph.output("next", block);
    graph.output("gram", graph.op("Gemm", [block, block], [width, width], { transA: 1 }));
    return new Filter(steps, await createSession(graph, { threads, spinning: true }));
  }

  /**
   * The polynomial of degree 1 + runs · steps of the vectors, times something, as block · r with columns that are orthonormal
   * but for rounding; null where they became dependent.
   * @param twiceH room for 2H
   */
  async apply(
    g: Float64Array,
    { values, vectors, images }: Ritz,
    { cut, runs, twiceH }: { cut: number; runs: number; twiceH: Float64Array },
  ): Promise<{ block: Float64Array; r: Float64Array } | null> {
    const m = orderOf(g);
    // Loops, as `map` would take a tenth of the whole.
    for (let p = 0; p < g.length; p++) twiceH[p] = (4 / cut) * g[p];
    for (let i = 0; i < m; i++) twiceH[i * m + i] -= 2;
    let before = vectors;
    let block = new Float64Array(vectors.length);
    for (let p = 0; p < block.length; p++) block[p] = (2 / cut) * images[p] - vectors[p];
    // Ritz vectors stay orthogonal in the first degree.
    let r: Float64Array | null = diagonal(values.map((v) => 1 / ((2 * v) / cut - 1)));
    for (let run = 0; run < runs; run++) {
      const out = await this.session.run({ "twice-h": twiceH, before, block, r });
      before = out.last.data as Float64Array;
      block = out.next.data as Float64Array<ArrayBuffer>;
      r = inverseCholesky(out.gram.data as Float64Array);
      if (r === null) return null;
    }
    return { block, r };
  }

  release(): Promise<void> {
    return this.session.release();
  }
}
