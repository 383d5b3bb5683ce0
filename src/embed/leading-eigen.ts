/**
 * The largest eigenpairs of a positive semidefinite matrix in memory, in float64: subspace iteration by Chebyshev
 * polynomials that keep down what lies below the block's smallest Ritz value. A small matrix is solved whole.
 * Contract: the result does not depend on threads; null where the eigenvalues sought span too many powers of ten.
 * References: Zhou & Saad 2007 (Chebyshev–Davidson); Fukaya et al. 2014 (Cholesky QR, done twice before each Rayleigh–Ritz).
 */
import { Graph } from "../graph/graph.js";
import { createSession, type Session } from "../graph/session.js";
import { type Search, withSpare } from "./directions.js";
import { type Eigen, symmetricEigen } from "./symmetric-eigen.js";

/** Up to here, and where half of all eigenvectors are sought, the whole problem is solved. */
const SMALL = 128;
/** A direction v with eigenvalue θ is found when ‖Gv − θv‖ is below this share of the distance to the next eigenvalue … */
const SHARE_OF_GAP = 1e-3;
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
  const m = Math.sqrt(g.length);
  const { k, random, threads, report } = search;
  const width = withSpare(k);
  if (m <= Math.max(SMALL, 2 * width)) return symmetricEigen(g);

  const algebra = await Algebra.create(g, width, threads);
  let filter: Filter | undefined;
  try {
    const drawn = Float64Array.from({ length: m * width }, () => random.standardNormal());
    let ritz = await algebra.ritz(drawn);
    for (let products = 1; ritz !== null; ) {
      const { values }: Ritz = ritz;
      const [largest, cut] = [values[0], values[width - 1]];
      const missing = excesses(ritz, k, products > PATIENCE);
      report(missing.filter((f) => f <= 1).length, `${products} products`);
      if (missing.every((f) => f <= 1) || products > MOST_PRODUCTS) return ritz;
      if (!(cut > LEAST * largest)) {
        // The first block is a random one, which says little of the smallest eigenvalue sought.
        if (products > DEGREES.first) return null;
        ritz = await algebra.ritz(ritz.images);
        products += DEGREES.first;
        continue;
      }
      // Each degree brings a direction nearer by the factor exp(rate).
      const rate = (value: number) => Math.acosh(Math.max(1, (2 * value) / cut - 1));
      const wanted = missing.map((f, i) => (f <= 1 ? 0 : Math.log(f) / rate(values[i])));
      const degrees =
        products === 1
          ? DEGREES.first
          : Math.min(DEGREES.most, Math.max(DEGREES.least, 1.1 * Math.max(...wanted)));
      const steps = Math.max(1, Math.min(4, Math.floor(Math.log(SPREAD) / rate(largest))));
      if (filter?.steps !== steps) {
        await filter?.release();
        filter = await Filter.create(g, width, steps, threads);
      }
      const runs = Math.ceil(degrees / steps);
      const next = await filter.apply(ritz, cut, runs);
      products += runs * steps + 1;
      ritz = next && (await algebra.ritz(next));
    }
    return null;
  } finally {
    await algebra.release();
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
    const share = relax ? TOLERANCE.relaxed : TOLERANCE.patient;
    return Math.sqrt(squares[i]) / Math.max(share * values[i], SHARE_OF_GAP * gap, 1e-14 * values[0]);
  });
}

/** R⁻¹ of a Gram matrix RᵀR (Cholesky, upper); null where it is singular but for rounding. */
function inverseCholesky(gram: Float64Array): Float64Array | null {
  const s = Math.sqrt(gram.length);
  const r = gram.slice();
  for (let i = 0; i < s; i++) {
    const row = r.subarray(i * s, (i + 1) * s);
    if (!(row[i] > SINGULAR * gram[i * s + i])) return null;
    const scale = 1 / Math.sqrt(row[i]);
    for (let j = i; j < s; j++) row[j] *= scale;
    for (let q = i + 1; q < s; q++) {
      const factor = row[q];
      const below = r.subarray(q * s, (q + 1) * s);
      for (let j = q; j < s; j++) below[j] -= factor * row[j];
    }
  }
  const inverse = new Float64Array(s * s);
  for (let i = s - 1; i >= 0; i--) {
    const row = inverse.subarray(i * s, (i + 1) * s);
    row[i] = 1;
    for (let p = i + 1; p < s; p++) {
      const factor = r[i * s + p];
      const below = inverse.subarray(p * s, (p + 1) * s);
      for (let j = p; j < s; j++) row[j] -= factor * below[j];
    }
    const scale = 1 / r[i * s + i];
    for (let j = i; j < s; j++) row[j] *= scale;
  }
  return inverse;
}

function diagonal(values: Float64Array): Float64Array {
  const s = values.length;
  const out = new Float64Array(s * s);
  for (let i = 0; i < s; i++) out[i * s + i] = values[i];
  return out;
}

/** The products of Rayleigh–Ritz. All have more rows than columns, so that the result does not depend on threads (see krylov.ts). */
class Algebra {
  private constructor(
    private readonly g: Float64Array,
    /** As many as a block has columns. */
    private readonly ones: Float64Array,
    private readonly turn: Session,
    private readonly project: Session,
  ) {}

  static async create(g: Float64Array, width: number, threads?: number): Promise<Algebra> {
    const m = Math.sqrt(g.length);
    const turn = new Graph("eigen-turn");
    const turned = turn.op(
      "MatMul",
      [turn.input("y", [m, width], "float64"), turn.input("r", [width, width], "float64")],
      [m, width],
    );
    turn.output("b", turned);
    turn.output("gram", turn.op("Gemm", [turned, turned], [width, width], { transA: 1 }));

    const project = new Graph("eigen-project");
    const q = project.input("q", [m, width], "float64");
    const image = project.op("MatMul", [project.input("g", [m, m], "float64"), q], [m, width]);
    project.output("image", image);
    project.output("t", project.op("Gemm", [q, image], [width, width], { transA: 1 }));
    const options = threads === undefined ? {} : { threads };
    const sessions = [turn, project].map((graph) => createSession(graph, options));
    const [a, b] = await Promise.all(sessions);
    return new Algebra(g, new Float64Array(width).fill(1), a, b);
  }

  /** Rayleigh–Ritz in the span of y; null where that has fewer dimensions than columns. */
  async ritz(y: Float64Array): Promise<Ritz | null> {
    const { g } = this;
    let q = y;
    for (let again = 0; again < 2; again++) {
      const r = inverseCholesky(await this.gram(q));
      if (r === null) return null;
      q = await this.times(q, r);
    }
    const { image, t } = await this.project.run({ g, q });
    const { values, vectors } = symmetricEigen(t.data as Float64Array);
    const turned = await this.times(q, vectors);
    return { values, vectors: turned, images: await this.times(image.data as Float64Array, vectors) };
  }

  private async times(y: Float64Array, r: Float64Array): Promise<Float64Array> {
    return (await this.turn.run({ y, r })).b.data as Float64Array;
  }

  private async gram(y: Float64Array): Promise<Float64Array> {
    const r = diagonal(this.ones);
    return (await this.turn.run({ y, r })).gram.data as Float64Array;
  }

  async release(): Promise<void> {
    await this.turn.release();
    await this.project.release();
  }
}

/**
 * Chebyshev's recurrence on (2 / cut) G − 1. The block is made orthonormal every few degrees, by a triangular matrix from the
 * right that the block before it is multiplied with too: the recurrence goes on as if nothing had been done.
 */
class Filter {
  private constructor(
    private readonly g: Float64Array,
    readonly steps: number,
    private readonly session: Session,
  ) {}

  /** @param steps degrees between two times that the block is made orthonormal */
  static async create(g: Float64Array, width: number, steps: number, threads?: number): Promise<Filter> {
    const m = Math.sqrt(g.length);
    const graph = new Graph("eigen-filter");
    const matrix = graph.input("g", [m, m], "float64");
    const r = graph.input("r", [width, width], "float64");
    const scale = graph.input("scale", [1], "float64");
    let [before, block] = ["before", "block"].map((name) =>
      graph.op("MatMul", [graph.input(name, [m, width], "float64"), r], [m, width]),
    );
    const two = graph.constant(Float64Array.of(2));
    for (let i = 0; i < steps; i++) {
      const image = graph.op("Mul", [graph.op("MatMul", [matrix, block], [m, width]), scale], [m, width]);
      const less = graph.op("Add", [graph.op("Mul", [block, two], [m, width]), before], [m, width]);
      [before, block] = [block, graph.op("Sub", [image, less], [m, width])];
    }
    graph.output("last", before);
    graph.output("next", block);
    graph.output("gram", graph.op("Gemm", [block, block], [width, width], { transA: 1 }));
    const options = { ...(threads !== undefined && { threads }), spinning: true };
    return new Filter(g, steps, await createSession(graph, options));
  }

  /** The polynomial of degree 1 + runs · steps of the vectors, times something; null where columns became dependent. */
  async apply({ values, vectors, images }: Ritz, cut: number, runs: number): Promise<Float64Array | null> {
    let before = vectors;
    let block: Float64Array = vectors.map((v, p) => (2 / cut) * images[p] - v);
    // Ritz vectors stay orthogonal in the first degree.
    let r: Float64Array | null = diagonal(values.map((v) => 1 / ((2 * v) / cut - 1)));
    const scale = Float64Array.of(4 / cut);
    for (let run = 0; run < runs; run++) {
      const out = await this.session.run({ g: this.g, before, block, r, scale });
      before = out.last.data as Float64Array;
      block = out.next.data as Float64Array;
      r = inverseCholesky(out.gram.data as Float64Array);
      if (r === null) return null;
    }
    return block;
  }

  release(): Promise<void> {
    return this.session.release();
  }
}
