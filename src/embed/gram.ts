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
  floats,
  MOST_THREADS,
  type Moments,
  type Precision,
  precisionOf,
  type Search,
} from "./directions.js";
import { leadingEigen, SMALL } from "./leading-eigen.js";
import { CentredChunks, type Panels, SampleRows, spansOf } from "./panels.js";
import { KEPT_VALUES } from "./row-blocks.js";
import { type Eigen, orderOf, symmetricEigen } from "./symmetric-eigen.js";

/** Samples or genes up to which a Gram matrix takes less time than the passes of krylov.ts (measured). */
const FEW = 1536;
/**
 * Share of the largest eigenvalue (before centring) above which the least one sought is for a Gram matrix in float32: its
 * rounding is about 1e-9 of the largest (measured), and turns a vector by its share of the distance to the first eigenvalue outside
 * of the space.
 */
const LEAST_FOR_FLOAT32 = 1e-5;
/** Most samples or genes of a panel of the first sweep: narrow ones save more of what is symmetric. */
const NARROW = 64;
/**
 * Most samples or genes of a panel of the second sweep. Where a thread has 64 columns of a product or fewer, onnxruntime sums up
 * more than 128 products in other portions; a chunk so long has more for each thread.
 */
const WIDE = 128;
const LONG = 128 * MOST_THREADS;
/** Genes whose vectors are squared at once in float64: all at once take new memory, and thereby three times as long. */
const PORTION = 4096;
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

interface Gram {
  /** few × few */
  gram: Floats;
  trace: number;
  /** The eigenvalue that the mean of samples alone had before they were centred. */
  ofMean: number;
}

/**
 * The Gram matrix of the fewer side. Each product is of a panel and all up to its end, which are as many or more.
 * @param uncentred whether the panels are samples as they are: then they are centred afterwards
 */
async function gramMatrix(panels: Panels, uncentred: boolean, { threads, report }: Search): Promise<Gram> {
  const { few, many, side, precision } = panels;
  const graph = new Graph("pca-gram");
  const reader = panels.read(graph);
  const spans = spansOf(few, NARROW);
  const turned = { [side === "samples" ? "transB" : "transA"]: 1 };
  const ends = spans.map(([first, width]) => first + width);
  spans.forEach((span, p) => {
    const dims = [ends[p], span[1]];
    const right = reader.of(span);
    const left = p === 0 ? right : reader.of([0, ends[p]]);
    const sofar = graph.input(`sofar${p}`, dims, precision);
    graph.output(`sum${p}`, graph.op("Gemm", [left, right, sofar], dims, turned));
  });
  const zeros = (name: string) =>
    Object.fromEntries(
      spans.map(([, width], p) => [`${name}${p}`, floats(precision, ends[p] * width)] as const),
    );
  const [sofar, sum] = [zeros("sofar"), zeros("sum")];
  const session = await createSession(graph, {
    threads,
    mostThreads: MOST_THREADS,
    spinning: true,
    inPlace: true,
  });
  try {
    for (const { first, feeds } of reader.chunks()) {
      report(0, `${Math.floor((100 * first) / many)} % of the products`);
      await session.run({ ...feeds, ...sofar }, sum);
      spans.forEach((_, p) => {
        [sofar[`sofar${p}`], sum[`sum${p}`]] = [sum[`sum${p}`], sofar[`sofar${p}`]];
      });
    }
  } finally {
    await session.release();
  }
  const blocks = spans.map(([first, width], p) => ({ first, width, values: sofar[`sofar${p}`] }));
  return assemble(blocks, few, uncentred ? meansOfRows(blocks, few) : new Float64Array(few));
}

/** Columns of a symmetric matrix, from its first row to the last that is a column here too. */
interface ColumnBlock {
  first: number;
  width: number;
  /** (first + width) × width */
  values: Floats;
}

function meansOfRows(blocks: readonly ColumnBlock[], n: number): Float64Array {
  const sums = new Float64Array(n);
  for (const { first, width, values } of blocks)
    for (let a = 0; a < first + width; a++) {
      let sum = 0;
      for (let b = 0; b < width; b++) {
        const v = values[a * width + b];
        sum += v;
        if (a < first) sums[first + b] += v;
      }
      sums[a] += sum;
    }
  return sums.map((sum) => sum / n);
}

/** @param means of its rows, which centring takes away (and the mean of all back); 0: it is left as it is */
function assemble(blocks: readonly ColumnBlock[], n: number, means: Float64Array): Gram {
  const all = means.reduce((sum, m) => sum + m, 0) / n;
  const gram = floats(precisionOf(blocks[0].values), n * n);
  for (const { first, width, values } of blocks) {
    for (let a = 0; a < first + width; a++) {
      const into = gram.subarray(a * n + first, a * n + first + width);
      takeAway(into, values, [a * width, 1], means[a] - all, means.subarray(first));
    }
    // Along rows here too: written down columns it takes twice as long.
    for (let b = 0; b < width; b++)
      takeAway(
        gram.subarray((first + b) * n, (first + b) * n + first),
        values,
        [b, width],
        means[first + b] - all,
        means,
      );
  }
  let trace = 0;
  for (let i = 0; i < n; i++) trace += gram[i * n + i];
  return { gram, trace, ofMean: n * all };
}

/** Values from one on and a step apart, less what all and what each of them lose. */
function takeAway(
  into: Floats,
  values: Floats,
  [from, step]: readonly [number, number],
  ofAll: number,
  ofEach: Float64Array,
): void {
  for (let j = 0; j < into.length; j++) into[j] = values[from + j * step] - ofAll - ofEach[j];
}

/** What the second sweep finds. */
interface Sweep {
  /** The other side's vectors, a chunk at a time: width × count where samples are the fewer, else count × width. */
  long: { first: number; count: number; data: Float32Array }[];
  /** Their Gram matrix, width × width, in float64, before the rounding to float32. */
  square: Float64Array;
  /** Of each gene, where it was asked for. */
  mean: Float64Array;
}

/**
 * Xᵀ · short or X · short, the second sweep.
 * @param short few × width, orthonormal columns
 * @param uncentred whether the panels are samples as they are: then the mean is told too
 */
async function otherSide(
  panels: Panels,
  short: Floats,
  uncentred: boolean,
  { threads, report }: Search,
): Promise<Sweep> {
  const { few, many, side, precision } = panels;
  const columns = uncentred ? centredAndMean(short, few) : short;
  const width = columns.length / few;
  const graph = new Graph("pca-other-side");
  const reader = panels.read(graph);
  const { length } = reader;
  const dims = side === "samples" ? [width, length] : [length, width];
  const most = side === "samples" && length !== "chunk" && length >= LONG ? few : WIDE;
  const parts: Record<string, Floats> = {};
  const product = spansOf(few, most).reduce<Value | null>((sofar, span, p) => {
    const [first, size] = span;
    const rows = columns.subarray(first * width, (first + size) * width);
    parts[`v${p}`] = side === "samples" ? transposed(rows, width) : rows;
    const v = graph.input(`v${p}`, side === "samples" ? [width, size] : [size, width], precision);
    const pair = side === "samples" ? [v, reader.of(span)] : [reader.of(span), v];
    return graph.op("Gemm", [...pair, sofar], dims);
  }, null) as Value;
  graph.output("long", cast(graph, product, "float32"));
  const turned = { [side === "samples" ? "transB" : "transA"]: 1 };
  const portions =
    length === "chunk"
      ? [product]
      : spansOf(length, PORTION).map(([first, size]) =>
          graph.op(
            "Slice",
            [product, graph.ints([first]), graph.ints([first + size]), graph.ints([1])],
            [width, size],
          ),
        );
  const squared = portions.reduce(
    (sofar, portion) => {
      const exact = cast(graph, portion, "float64");
      return graph.op("Gemm", [exact, exact, sofar], [width, width], turned);
    },
    graph.input("sofar", [width, width], "float64"),
  );
  graph.output("square", squared);

  const long: Sweep["long"] = [];
  let [before, square] = [new Float64Array(width * width), new Float64Array(width * width)];
  const session = await createSession(graph, {
    threads,
    mostThreads: MOST_THREADS,
    spinning: true,
    inPlace: true,
  });
  try {
    for (const { first, count, feeds } of reader.chunks()) {
      report(0, `${Math.floor((100 * first) / many)} % of the vectors`);
      const data = new Float32Array(width * count);
      await session.run({ ...feeds, ...parts, sofar: before }, { long: data, square });
      long.push({ first, count, data });
      [before, square] = [square, before];
    }
  } finally {
    await session.release();
  }
  return uncentred ? splitMean(long, before) : { long, square: before, mean: new Float64Array(0) };
}

/** In JavaScript, since as so many nodes onnxruntime takes 4 ms to think about them. */
function transposed(rows: Floats, width: number): Floats {
  const height = rows.length / width;
  const out = floats(precisionOf(rows), rows.length);
  for (let i = 0; i < width; i++) for (let r = 0; r < height; r++) out[i * height + r] = rows[r * width + i];
  return out;
}

/** The columns less what rounding left of their mean, which the mean of X would be multiplied by; and one that yields the mean of X. */
function centredAndMean(short: Floats, n: number): Floats {
  const width = short.length / n;
  const out = floats(precisionOf(short), n * (width + 1));
  for (let i = 0; i < width; i++) {
    let mean = 0;
    for (let r = 0; r < n; r++) mean += short[r * width + i] / n;
    for (let r = 0; r < n; r++) out[r * (width + 1) + i] = short[r * width + i] - mean;
  }
  for (let r = 0; r < n; r++) out[r * (width + 1) + width] = 1 / n;
  return out;
}

/** The last row of every chunk is of the mean; one chunk, as the rows of samples are. */
function splitMean([{ first, count, data }]: Sweep["long"], square: Float64Array): Sweep {
  const width = orderOf(square) - 1;
  const inner = new Float64Array(width * width);
  for (let a = 0; a < width; a++)
    for (let b = 0; b < width; b++) inner[a * width + b] = square[a * (width + 1) + b];
  return {
    long: [{ first, count, data: data.subarray(0, width * count) }],
    square: inner,
    mean: Float64Array.from(data.subarray(width * count)),
  };
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
  const pieces = genes ? [[0, width] as const] : spansOf(width, WIDE);
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
