/**
 * Role: the vectors of the longer side of X that belong to given ones of the shorter side, in one sweep over X.
 */
import { Graph, type Value } from "../graph/graph.js";
import { cast } from "../graph/ops/cast.js";
import { createSession } from "../graph/session.js";
import { type Floats, floats, MOST_THREADS, precisionOf, type Search } from "./directions.js";
import { type Panels, spansOf, WIDEST } from "./panels.js";
import { orderOf } from "./symmetric-eigen.js";

/** A chunk so long has more than 64 columns for each thread: then panels need not be cut, see WIDEST. */
const LONG = 128 * MOST_THREADS;
/** Genes whose vectors are squared at once in float64: all at once take new memory, and thereby three times as long. */
const PORTION = 4096;

/** What the second sweep finds. */
export interface Sweep {
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
export async function otherSide(
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
  const most = side === "samples" && length !== "chunk" && length >= LONG ? few : WIDEST;
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
