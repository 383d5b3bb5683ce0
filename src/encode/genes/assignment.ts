/**
 * Role: one gene a pixel: places genes, points of a layout, on different pixels so that the sum of squared distances from
 * points to pixel centres is least (linear assignment).
 *
 * An auction with ε-scaling. Genes bid for pixels: one takes the pixel that is cheapest (squared distance plus price), puts
 * the price up to where the next one is as good, and ε more, and displaces whoever was there. Once all genes are placed,
 * free pixels that still have a price ask for genes in the same way and bring their price down (reverse auction). Then all
 * free pixels have the price 0 and each gene is within ε of its cheapest pixel, so the cost is within n·ε of the least one.
 * Each phase starts from the prices of the phase before and has a smaller ε. Costs are never stored: priced-points.ts finds
 * the cheapest pixels among all of them.
 * Contract: no randomness; memory grows with genes + pixels. The bound holds for the whole problem, whatever the prices: by
 * duality Σ_i min_j (d²_ij + p_j) − Σ_j p_j is at most the least cost where all p ≥ 0, and the minimum is over all pixels.
 * Reference: Bertsekas 1988 (auction); Bertsekas & Castañon 1993 (forward and reverse, more pixels than genes);
 * scipy.optimize.linear_sum_assignment is the oracle.
 */
import { breathe, SLICE } from "../../embed/scran.js";
import { CellhueError } from "../../errors.js";
import { areaOf, type ImageSize } from "../../image-size.js";
import { type Progress, silent } from "../../progress.js";
import { PricedPoints } from "./priced-points.js";

export interface Assignment {
  /** Of each gene its pixel, row · width + column; all different. */
  readonly pixels: Int32Array;
  /** Sum of squared distances between points and pixel centres, both in the unit square. */
  readonly cost: number;
  /** No assignment costs less (up to rounding in the last digits), so (cost − bound) / cost is the optimality gap. */
  readonly bound: number;
}

export interface AssignmentOptions {
  /**
   * Largest gap, (cost − bound) / cost, to stop at. Default: 1e-9, the optimum in all but name, up to 3,000 genes; 1e-3
   * beyond.
   */
  readonly gap?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

const EXACT_LIMIT = 3000;
const EXACT_GAP = 1e-9;
const GAP = 1e-3;

/** The first ε, half of the squared side of the image, and what each next one is divided by. */
const FIRST_EPSILON = 0.5;
const SCALING = 5;
/** Far enough above the last digit of a price (at most about 2) for every bid to raise it. */
const LEAST_EPSILON = 1e-14;

/**
 * @param points n × 2, row-major, in 0…1: x (along the columns), then y (along the rows). The centre of a pixel is at
 *   ((column + ½) / width, (row + ½) / height)
 * @throws CellhueError where there are more genes than pixels; InterruptedError; RangeError where a point is not in 0…1
 */
export async function assignPixels(
  points: Float64Array,
  size: ImageSize,
  options: AssignmentOptions = {},
): Promise<Assignment> {
  const n = points.length / 2;
  checkRoom(n, size);
  const bad = points.findIndex((v) => !(v >= 0 && v <= 1));
  if (bad >= 0) throw new RangeError(`assignPixels: gene ${bad >> 1} is at ${points[bad]}, not in 0…1`);
  const { gap = n <= EXACT_LIMIT ? EXACT_GAP : GAP, progress = silent, signal } = options;
  if (!(gap >= 0)) throw new RangeError(`assignPixels: a gap of ${gap}`);
  if (n === 0) return { pixels: new Int32Array(0), cost: 0, bound: 0 };

  const auction = new Auction(points, pixelCentres(size));
  const task = progress.task("one gene a pixel", 100);
  try {
    for (let epsilon = FIRST_EPSILON, phase = 1; ; epsilon /= SCALING, phase++) {
      auction.begin();
      while (!auction.forward(epsilon, performance.now() + SLICE)) await breathe(signal);
      auction.turn();
      while (!auction.reverse(epsilon, performance.now() + SLICE)) await breathe(signal);
      const cost = auction.cost();
      // Costs are never below 0, nor is the bound of a layout that fits its pixels exactly.
      const bound = Math.min(cost, Math.max(0, auction.bound()));
      if (cost - bound <= gap * cost || epsilon < LEAST_EPSILON * SCALING)
        return { pixels: auction.pixelOf, cost, bound };
      const left = Math.max(1, Math.log((cost - bound) / (gap * cost)) / Math.log(SCALING));
      task.update((100 * phase) / (phase + left), `gap ${((100 * (cost - bound)) / cost).toPrecision(2)} %`);
      await breathe(signal);
    }
  } finally {
    task.end();
  }
}

/** @throws CellhueError where n genes have no pixel each; RangeError where the size is none */
export function checkRoom(n: number, size: ImageSize): void {
  const { height, width } = size;
  if (![height, width].every((v) => Number.isInteger(v) && v >= 0) || !Number.isInteger(n))
    throw new RangeError(`one gene a pixel: ${n} genes, ${height} × ${width} pixels`);
  if (areaOf(size) >= n) return;
  const side = Math.ceil(Math.sqrt(n));
  throw new CellhueError(`${n} genes do not fit into ${areaOf(size)} pixels, one gene a pixel`, {
    found: `an image of ${height} × ${width} pixels (height × width)`,
    expected: `at least ${n} pixels`,
    remedy: [
      `an image of ${side} × ${side} pixels, the smallest square one that does`,
      `or fewer genes: the ${areaOf(size)} most variable ones at most`,
      "or a way of placing that lets genes share a pixel",
    ],
  });
}

/** Centres of all pixels in the unit square, row after row: pixels × 2, x then y. */
export function pixelCentres({ height, width }: ImageSize): Float64Array {
  const centres = new Float64Array(2 * height * width);
  for (let row = 0, to = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      centres[to++] = (column + 0.5) / width;
      centres[to++] = (row + 0.5) / height;
    }
  return centres;
}

/** Pixels that a gene keeps in mind from one search: while bids only rise, they often hold its next two. */
const KEPT = 5;
/** Searches after which the tree learns anew which gene is where; it only decides the speed. */
const SEARCHES = 2000;
/** Bids between two looks at the clock. */
const BIDS = 64;

class Auction {
  /** Of each gene its pixel, −1: none. */
  readonly pixelOf: Int32Array;
  /** Of each pixel its gene, −1: none. */
  private readonly geneOf: Int32Array;
  /** Of each pixel; never below 0. */
  private readonly price: Float64Array;
  private readonly pixels: PricedPoints;
  /** Of each pixel the place of its last gene; its own before there is one. */
  private readonly partners: Float64Array;
  /** Genes or free pixels that have to bid. */
  private readonly waiting: Int32Array;
  private waits = 0;
  private searches = 0;
  // Of each gene the pixels it keeps in mind, their squared distances, and what any other pixel costs at least.
  private readonly kept: number;
  private readonly near: Int32Array;
  private readonly nearDistance: Float64Array;
  private readonly others: Float64Array;
  // For the reverse auction: genes as points whose price is minus what they pay now (distance plus price).
  private readonly genes: PricedPoints;
  private readonly paid: Float64Array;
  private readonly two = new Int32Array(2);
  private readonly twoCosts = new Float64Array(2);

  constructor(
    private readonly points: Float64Array,
    private readonly centres: Float64Array,
  ) {
    const n = points.length / 2;
    const m = centres.length / 2;
    this.pixelOf = new Int32Array(n).fill(-1);
    this.geneOf = new Int32Array(m).fill(-1);
    this.price = new Float64Array(m);
    this.pixels = new PricedPoints(centres);
    this.partners = centres.slice();
    this.waiting = new Int32Array(m);
    this.kept = Math.min(KEPT, m);
    this.near = new Int32Array(n * this.kept);
    this.nearDistance = new Float64Array(n * this.kept);
    this.others = new Float64Array(n);
    this.genes = new PricedPoints(points);
    this.paid = new Float64Array(n);
    this.learn();
    for (let i = 0; i < n; i++) this.search(i);
  }

  /** All genes leave their pixels; prices stay. */
  begin(): void {
    this.geneOf.fill(-1);
    this.pixelOf.fill(-1);
    this.waits = this.pixelOf.length;
    for (let i = 0; i < this.waits; i++) this.waiting[i] = i;
  }

  /** Genes bid until all have a pixel, or until the time given. @returns whether all have one */
  forward(epsilon: number, until: number): boolean {
    const { kept, near, nearDistance, others, price, geneOf, pixelOf, waiting, points, partners } = this;
    for (let bids = 1; this.waits > 0; bids++) {
      if (bids % BIDS === 0 && performance.now() > until) return false;
      const i = waiting[--this.waits];
      const from = i * kept;
      let best = Infinity;
      let second = Infinity;
      let at = from;
      for (let k = from; k < from + kept; k++) {
        const cost = nearDistance[k] + price[near[k]];
        if (cost < best) {
          second = best;
          best = cost;
          at = k;
        } else if (cost < second) second = cost;
      }
      if (second > others[i] && kept > 1) {
        if (++this.searches > SEARCHES) this.learn();
        this.search(i);
        at = from;
        best = nearDistance[from] + price[near[from]];
        second = nearDistance[from + 1] + price[near[from + 1]];
      }
      const j = near[at];
      price[j] += epsilon + (kept > 1 ? second - best : 0);
      this.pixels.raise(j, price[j]);
      const displaced = geneOf[j];
      geneOf[j] = i;
      pixelOf[i] = j;
      partners[2 * j] = points[2 * i];
      partners[2 * j + 1] = points[2 * i + 1];
      if (displaced < 0) continue;
      pixelOf[displaced] = -1;
      waiting[this.waits++] = displaced;
    }
    return true;
  }

  /** Free pixels that have a price will bid. */
  turn(): void {
    const { geneOf, pixelOf, price, paid, centres } = this;
    for (let j = 0; j < geneOf.length; j++) if (geneOf[j] < 0 && price[j] > 0) this.waiting[this.waits++] = j;
    if (this.waits === 0) return;
    const partners = new Float64Array(2 * pixelOf.length);
    pixelOf.forEach((j, i) => {
      paid[i] = this.distance(i, j) + price[j];
      partners[2 * i] = centres[2 * j];
      partners[2 * i + 1] = centres[2 * j + 1];
    });
    this.genes.reset(
      paid.map((v) => -v),
      partners,
    );
  }

  /** Free pixels bid until none has a price, or until the time given. @returns whether none has one */
  reverse(epsilon: number, until: number): boolean {
    const { geneOf, pixelOf, price, waiting, centres, two, twoCosts } = this;
    const genes = Math.min(2, pixelOf.length);
    for (let bids = 1; this.waits > 0; bids++) {
      if (bids % BIDS === 0 && performance.now() > until) return false;
      const j = waiting[--this.waits];
      twoCosts[1] = Infinity;
      this.genes.cheapest(centres[2 * j], centres[2 * j + 1], genes, two, twoCosts, 0);
      // The price at which its keenest gene would come, and the next one.
      const [best, second] = [-twoCosts[0], -twoCosts[1]];
      if (best <= epsilon) {
        price[j] = 0;
        continue;
      }
      const i = two[0];
      const left = pixelOf[i];
      price[j] = Math.max(0, second - epsilon);
      geneOf[left] = -1;
      geneOf[j] = i;
      pixelOf[i] = j;
      this.genes.raise(i, -(this.distance(i, j) + price[j]));
      if (price[left] > 0) waiting[this.waits++] = left;
    }
    return true;
  }

  cost(): number {
    return this.pixelOf.reduce((sum, j, i) => sum + this.distance(i, j), 0);
  }

  /** A lower bound of every assignment's cost; prepares the next phase along the way. */
  bound(): number {
    const { geneOf, points, partners, kept, near, nearDistance, price } = this;
    geneOf.forEach((i, j) => {
      if (i < 0) return;
      partners[2 * j] = points[2 * i];
      partners[2 * j + 1] = points[2 * i + 1];
    });
    this.learn();
    let sum = 0;
    for (let i = 0; i < this.pixelOf.length; i++) {
      this.search(i);
      sum += nearDistance[i * kept] + price[near[i * kept]];
    }
    return sum - price.reduce((total, p) => total + p, 0);
  }

  private learn(): void {
    this.pixels.reset(this.price, this.partners);
    this.searches = 0;
  }

  private search(i: number): void {
    const { points, kept, near, nearDistance } = this;
    const from = i * kept;
    this.pixels.cheapest(points[2 * i], points[2 * i + 1], kept, near, nearDistance, from);
    this.others[i] = nearDistance[from + kept - 1];
    for (let k = from; k < from + kept; k++) nearDistance[k] = this.distance(i, near[k]);
  }

  private distance(i: number, j: number): number {
    const dx = this.points[2 * i] - this.centres[2 * j];
    const dy = this.points[2 * i + 1] - this.centres[2 * j + 1];
    return dx * dx + dy * dy;
  }
}
