/**
 * Role: the field's usual step from counts to logarithms, done only when asked for.
 * log1p-cp10k: each sample divided by its total, times 10,000, then log(1 + x); a sample without counts stays 0.
 * log1p-cpm: the same, times a million. Both equal scanpy's `normalize_total(target_sum=1e4)` (or 1e6) and `log1p` to
 * float32 rounding, and look at one sample at a time.
 * log1p-scran: each sample divided by its size factor, then log(1 + x): scuttle's `logNormCounts` with the natural logarithm.
 * Size factors look at all samples at once, so they are fitted in each fold (size-factors.ts).
 */
import { CellhueError } from "../errors.js";
import { type HeldMatrix, type Matrix, mapBlocks } from "../matrix.js";

export const normalizations = ["none", "log1p-cp10k", "log1p-cpm", "log1p-scran"] as const;
export type Normalization = (typeof normalizations)[number];
/** Those that nothing is fitted for. */
export type SampleNormalization = Exclude<Normalization, "log1p-scran">;

/** What the total of a sample becomes. */
export const normalizationTotals = { "log1p-cp10k": 1e4, "log1p-cpm": 1e6 };

/**
 * @param firstRow number of its first row in messages
 * @returns a new matrix (a sparse one shares its indices; of a stored one a view); `m` itself for "none"
 * @throws CellhueError where an entry is below 0 or not finite, as no count is
 */
export function normalizeMatrix(m: HeldMatrix, how: SampleNormalization, firstRow?: number): HeldMatrix;
export function normalizeMatrix(m: Matrix, how: SampleNormalization): Matrix;
export function normalizeMatrix(m: Matrix, how: SampleNormalization, firstRow = 0): Matrix {
  if (how === "none") return m;
  if (m.kind === "stored") return mapBlocks(m, (block, first) => normalizeMatrix(block, how, first));
  const target = normalizationTotals[how];
  return logRows(m, how, firstRow, (_row, total) => total / target);
}

/**
 * @param factors size factor of each row
 * @returns as `normalizeMatrix`
 */
export function normalizeByFactors(m: HeldMatrix, factors: ArrayLike<number>): HeldMatrix {
  return logRows(m, "log1p-scran", 0, (row) => factors[row]);
}

/** log(1 + x / scale) of each row that has counts. */
function logRows(
  m: HeldMatrix,
  how: Normalization,
  firstRow: number,
  scaleOf: (row: number, total: number) => number,
): HeldMatrix {
  const from = m.kind === "dense" ? m.data : m.values;
  const to = new Float32Array(from.length);
  for (let i = 0; i < m.rows; i++) {
    const begin = m.kind === "dense" ? i * m.cols : m.indptr[i];
    const end = m.kind === "dense" ? begin + m.cols : m.indptr[i + 1];
    let total = 0;
    for (let k = begin; k < end; k++) {
      const v = from[k];
      if (!isCount(v)) throw notCounts(how, v, firstRow + i);
      total += v;
    }
    if (total === 0) continue;
    const scale = scaleOf(i, total);
    for (let k = begin; k < end; k++) {
      const v = from[k];
      if (v !== 0) to[k] = Math.log1p(v / scale);
    }
  }
  return m.kind === "dense" ? { ...m, data: to } : { ...m, values: to };
}

/** @throws CellhueError as `normalizeMatrix` */
export function requireCounts(m: HeldMatrix, how: Normalization): void {
  const values = m.kind === "dense" ? m.data : m.values;
  const bad = values.findIndex((v) => !isCount(v));
  if (bad < 0) return;
  const row = m.kind === "dense" ? Math.floor(bad / m.cols) : m.indptr.findIndex((begin) => begin > bad) - 1;
  throw notCounts(how, values[bad], row);
}

const isCount = (v: number): boolean => v >= 0 && v < Number.POSITIVE_INFINITY;

function notCounts(how: Normalization, value: number, row: number): CellhueError {
  return new CellhueError(`--normalize ${how} needs counts`, {
    where: `X, row ${row}`,
    found: String(value),
    expected: "finite numbers from 0 upwards",
    remedy: ["leave --normalize out", "or read the counts: --layer NAME or --use-raw"],
  });
}
