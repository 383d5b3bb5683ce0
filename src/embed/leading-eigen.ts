/**
 * The space of the largest eigenvalues of a positive semidefinite matrix in memory: subspace iteration by Chebyshev polynomials
 * that keep down what lies below the block's last eigenvalue. The caller finds the eigenvectors within it (Rayleigh–Ritz),
 * since a Gram matrix has lost digits that the matrix behind it still has.
 * Contract: in the precision of the matrix; the result does not depend on threads; null where the eigenvalues sought span too
 * many powers of ten.
 * References: Zhou & Saad 2007 (Chebyshev–Davidson); Fukaya et al. 2014 (Cholesky QR).
 */
import { Graph, type Value } from "../graph/graph.js";
import { cast } from "../graph/ops/cast.js";
import { matMul } from "../graph/ops/matmul.js";
import { createSession, type Session } from "../graph/session.js";
import { inverseCholesky } from "./cholesky.js";
import {
  type Floats,
  floats,
  MOST_THREADS,
  type Precision,
  precisionOf,
  type Search,
  withSpare,
} from "./directions.js";
import { type Eigen, orderOf, symmetricEigen } from "./symmetric-eigen.js";

/** Up to here, and where half of all eigenvectors are sought, the whole problem is solved. */
export const SMALL = 128;
/** Plain products with G before the first polynomial: they tell the block's last eigenvalue to a tenth. */
const PLAIN = 3;
/** Degree of the first polynomial, which tells it to a hundredth, as the second one needs. */
const FIRST_DEGREE = 8;
/**
 * The second polynomial begins so much above what the first one took for the last eigenvalue, which is rather too low; a cut that
 * is as much too high costs fewer degrees than one that is too low.
 */
const RAISE = 1.015;
/** Angle between each direction sought and the block, as foretold, at which the iteration ends. */
const ANGLE = 1e-4;
/**
 * A Ritz vector v with value θ is taken when its residual r = ‖Gv − θv‖, which all leads out of the block, turns it by no more
 * than these angles: r / d out of the block, where d is the distance of θ to the block's last value, and r² / (d · gap) towards a
 * neighbour in it, or towards what is apart from it by so large a share of θ.
 */
const TURN = { out: 1e-3, within: 2e-3, apart: 1e-3 };
/** Products with G after which the spectrum must be flat: then a residual of this share of θ will do. */
const FLAT = { products: 150, share: 1e-3 };
/** Spaces after which the directions are taken as they are. */
const MOST_SPACES = 5;
/**
 * Degrees between two times that the block is made orthonormal, and by how much (a logarithm) its directions may grow apart until
 * then: rounding leaves some of the largest in every column.
 */
const STEPS = { most: 4, spread: 20 };
/** What must be left of columns' squared lengths (see cholesky.ts): while they are mixtures, and once they are directions. */
const LEFT = { mixed: 1e-14, apart: 1e-9 };
/** Smallest over largest eigenvalue of the block below which even one product spreads it too far. */
const LEAST = 1e-5;

/** Eigenvectors within the span of a basis, as coordinates in it: width × width, and their eigenvalues, falling. */
export type RayleighRitz = (basis: Floats) => Promise<Eigen>;

export interface LeadingEigen {
  /** m × width, row-major; orthonormal columns. */
  basis: Floats;
  /** The caller's answer for this basis. */
  ritz: Eigen;
}

/** @param g m × m, symmetric */
export async function leadingEigen(
  g: Floats,
  rayleighRitz: RayleighRitz,
  search: Search,
): Promise<LeadingEigen | null> {
  const m = orderOf(g);
  const width = withSpare(search.k);
  if (m <= Math.max(SMALL, 2 * width)) {
    const all = symmetricEigen(Float64Array.from(g)).vectors;
    const most = Math.min(m, width);
    const basis = Float64Array.from(
      { length: m * most },
      (_, p) => all[Math.floor(p / most) * m + (p % most)],
    );
    return { basis, ritz: await rayleighRitz(basis) };
  }
  const block = await Block.create(g, width, search);
  try {
    return await iterate(block, rayleighRitz, search);
  } finally {
    await block.release();
  }
}

async function iterate(
  block: Block,
  rayleighRitz: RayleighRitz,
  { k, report }: Search,
): Promise<LeadingEigen | null> {
  const { m, width } = block;
  for (let i = 0; i < PLAIN; i++) if (!(await block.multiply())) return null;
  /** By how much (a logarithm) each direction must outgrow what is not in the block: a random one leaves this tangent. */
  let needed: Float64Array = new Float64Array(k).fill(Math.log(Math.sqrt(m / width) / ANGLE));
  let flat = FLAT.products;
  let spaces = 0;
  for (let first = true; ; first = false) {
    const { values } = block;
    if (!(values[width - 1] > LEAST * values[0])) return null;
    // A flat stretch is not cut off.
    const [last, sought] = [values[width - 1], values[k - 1]];
    if (!(await block.begin(first ? last : Math.min(RAISE * last, (last + sought) / 2)))) return null;
    let left = k;
    while (left > 0 && (first ? block.degree < FIRST_DEGREE : block.products < flat)) {
      if (!(await block.grow())) {
        if (block.degree === 1) return null;
        break;
      }
      const grown = block.grown(k);
      left = grown.filter((g, i) => g < needed[i]).length;
      report(k - left, `${block.products} products`);
    }
    if (first && left > 0) continue;

    const basis = await block.basis();
    const ritz = await rayleighRitz(basis);
    const excess = await block.excesses(ritz, k, block.products >= FLAT.products);
    if (excess.every((e) => e <= 1) || ++spaces === MOST_SPACES) return { basis, ritz };
    needed = Float64Array.from(excess, (e) => Math.log(Math.max(1, 2 * e)));
    flat = block.products + FLAT.products;
  }
}

/** By how much (a logarithm) a degree of the polynomial multiplies a direction: none below the cut. */
const rate = (value: number, cut: number) => Math.acosh(Math.max(1, (2 * value) / cut - 1));

/**
 * A block of vectors under products with G, held as `columns · turn`, where `turn` makes it orthonormal. It is triangular, as in
 * Gram–Schmidt's order: so column i nears eigenvector i, and what it grew by in the last products tells eigenvalue i.
 * All products have more rows than columns, so that the result does not depend on threads (see krylov.ts).
 */
class Block {
  /** What the largest eigenvalues are held to be, falling. */
  values: Float64Array = new Float64Array(0);
  /** Products with G so far. */
  products = 0;
  /** What made the block from a random one, or from Ritz vectors: plain products, and Chebyshev polynomials. */
  private plain = 0;
  private polynomials: { cut: number; degree: number }[] = [];
  private turn: Float64Array;
  /** The block and, of a polynomial, the one before it; and two arrays for the next ones. */
  private columns: Floats;
  private before: Floats;
  private spare: readonly [Floats, Floats];
  private readonly gram: Float64Array;
  private readonly twiceH: Floats;
  private growing: { steps: number; session: Session } | null = null;

  private constructor(
    private readonly g: Floats,
    private readonly multiplying: Session,
    readonly m: number,
    readonly width: number,
    { random, threads }: Search,
  ) {
    this.precision = precisionOf(g);
    const block = () => floats(this.precision, m * width);
    [this.columns, this.before, this.spare] = [block(), block(), [block(), block()]];
    this.gram = new Float64Array(width * width);
    // Random signs say as much as normal numbers would, and take less time.
    for (let p = 0, bits = 0; p < this.columns.length; p++, bits >>>= 1) {
      if (p % 32 === 0) bits = random.uint32();
      this.columns[p] = bits & 1 ? 1 : -1;
    }
    this.turn = identity(width);
    this.twiceH = floats(this.precision, g.length);
    this.threads = threads;
  }
  private readonly precision: Precision;
  private readonly threads: number | undefined;

  static async create(g: Floats, width: number, search: Search): Promise<Block> {
    const m = orderOf(g);
    const tall = [m, width];
    const graph = new Graph("eigen-multiply");
    const columns = graph.input("columns", tall, precisionOf(g));
    const turned = matMul(
      graph,
      cast(graph, columns, "float64"),
      graph.input("turn", [width, width], "float64"),
    );
    const last = cast(graph, turned, precisionOf(g));
    const factor = (name: string) => graph.input(name, [1], precisionOf(g));
    const scaled = graph.op("Mul", [graph.input("g", [m, m], precisionOf(g)), factor("scale")], [m, m]);
    const less = graph.op("Mul", [last, factor("shift")], tall);
    const next = graph.op("Sub", [matMul(graph, scaled, last), less], tall);
    graph.output("last", last);
    graph.output("next", next);
    graph.output("scaled", scaled);
    graph.output("gram", squareOf(graph, next));
    return new Block(
      g,
      await createSession(graph, { threads: search.threads, mostThreads: MOST_THREADS, inPlace: true }),
      m,
      width,
      search,
    );
  }

  /** Degree of the polynomial under way. */
  get degree(): number {
    return this.polynomials.at(-1)?.degree ?? 0;
  }

  /** G · block. @returns whether the columns are still independent, as do all of these */
  async multiply(): Promise<boolean> {
    const { last, next } = await this.product();
    [this.columns, this.spare] = [next, [last, this.columns]];
    this.plain++;
    return this.orthonormalise(LEFT.mixed, (growth) => growth);
  }

  /** Begins a polynomial that keeps down what is below the cut: Chebyshev's of H = (2 / cut) G − 1, which is between −1 and 1 there. */
  async begin(cut: number): Promise<boolean> {
    const { twiceH, m, values } = this;
    // The first two, both times 2, as the second comes.
    const { last, next } = await this.product(4 / cut, 2);
    for (let i = 0; i < m; i++) twiceH[i * m + i] -= 2;
    for (let p = 0; p < last.length; p++) last[p] *= 2;
    this.move(last, next);
    this.polynomials.push({ cut, degree: 1 });
    const steps = Math.max(1, Math.min(STEPS.most, Math.floor(STEPS.spread / rate(values[0], cut))));
    if (this.growing?.steps !== steps) {
      await this.growing?.session.release();
      this.growing = { steps, session: await this.growingBy(steps) };
    }
    return this.orthonormalise(LEFT.apart, null);
  }

  /**
   * Some degrees more of the polynomial, by the recurrence next = 2H · block − before: turned both, it goes on as if nothing had
   * been. Where the columns become dependent, which rounding does in the long run, all stays as it was.
   */
  async grow(): Promise<boolean> {
    const { twiceH, before, columns, polynomials, growing, precision } = this;
    const polynomial = polynomials.at(-1);
    if (polynomial === undefined || growing === null)
      throw new Error("leading-eigen: no polynomial is begun");
    const turn = floats(precision, this.turn.length);
    turn.set(this.turn);
    const [last, next] = this.spare;
    await growing.session.run({ "twice-h": twiceH, before, columns, turn }, { last, next, gram: this.gram });
    const { steps } = growing;
    this.products += steps;
    const { cut } = polynomial;
    const independent = this.orthonormalise(
      LEFT.apart,
      (growth) => (cut * (Math.cosh(Math.max(0, Math.log(growth)) / steps) + 1)) / 2,
    );
    if (!independent) return false;
    this.move(last, next);
    polynomial.degree += steps;
    return true;
  }

  /** By how much (a logarithm) each of the first k directions outgrew all that is not in the block. */
  grown(k: number): Float64Array {
    const { values, width, plain, polynomials } = this;
    const outside = values[width - 1];
    return values.slice(0, k).map((value) => {
      const byPlain = plain * Math.log(value / outside);
      return polynomials.reduce(
        (sum, { cut, degree }) => sum + degree * (rate(value, cut) - rate(outside, cut)),
        byPlain,
      );
    });
  }

  /** The block itself. */
  async basis(): Promise<Floats> {
    const { last, next } = await this.product();
    [this.columns, this.spare] = [last, [next, this.columns]];
    this.turn = identity(this.width);
    return last;
  }

  /**
   * Of the first k Ritz vectors: residual over tolerance. The block is turned to them, and growth is counted from here.
   * @param relax whether FLAT's share will do
   */
  async excesses(ritz: Eigen, k: number, relax: boolean): Promise<Float64Array> {
    this.turn = ritz.vectors;
    const { last, next } = await this.product();
    const { m, width } = this;
    [this.columns, this.spare] = [last, [next, this.columns]];
    this.turn = identity(width);
    this.values = ritz.values;
    [this.plain, this.polynomials] = [0, []];
    const { values } = ritz;
    const squares = new Float64Array(width);
    for (let r = 0; r < m; r++)
      for (let i = 0; i < width; i++) {
        const p = r * width + i;
        squares[i] += (next[p] - values[i] * last[p]) ** 2;
      }
    const rounding = (this.precision === "float32" ? 3e-7 : 1e-14) * values[0];
    return Float64Array.from({ length: k }, (_, i) => {
      const gap = Math.min(i > 0 ? values[i - 1] - values[i] : Infinity, values[i] - values[i + 1]);
      const out = values[i] - values[width - 1];
      const turned = Math.min(
        TURN.out * out,
        Math.sqrt(TURN.within * out * Math.max(gap, TURN.apart * values[i])),
      );
      return Math.sqrt(squares[i]) / Math.max(relax ? FLAT.share * values[i] : 0, turned, rounding);
    });
  }

  async release(): Promise<void> {
    await this.multiplying.release();
    await this.growing?.session.release();
  }

  private move(before: Floats, columns: Floats): void {
    this.spare = [this.before, this.columns];
    [this.before, this.columns] = [before, columns];
  }

  /** (scale · G − shift) · block in `next`, the block itself in `last`: both in the spare arrays; scale · G in `twiceH`. */
  private async product(scale = 1, shift = 0): Promise<{ last: Floats; next: Floats }> {
    const { g, columns, turn, multiplying, gram, twiceH, precision } = this;
    const [last, next] = this.spare;
    const factors = [scale, shift].map((v) => floats(precision, 1).fill(v));
    await multiplying.run(
      { g, columns, turn, scale: factors[0], shift: factors[1] },
      { last, next, gram, scaled: twiceH },
    );
    this.products++;
    return { last, next };
  }

  /**
   * From the Gram matrix of what comes next.
   * @param eigenvalueOf which one makes a direction grow so much; null where that tells little
   */
  private orthonormalise(least: number, eigenvalueOf: ((growth: number) => number) | null): boolean {
    const inverse = inverseCholesky(this.gram, least);
    if (inverse === null) return false;
    this.turn = inverse;
    const { width } = this;
    if (eigenvalueOf !== null)
      this.values = Float64Array.from({ length: width }, (_, i) => eigenvalueOf(1 / inverse[i * width + i]))
        .sort()
        .reverse();
    return true;
  }

  private growingBy(steps: number): Promise<Session> {
    const { m, width, precision, threads } = this;
    const graph = new Graph("eigen-grow");
    const twiceH = graph.input("twice-h", [m, m], precision);
    const turn = graph.input("turn", [width, width], precision);
    let [before, block] = ["before", "columns"].map((name) =>
      matMul(graph, graph.input(name, [m, width], precision), turn),
    );
    for (let i = 0; i < steps; i++)
      [before, block] = [
        block,
        graph.op("Gemm", [twiceH, block, before], [m, width], { beta: { float: -1 } }),
      ];
    graph.output("last", before);
    graph.output("next", block);
    graph.output("gram", squareOf(graph, block));
    return createSession(graph, { threads, mostThreads: MOST_THREADS, inPlace: true });
  }
}

/** yᵀy, summed in float64. */
function squareOf(graph: Graph, y: Value): Value {
  const exact = cast(graph, y, "float64");
  return graph.op("Gemm", [exact, exact], [y.dims[1], y.dims[1]], { transA: 1 });
}

function identity(s: number): Float64Array {
  const out = new Float64Array(s * s);
  for (let i = 0; i < s; i++) out[i * s + i] = 1;
  return out;
}
