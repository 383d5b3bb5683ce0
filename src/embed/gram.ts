/**
 * Principal directions from the Gram matrix of the fewer of samples and genes: the Gram matrix in one sweep over X, the space
 * of its largest eigenvalues, the other side's vectors in a second sweep, and Rayleigh–Ritz among those (as the singular value
 * decomposition of X in that space), since squaring X has lost half of the digits. In float32 where the other half suffices, else
 * in float64. Few samples are centred last, in the Gram matrix: then X need not be touched.
 * Contract: the result does not depend on threads, nor on whether X is held or stored (with samples the fewer it is held here);
 * null where the eigenvalues sought span too many powers of ten (leading-eigen.ts).
 */
import { Graph, type Value } from "../graph/graph.js";
import { cast } from "../graph/ops/cast.js";
import { matMul, transpose } from "../graph/ops/matmul.js";
import { createSession } from "../graph/session.js";
import { hold, type Matrix } from "../matrix.js";
import type { RandomState } from "../random.js";
import {
  type Directions,
  type Floats,
  MOST_THREADS,
  type Moments,
  type Precision,
  precisionOf,
  type Search,
} from "./directions.js";
import { gramMatrix } from "./gram-matrix.js";
import { leadingEigen, SMALL } from "./leading-eigen.js";
import { otherSide, type Sweep } from "./other-side.js";
import { CentredChunks, type Panels, SampleRows, spansOf, WIDEST } from "./panels.js";
import { KEPT_VALUES } from "./row-blocks.js";
import { type Eigen, symmetricEigen } from "./symmetric-eigen.js";

/** Samples or genes up to which a Gram matrix takes less time than the passes of krylov.ts (measured). */
const FEW = 1536;
/**
 * Share of the largest eigenvalue (before centring) above which the least one sought is for a Gram matrix in float32: its
 * rounding is about 1e-9 of the largest (measured), and turns a vector by its share of the distance to the first eigenvalue outside
 * of the space.
 */
const LEAST_FOR_FLOAT32 = 1e-5;
/** Share of the largest eigenvalue below which an eigenvalue is rounding, and below which its vector needs care. */
const ROUNDING = 1e-12;
const INEXACT = 1e-8;

/** Says the same of a stored matrix as of a held one, so that the result is the same too. */
export const gramPays = ({ rows, cols }: Matrix): boolean =>
  cols <= rows ? cols <= FEW : rows <= FEW && rows * cols <= KEPT_VALUES / 2; // 256 MB at most as dense

/**
 * @param x samples × genes, finite, at least two of each
 * @param moments found where needed: few samples in float32 give them as well
 */
export async function gramDirections(
  x: Matrix,
  moments: () => Promise<Moments>,
  search: Search,
): Promise<(Directions & Moments) | null> {
  const held = x.kind === "stored" && x.rows < x.cols ? await hold(x) : x;
  const centred = async (precision: Precision) => {
    const known = await moments();
    return directions(new CentredChunks(held, known.mean, precision), known, search);
  };
  // A small Gram matrix takes no time worth saving.
  if (Math.min(x.rows, x.cols) > SMALL) {
    const asTheyAre =
      held.kind !== "stored" && x.rows < x.cols ? await directions(new SampleRows(held), null, search) : null;
    const found = asTheyAre ?? (await centred("float32"));
    if (found !== null) return found;
  }
  return centred("float64");
}

/** @param known those that the panels are centred by; null: they are not, and tell them */
async function directions(
  panels: Panels,
  known: Moments | null,
  search: Search,
): Promise<(Directions & Moments) | null> {
  const { k, random } = search;
  const { few, side, precision } = panels;
  const { gram, trace, ofMean } = await gramMatrix(panels, known === null, search);
  // Of k eigenvalues the least is at most that; and what is not finite may be so for float32 alone.
  if (!(trace / k > LEAST_FOR_FLOAT32 * ofMean) && known === null) return null;

  let sweep: Sweep | undefined;
  const eigen = await leadingEigen(
    gram,
    async (basis) => {
      sweep = await otherSide(panels, basis, known === null, search);
      return symmetricEigen(sweep.square);
    },
    search,
  );
  if (eigen === null || sweep === undefined) return null;
  const exact = eigen.ritz;
  const largest = exact.values[0];
  if (precision === "float32" && !(exact.values[k - 1] > LEAST_FOR_FLOAT32 * (largest + ofMean))) return null;

  const values = exact.values.slice(0, k).map((v) => (v > ROUNDING * largest ? v : 0));
  const lengths = values.map(Math.sqrt);
  const ones = values.map(() => 1);
  const [scaleLong, scaleShort] =
    side === "samples" ? [lengths.map((v) => (v > 0 ? 1 / v : 0)), lengths] : [ones, ones];
  const turns = [turning(exact, scaleLong), turning(exact, scaleShort)] as const;
  const turned = await turnBoth(panels, sweep.long, eigen.basis, turns, search);
  if (side === "samples") settle(turned.loadings, values, random);
  const moments = known ?? { mean: sweep.mean, totalVariance: trace / (few - 1) };
  return { values, ...turned, ...moments };
}

/** Ritz vectors' coordinates, scaled: width × scale.length. */
function turning({ vectors, values }: Eigen, scale: Float64Array): Float64Array {
  const [width, k] = [values.length, scale.length];
  return Float64Array.from(
    { length: width * k },
    (_, p) => vectors[Math.floor(p / k) * width + (p % k)] * scale[p % k],
  );
}

/** Loadings of no variance are made at random, and those of hardly any orthogonal to all before them. */
function settle(loadings: Float32Array, values: Float64Array, random: RandomState): void {
  const genes = loadings.length / values.length;
  values.forEach((v, i) => {
    if (v > INEXACT * values[0]) return;
    const row = loadings.subarray(i * genes, (i + 1) * genes);
    if (v === 0) for (let j = 0; j < genes; j++) row[j] = random.standardNormal();
    makeOrthogonal(loadings, i, genes);
    scaleTo1(row);
  });
}

/** Takes the rows before row i out of it, twice, as once leaves rounding. */
function makeOrthogonal(rows: Float32Array, i: number, length: number): void {
  const row = rows.subarray(i * length, (i + 1) * length);
  scaleTo1(row);
  for (let again = 0; again < 2; again++)
    for (let b = 0; b < i; b++) {
      const other = rows.subarray(b * length, (b + 1) * length);
      let along = 0;
      for (let j = 0; j < length; j++) along += row[j] * other[j];
      for (let j = 0; j < length; j++) row[j] -= along * other[j];
    }
}

function scaleTo1(row: Float32Array): void {
  let squares = 0;
  for (let j = 0; j < row.length; j++) squares += row[j] * row[j];
  const scale = 1 / Math.sqrt(squares);
  for (let j = 0; j < row.length; j++) row[j] *= scale;
}

/** The other side's vectors times onLong, and short · onShort (both width × k): loadings k × genes, scores samples × k. */
async function turnBoth(
  { side, few, many }: Panels,
  long: Sweep["long"],
  short: Floats,
  [onLong, onShort]: readonly [Float64Array, Float64Array],
  { k, threads }: Search,
): Promise<{ loadings: Float32Array; scores: Float32Array }> {
  const width = short.length / few;
  const graph = new Graph("pca-turn");
  const ofShort = graph.input("short", [few, width], precisionOf(short));
  const turnedShort = cast(
    graph,
    matMul(graph, cast(graph, ofShort, "float64"), graph.input("on-short", [width, k], "float64")),
    "float32",
  );
  const genes = side === "genes";
  graph.output("short-turned", genes ? transpose(graph, turnedShort) : turnedShort);
  const pieces = genes ? [[0, width] as const] : spansOf(width, WIDEST);
  const product = pieces.reduce<Value | null>((sofar, [, size], p) => {
    const ofLong = graph.input(`long${p}`, genes ? ["chunk", size] : [size, "chunk"]);
    const turn = graph.input(`on-long${p}`, [size, k]);
    const pair = genes ? [ofLong, turn] : [transpose(graph, turn), ofLong];
    return graph.op("Gemm", [...pair, sofar], genes ? ["chunk", k] : [k, "chunk"]);
  }, null) as Value;
  graph.output("long-turned", product);
  const session = await createSession(graph, { threads, mostThreads: MOST_THREADS, inPlace: true });
  const [loadings, scores] = [
    new Float32Array(k * (genes ? few : many)),
    new Float32Array(k * (genes ? many : few)),
  ];
  try {
    for (const { first, count, data } of long) {
      const feeds: Record<string, Floats> = { short, "on-short": onShort };
      for (const [p, [start, size]] of pieces.entries()) {
        feeds[`long${p}`] = genes ? data : data.subarray(start * count, (start + size) * count);
        feeds[`on-long${p}`] = Float32Array.from(onLong.subarray(start * k, (start + size) * k));
      }
      const whole = genes ? scores.subarray(first * k, (first + count) * k) : loadings;
      const part = genes || count === many ? whole : new Float32Array(k * count);
      await session.run(feeds, { "short-turned": genes ? loadings : scores, "long-turned": part });
      if (part !== whole)
        for (let i = 0; i < k; i++) loadings.set(part.subarray(i * count, (i + 1) * count), i * many + first);
    }
    return { loadings, scores };
  } finally {
    await session.release();
  }
}
