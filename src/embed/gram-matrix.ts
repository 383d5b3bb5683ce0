/**
 * Role: the Gram matrix of the fewer of samples and genes, in one sweep over X.
 * Contract: half of it is computed, panel by panel, and mirrored. Samples that are not centred are so afterwards, by the means of
 * the matrix's rows, which is exact but for what float32 loses beside the mean (gram.ts says how much is too much).
 */
import { Graph } from "../graph/graph.js";
import { createSession } from "../graph/session.js";
import { type Floats, floats, MOST_THREADS, precisionOf, type Search } from "./directions.js";
import { type Panels, spansOf } from "./panels.js";

/** Most samples or genes of a panel: narrow ones save more of what is symmetric. */
const NARROW = 64;

export interface Gram {
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
export async function gramMatrix(
  panels: Panels,
  uncentred: boolean,
  { threads, report }: Search,
): Promise<Gram> {
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
