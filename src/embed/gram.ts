/**
 * Principal directions from the Gram matrix of the fewer of samples and genes: the Gram matrix in one sweep over X, the space
 * of its largest eigenvectors, the other side's vectors in a second sweep, and Rayleigh–Ritz among those (as the singular value
 * decomposition of X in that space), since squaring X has lost half of the digits. In float32 where the other half suffices, else
 * in float64.
 * Contract: the result does not depend on threads, nor on whether X is held or stored (with samples the fewer it is held here);
 * null where the eigenvalues sought span too many powers of ten (leading-eigen.ts).
 */
import { Graph, type Value } from "../graph/graph.js";
import { dataTypes } from "../graph/onnx.js";
import { createSession } from "../graph/session.js";
import { hold, type Matrix } from "../matrix.js";
import type { RandomState } from "../random.js";
import { type Directions, type Search, withSpare } from "./directions.js";
import { leadingEigen, SMALL } from "./leading-eigen.js";
import { Panels, type Precision } from "./panels.js";
import { KEPT_VALUES } from "./row-blocks.js";
import { symmetricEigen } from "./symmetric-eigen.js";

/** Samples or genes up to which a Gram matrix takes less time than the passes of krylov.ts (measured). */
const FEW = 1536;
/**
 * Share of the largest eigenvalue above which the least one sought is for a Gram matrix in float32: rounding is 1e-7 of the
 * largest, and turns a vector by its share of the distance to the first eigenvalue outside of the space.
 */
const LEAST_FOR_FLOAT32 = 1e-3;
/** Share of the largest eigenvalue below which an eigenvalue is rounding, and below which its vector needs care. */
const ROUNDING = 1e-12;
const INEXACT = 1e-8;

/** Says the same of a stored matrix as of a held one, so that the result is the same too. */
export const gramPays = ({ rows, cols }: Matrix): boolean =>
  cols <= rows ? cols <= FEW : rows <= FEW && rows * cols <= KEPT_VALUES / 2; // 512 MB at most where it is held as CSR

/** @param x samples × genes, finite, at least two of each; @param mean of each gene */
export async function gramDirections(
  x: Matrix,
  mean: Float64Array,
  search: Search,
): Promise<Directions | null> {
  const readable = x.kind === "stored" && x.rows < x.cols ? await hold(x) : x;
  // A small Gram matrix takes no time worth saving.
  const precisions: Precision[] = Math.min(x.rows, x.cols) > SMALL ? ["float32", "float64"] : ["float64"];
  for (const precision of precisions) {
    const found = await directions(new Panels(readable, mean, precision), search);
    if (found !== null) return found;
  }
  return null;
}

async function directions(panels: Panels, search: Search): Promise<Directions | null> {
  const { k, random } = search;
  const { few, side, precision } = panels;
  const eigen = await leadingEigen(await gramMatrix(panels, search), search);
  if (eigen === null) return null;
  const largest = eigen.values[0];
  if (precision === "float32" && !(eigen.values[k - 1] > LEAST_FOR_FLOAT32 * largest)) return null;

  const found = eigen.values.length;
  const width = Math.min(found, withSpare(k));
  const short = new Float64Array(few * width);
  for (let r = 0; r < few; r++)
    for (let i = 0; i < width; i++) short[r * width + i] = eigen.vectors[r * found + i];
  const { long, square } = await otherSide(panels, short, width, search);
  const exact = symmetricEigen(square);
  const least = ROUNDING * exact.values[0];
  const values = exact.values.slice(0, k).map((v) => (v > least ? v : 0));

  /** Ritz vectors' coordinates, scaled: width × k. */
  const turn = (scale: ArrayLike<number>) => {
    const out = new Float64Array(width * k);
    for (let a = 0; a < width; a++)
      for (let i = 0; i < k; i++) out[a * k + i] = exact.vectors[a * width + i] * scale[i];
    return out;
  };
  const lengths = values.map(Math.sqrt);
  const [onLong, onShort] =
    side === "samples"
      ? [turn(lengths.map((v) => (v > 0 ? 1 / v : 0))), turn(lengths)]
      : [turn(values.map(() => 1)), turn(values.map(() => 1))];
  const turned = await turnBoth(side, { long, onLong, short, onShort }, { width, k }, search);
  if (side === "samples") settle(turned.loadings, values, random);
  return { values, ...turned };
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

/** The Gram matrix of the fewer side: few × few. */
async function gramMatrix(panels: Panels, { threads, report }: Search): Promise<Float64Array> {
  const { few, many, side, precision } = panels;
  const graph = new Graph("pca-gram");
  const values = panels.values(graph);
  // The last panel may be the narrowest: it stands on the right, so that a product has more rows than columns.
  const pairs = values.flatMap((_, p) => Array.from({ length: p + 1 }, (_, q) => ({ left: q, right: p })));
  const size = (p: number) => panels.span(p)[1];
  const transpose = { [side === "samples" ? "transB" : "transA"]: 1 };
  pairs.forEach(({ left, right }, i) => {
    const dims = [size(left), size(right)];
    const sofar = graph.input(`sofar${i}`, dims, precision);
    graph.output(`sum${i}`, graph.op("Gemm", [values[left], values[right], sofar], dims, transpose));
  });
  const zeros = (name: string) =>
    pairs.map(({ left, right }, i) => {
      const length = size(left) * size(right);
      return [
        `${name}${i}`,
        precision === "float32" ? new Float32Array(length) : new Float64Array(length),
      ] as const;
    });
  const [sofar, sum] = ["sofar", "sum"].map((name) => Object.fromEntries(zeros(name)));
  const session = await createSession(graph, { threads, spinning: true, inPlace: true });
  try {
    for (const { first, feeds } of panels.chunks()) {
      report(0, `${Math.floor((100 * first) / many)} % of the products`);
      await session.run({ ...feeds, ...sofar }, sum);
      pairs.forEach((_, i) => {
        [sofar[`sofar${i}`], sum[`sum${i}`]] = [sum[`sum${i}`], sofar[`sofar${i}`]];
      });
    }
  } finally {
    await session.release();
  }
  const out = new Float64Array(few * few);
  pairs.forEach(({ left, right }, i) => {
    const block = new Float64Array(sofar[`sofar${i}`]); // one kind of array for the loops below
    const [[top, rows], [across, columns]] = [panels.span(left), panels.span(right)];
    for (let a = 0; a < rows; a++)
      for (let b = left === right ? a : 0; b < columns; b++) {
        const v = block[a * columns + b];
        out[(top + a) * few + across + b] = v;
        out[(across + b) * few + top + a] = v;
      }
  });
  return out;
}

/**
 * Xᵀ · short or X · short, the second sweep.
 * @param short few × width
 * @returns long: many × width, in float32; square: longᵀ · long in float64, before that rounding
 */
async function otherSide(
  panels: Panels,
  short: Float64Array,
  width: number,
  { threads, report }: Search,
): Promise<{ long: Float32Array; square: Float64Array }> {
  const { many, side, precision } = panels;
  const graph = new Graph("pca-other-side");
  const dims = ["chunk", width];
  const parts: Record<string, Float32Array | Float64Array> = {};
  // Panel by panel: a strip down the rows of all would lie in more pages than the processor knows the places of.
  const product = panels.values(graph).reduce<Value | null>((sofar, panel, p) => {
    const [first, size] = panels.span(p);
    const part = short.subarray(first * width, (first + size) * width);
    parts[`v${p}`] = precision === "float32" ? new Float32Array(part) : part;
    const v = graph.input(`v${p}`, [size, width], precision);
    return graph.op("Gemm", [panel, v, sofar], dims, { transA: side === "samples" ? 1 : 0 });
  }, null) as Value;
  const cast = (type: Precision) =>
    type === precision ? product : graph.op("Cast", [product], dims, { to: dataTypes[type] }, { type });
  const exact = cast("float64");
  graph.output("long", cast("float32"));
  const sofar = graph.input("sofar", [width, width], "float64");
  graph.output("square", graph.op("Gemm", [exact, exact, sofar], [width, width], { transA: 1 }));

  const long = new Float32Array(many * width);
  let [before, square] = [new Float64Array(width * width), new Float64Array(width * width)];
  const session = await createSession(graph, { threads, spinning: true, inPlace: true });
  try {
    for (const { first, count, feeds } of panels.chunks()) {
      report(0, `${Math.floor((100 * first) / many)} % of the vectors`);
      const into = { long: long.subarray(first * width, (first + count) * width), square };
      await session.run({ ...feeds, ...parts, sofar: before }, into);
      [before, square] = [square, before];
    }
  } finally {
    await session.release();
  }
  return { long, square: before };
}

interface Sides {
  long: Float32Array;
  short: Float64Array;
  /** width × k */
  onLong: Float64Array;
  onShort: Float64Array;
}

/** long · onLong and short · onShort, the one of genes as k × genes. */
async function turnBoth(
  side: Panels["side"],
  { long, onLong, short, onShort }: Sides,
  { width, k }: { width: number; k: number },
  { threads }: Search,
): Promise<{ loadings: Float32Array; scores: Float32Array }> {
  const graph = new Graph("pca-turn");
  const product = (name: string, type: Precision, genes: boolean) => {
    const length = name;
    const [rows, turn] = [
      graph.input(name, [length, width], type),
      graph.input(`on-${name}`, [width, k], type),
    ];
    const out = graph.op("MatMul", [rows, turn], [length, k]);
    const single =
      type === "float32"
        ? out
        : graph.op("Cast", [out], [length, k], { to: dataTypes.float32 }, { type: "float32" });
    if (genes) graph.output("loadings", graph.op("Transpose", [single], [k, length], { perm: [1, 0] }));
    else graph.output("scores", single);
  };
  product("long", "float32", side === "samples");
  product("short", "float64", side === "genes");
  const session = await createSession(graph, { threads });
  try {
    const out = await session.run({ long, short, "on-long": Float32Array.from(onLong), "on-short": onShort });
    return { loadings: out.loadings.data as Float32Array, scores: out.scores.data as Float32Array };
  } finally {
    await session.release();
  }
}
