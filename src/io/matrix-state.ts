/**
 * What the numbers of a matrix are (counts, logs, scaled values …), told from the numbers alone, with the evidence.
 * It decides nothing: a wrong guess costs a line of text, because nothing is ever transformed without being asked.
 */
import { CellhueError } from "../errors.js";
import {
  eachEntry,
  type HeldMatrix,
  hold,
  type Matrix,
  type PassOptions,
  rowBlocks,
  selectRows,
} from "../matrix.js";
import { visible } from "./visible.js";

export type State =
  /** No entries. */
  | "empty"
  /** NaN or infinite entries; the rest is not judged. */
  | "not-finite"
  /** The same value everywhere. */
  | "constant"
  /** Whole numbers from 0 or 1 upwards. */
  | "counts"
  /** 0 and above, in the range of logarithms. */
  | "log"
  /** Between 0 and 1, both of them reached: fractions, or genes scaled to that range. */
  | "unit-range"
  /** Ranks within each gene or each sample, whole or scaled. */
  | "ranked"
  /** 0 and above, beyond the range of logarithms: TPM, CPM, expected counts, intensities. */
  | "non-negative"
  /** Genes of mean 0 and standard deviation 1. */
  | "scaled"
  /** Genes of mean or median 0, each with its own spread. */
  | "centred"
  /** Other numbers below 0. */
  | "negative";

export interface MatrixState {
  state: State;
  /** One sentence without a full stop. */
  evidence: string;
  /** Of the finite entries; null where there are none. */
  min: number | null;
  max: number | null;
  /** Share of entries that are 0, the unstored ones of a sparse matrix included. */
  zeroFraction: number;
  integers: boolean;
  nonFinite: NonFinite;
  /** Would log1p of counts per 10,000 be the usual next step? */
  wantsLog: boolean;
  /** Why a network on such numbers may disappoint, and what to do; null where they are what the method is made for. */
  caution: { what: string; remedy: string } | null;
}

export interface NonFinite {
  count: number;
  nan: number;
  infinite: number;
  first: { row: number; col: number } | null;
}

/** Logarithms of expression stay below this (2^50 and e^50 are beyond any measurement). */
const LOG_LIMIT = 50;
/** Samples looked at where a look at all would be slow. */
const LOOK = 200;

export async function describeMatrix(m: Matrix, options?: PassOptions): Promise<MatrixState> {
  const entries = m.rows * m.cols;
  const stored = await scanAll(m, options);
  const { nonFinite } = stored;
  const zeros = entries - stored.count + stored.zeros;
  let { min, max } = stored;
  if (zeros > 0) {
    min = Math.min(min, 0);
    max = Math.max(max, 0);
  }
  const { integers } = stored;
  const zeroFraction = entries === 0 ? 0 : zeros / entries;
  const told = tell(
    await looked(m, options),
    { entries, min, max, zeros, integers, nonFinite },
    m.kind !== "stored",
  );
  return {
    ...told,
    min: min <= max ? min : null,
    max: min <= max ? max : null,
    zeroFraction,
    integers: integers && entries > 0,
    nonFinite,
    wantsLog: told.state === "counts" || told.state === "non-negative",
    caution: cautionOf(told.state),
  };
}

/** What the method, made for logarithms of expression (also centred or scaled), loses on other numbers. */
function cautionOf(state: State): MatrixState["caution"] {
  switch (state) {
    case "counts":
    case "non-negative":
      return {
        what: "distances on a linear scale follow the few most abundant genes, and the depth of a sample",
        remedy: "--normalize log1p-cp10k",
      };
    case "ranked":
      return {
        what: "ranks keep which sample has more, not how much more",
        remedy: "take the logarithms that they were made from, if the file or its source has them",
      };
    case "unit-range":
      return {
        what: "every gene counts alike in such a range, those that hardly vary too",
        remedy: "take the logarithms that they were made from, if the file or its source has them",
      };
    case "negative":
      return {
        what: "numbers below 0 that are neither centred nor scaled may be of mixed origin (batch correction, differences)",
        remedy:
          "make sure that all samples were treated alike, or read another matrix: --layer NAME or --use-raw",
      };
    default:
      return null;
  }
}

/** Rows of a stored matrix that are held for what needs more than a pass over the numbers. */
const HELD_ROWS = 2000;

/** All rows of a held matrix, up to HELD_ROWS spread over a stored one. */
async function looked(m: Matrix, options?: PassOptions): Promise<HeldMatrix> {
  if (m.kind !== "stored") return m;
  const n = Math.min(m.rows, HELD_ROWS);
  return hold(
    selectRows(
      m,
      Int32Array.from({ length: n }, (_, k) => Math.floor((k * m.rows) / n)),
    ),
    options,
  );
}

interface Scan {
  /** Entries looked at; NaN and infinite ones are not, but counted. */
  count: number;
  min: number;
  max: number;
  zeros: number;
  integers: boolean;
  nonFinite: NonFinite;
}

/** Of all entries, in one pass; of a sparse matrix of those that are stored. */
async function scanAll(m: Matrix, options?: PassOptions): Promise<Scan> {
  const nonFinite: NonFinite = { count: 0, nan: 0, infinite: 0, first: null };
  const all: Scan = { count: 0, min: Infinity, max: -Infinity, zeros: 0, integers: true, nonFinite };
  for await (const { first, block } of rowBlocks(m, options)) {
    const values = block.kind === "dense" ? block.data : block.values;
    const finite = countNonFinite(block, first, nonFinite);
    const part = scan(finite ? values : values.filter((v) => Number.isFinite(v)));
    all.count += values.length;
    all.min = Math.min(all.min, part.min);
    all.max = Math.max(all.max, part.max);
    all.zeros += part.zeros;
    all.integers &&= part.integers;
  }
  return all;
}

/** Range, zeros and wholeness of finite numbers; written for speed, as X may have 100 million. */
function scan(values: Float32Array): { min: number; max: number; zeros: number; integers: boolean } {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let zeros = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    min = Math.min(min, v);
    max = Math.max(max, v);
    zeros += v === 0 ? 1 : 0;
  }
  let i = 0;
  while (i < values.length && values[i] === Math.floor(values[i])) i++;
  return { min, max, zeros, integers: i === values.length };
}

interface Range {
  entries: number;
  min: number;
  max: number;
  zeros: number;
  integers: boolean;
  nonFinite: NonFinite;
}

/** @param whole whether `m` is all there is; else it is some rows of it */
function tell(m: HeldMatrix, range: Range, whole: boolean): { state: State; evidence: string } {
  const { entries, min, max, zeros, integers, nonFinite } = range;
  if (entries === 0) return { state: "empty", evidence: `${m.rows} × ${m.cols} has no entries` };
  if (nonFinite.count > 0) {
    return {
      state: "not-finite",
      evidence: `${nonFinite.nan} NaN and ${nonFinite.infinite} infinite entries`,
    };
  }
  if (min === max) return { state: "constant", evidence: `every entry is ${number(min)}` };
  const span = `${number(min)} to ${number(max)}`;
  const zeroShare = zeros === 0 ? "none of them 0" : `${percent(zeros / entries)} of them 0`;
  if (min < 0) return tellNegative(m, span);
  const ranks = zeros === 0 ? tellRanks(m, whole) : null;
  if (ranks !== null) return { state: "ranked", evidence: ranks };
  if (integers && min <= 1) {
    const only = max === 1 ? "only 0 and 1" : `whole numbers ${span}`;
    return { state: "counts", evidence: `${only}, ${zeroShare}` };
  }
  const sums = rowSums(m, (v) => v);
  if (max > LOG_LIMIT) {
    const same = sameSum(sums);
    const kind = integers ? "whole numbers" : "numbers";
    return {
      state: "non-negative",
      evidence:
        same !== null
          ? `every sample adds up to about ${number(same)} (as CPM and TPM do), ${zeroShare}`
          : `${kind} ${span}, ${zeroShare}: beyond the range of logarithms`,
    };
  }
  if (min === 0 && max === 1) {
    return { state: "unit-range", evidence: `${tellUnits(m)}, ${zeroShare}` };
  }
  for (const [base, text, back] of bases) {
    const total = max < LOG_LIMIT / base ? sameSum(rowSums(m, back)) : null;
    if (total === null) continue;
    return {
      state: "log",
      evidence: `${text} − 1 adds up to about ${number(total)} in every sample: ${base === 1 ? "log1p" : `log${base === Math.LN2 ? 2 : 10}(1 + x)`} of counts per ${number(total)}`,
    };
  }
  return { state: "log", evidence: `numbers ${span}, ${zeroShare}: the range of logarithms` };
}

/** Bases of logarithms (as factors to the natural one), and the way back from log(1 + x). */
const bases: readonly [number, string, (v: number) => number][] = [
  [1, "exp(x)", Math.expm1],
  [Math.LN2, "2^x", (v) => 2 ** v - 1],
  [Math.LN10, "10^x", (v) => 10 ** v - 1],
];

function tellUnits(m: HeldMatrix): string {
  const { cols } = m;
  const low = new Float64Array(cols).fill(1);
  const high = new Float64Array(cols);
  const count = new Float64Array(cols);
  eachEntry(m, 0, (_row, j, v) => {
    low[j] = Math.min(low[j], v);
    high[j] = Math.max(high[j], v);
    count[j]++;
  });
  let scaled = 0;
  let varying = 0;
  for (let j = 0; j < cols; j++) {
    const least = count[j] < m.rows ? 0 : low[j];
    if (least === high[j]) continue;
    varying++;
    if (least === 0 && high[j] === 1) scaled++;
  }
  return scaled > 0.8 * varying
    ? `${percent(scaled / varying)} of the genes go from 0 to 1`
    : "numbers from 0 to 1";
}

/**
 * Are the genes (or the samples) ranks? Of up to 50 of them: the numbers are their own ranks, ties at their mean, times a
 * factor that all share (1, or 1 / n). The matrix has no zeros, so that a sparse one stores every entry in order.
 */
function tellRanks(m: HeldMatrix, whole: boolean): string | null {
  const values = m.kind === "dense" ? m.data : m.values;
  for (const [what, lines, length, step, stride] of [
    ["gene", m.cols, m.rows, 1, m.cols],
    ["sample", m.rows, m.cols, m.cols, 1],
  ] as const) {
    // of a part of the samples no gene has all ranks
    if (length < 5 || lines < 3 || (what === "gene" && !whole)) continue;
    const looked = Math.min(lines, 50);
    let factor: number | null = null;
    let same = true;
    for (let k = 0; k < looked && same; k++) {
      const line = Math.floor((k * lines) / looked);
      const numbers = Float64Array.from({ length }, (_, i) => values[line * step + i * stride]);
      const found = rankFactor(numbers);
      same = found !== null && (factor === null || Math.abs(found / factor - 1) < 1e-4);
      factor ??= found;
    }
    if (same && factor !== null) {
      const scale = Math.abs(factor - 1) < 1e-4 ? `1 to ${length}` : `ranks times ${number(factor)}`;
      return `within each ${what} the numbers are their own ranks, ${scale}`;
    }
  }
  return null;
}

/** The factor between numbers and their ranks, ties at their mean; null where it is not one and the same. */
function rankFactor(numbers: Float64Array): number | null {
  const sorted = numbers.slice().sort();
  const last = sorted.length - 1;
  const ties = sorted.indexOf(sorted[last]);
  const factor = sorted[last] / ((ties + last) / 2 + 1);
  for (let from = 0; from <= last; ) {
    let to = from;
    while (to < last && sorted[to + 1] === sorted[from]) to++;
    const rank = (from + to) / 2 + 1;
    if (Math.abs(sorted[from] / (factor * rank) - 1) > 1e-5) return null;
    from = to + 1;
  }
  return factor;
}

function tellNegative(m: HeldMatrix, span: string): { state: State; evidence: string } {
  const { mean, sd } = geneMoments(m);
  let centred = 0;
  let unit = 0;
  let varying = 0;
  for (let j = 0; j < m.cols; j++) {
    if (sd[j] === 0) continue;
    varying++;
    if (Math.abs(mean[j]) < 0.1 * sd[j]) {
      centred++;
      if (sd[j] > 0.8 && sd[j] < 1.25) unit++;
    }
  }
  const share = (n: number) => (varying === 0 ? 0 : n / varying);
  if (share(unit) > 0.8) {
    return {
      state: "scaled",
      evidence: `${percent(share(unit))} of the genes have mean 0 and deviation 1; ${span}`,
    };
  }
  if (share(centred) > 0.7) {
    return {
      state: "centred",
      evidence: `${percent(share(centred))} of the genes have a mean near 0; ${span}`,
    };
  }
  return { state: "negative", evidence: `numbers ${span}` };
}

/** @throws CellhueError where X holds NaN or infinite entries: how many, and the first by sample and gene */
export function requireFinite(
  { count, nan, infinite, first }: NonFinite,
  { rows, cols }: Pick<Matrix, "rows" | "cols">,
  geneNames: readonly string[],
  sampleNames: readonly string[],
  where: string,
): void {
  if (first === null) return;
  const kinds = [nan > 0 ? `${nan} NaN` : "", infinite > 0 ? `${infinite} infinite` : ""].filter(Boolean);
  const sample = visible(sampleNames[first.row] ?? "", 60);
  const gene = visible(geneNames[first.col] ?? "", 60);
  throw new CellhueError(
    `X holds ${count === 1 ? "an entry" : `${count} entries`} that cannot be computed with`,
    {
      where,
      found: `${kinds.join(" and ")} of ${rows * cols}; the first at sample '${sample}' (row ${first.row}), gene '${gene}' (column ${first.col})`,
      expected: "finite numbers",
      remedy: [
        "read another matrix of the file: --layer NAME or --use-raw",
        "or replace them first, e.g. in Python: adata.X = numpy.nan_to_num(adata.X)",
      ],
    },
  );
}

/** Adds those of a block, whose first row has the number `first`, to `into`. @returns whether there are none */
function countNonFinite(block: HeldMatrix, first: number, into: NonFinite): boolean {
  const before = into.count;
  const values = block.kind === "dense" ? block.data : block.values;
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (v - v === 0) continue;
    if (into.first === null) {
      const { row, col } = place(block, i);
      into.first = { row: first + row, col };
    }
    if (Number.isNaN(v)) into.nan++;
    else into.infinite++;
    into.count++;
  }
  return into.count === before;
}

function place(m: HeldMatrix, at: number): { row: number; col: number } {
  if (m.kind === "dense") return { row: Math.floor(at / m.cols), col: at % m.cols };
  let row = 0;
  while (m.indptr[row + 1] <= at) row++;
  return { row, col: m.indices[at] };
}

/** Sums of f over the rows, f(0) = 0, of up to LOOK rows spread over the matrix. */
function rowSums(m: HeldMatrix, f: (v: number) => number): Float64Array {
  const n = Math.min(m.rows, LOOK);
  const sums = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const row = Math.floor((k * m.rows) / n);
    const values = rowValues(m, row);
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += f(values[i]);
    sums[k] = sum;
  }
  return sums;
}

function rowValues(m: HeldMatrix, row: number): Float32Array {
  return m.kind === "dense"
    ? m.data.subarray(row * m.cols, (row + 1) * m.cols)
    : m.values.subarray(m.indptr[row], m.indptr[row + 1]);
}

/** The common value of sums that agree within 0.1 %; null where they do not (or there are too few to say). */
function sameSum(sums: Float64Array): number | null {
  if (sums.length < 3) return null;
  const sorted = sums.slice().sort();
  const median = sorted[sorted.length >> 1];
  const within = sorted[sorted.length - 1] - sorted[0] <= 0.001 * median;
  return median > 0 && within ? Number(median.toPrecision(3)) : null;
}

/** Mean and standard deviation of every gene (zeros that are not stored count as entries). */
function geneMoments(m: HeldMatrix): { mean: Float64Array; sd: Float64Array } {
  const mean = new Float64Array(m.cols);
  const sd = new Float64Array(m.cols);
  eachEntry(m, 0, (_row, j, v) => {
    mean[j] += v;
    sd[j] += v * v;
  });
  for (let j = 0; j < m.cols; j++) {
    mean[j] /= m.rows;
    sd[j] = Math.sqrt(Math.max(0, sd[j] / m.rows - mean[j] * mean[j]));
  }
  return { mean, sd };
}

const number = (v: number) =>
  Math.abs(v) >= 1000 ? Math.round(v).toLocaleString("en-US") : String(+v.toPrecision(4));
const percent = (share: number) => `${+(100 * share).toPrecision(3)} %`;
