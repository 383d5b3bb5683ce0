/**
 * The field's usual step from counts to logarithms, done only when asked for.
 * log1p-cp10k: each sample divided by its total, times 10,000, then log(1 + x); a sample without counts stays 0.
 * log1p-cpm: the same, times a million.
 * Equals scanpy's `normalize_total(target_sum=1e4)` (or 1e6) and `log1p` to float32 rounding.
 * Both look at one sample at a time. Size factors (DESeq2's median of ratios, scran's) look at all samples at once: they
 * would have to be fitted within each fold, so they are not offered here.
 */
import { CellhueError } from "../errors.js";
import { type HeldMatrix, type Matrix, mapBlocks } from "../matrix.js";

export type Normalization = "none" | "log1p-cp10k" | "log1p-cpm";
export const normalizations: readonly Normalization[] = ["none", "log1p-cp10k", "log1p-cpm"];

/** What the total of a sample becomes. */
export const normalizationTotals = { "log1p-cp10k": 1e4, "log1p-cpm": 1e6 };

/**
 * @param firstRow number of its first row in messages
 * @returns a new matrix (a sparse one shares its indices; of a stored one a view); `m` itself for "none"
 * @throws CellhueError where an entry is below 0 or not finite, as no count is
 */
export function normalizeMatrix(m: HeldMatrix, how: Normalization, firstRow?: number): HeldMatrix;
export function normalizeMatrix(m: Matrix, how: Normalization): Matrix;
export function normalizeMatrix(m: Matrix, how: Normalization, firstRow = 0): Matrix {
  if (how === "none") return m;
  if (m.kind === "stored") return mapBlocks(m, (block, first) => normalizeMatrix(block, how, first));
  const from = m.kind === "dense" ? m.data : m.values;
  const to = new Float32Array(from.length);
  for (let i = 0; i < m.rows; i++) {
    const begin = m.kind === "dense" ? i * m.cols : m.indptr[i];
    const end = m.kind === "dense" ? begin + m.cols : m.indptr[i + 1];
    let total = 0;
    for (let k = begin; k < end; k++) {
      const v = from[k];
      if (!(v >= 0 && v < Number.POSITIVE_INFINITY)) throw notCounts(how, v, firstRow + i);
      total += v;
    }
    if (total === 0) continue;
    const scale = total / normalizationTotals[how];
    for (let k = begin; k < end; k++) {
      const v = from[k];
      if (v !== 0) to[k] = Math.log1p(v / scale);
    }
  }
  return m.kind === "dense" ? { ...m, data: to } : { ...m, values: to };
}

function notCounts(how: Normalization, value: number, row: number): CellhueError {
  return new CellhueError(`--normalize ${how} needs counts`, {
    where: `X, row ${row}`,
    found: String(value),
    expected: "finite numbers from 0 upwards",
    remedy: ["leave --normalize out", "or read the counts: --layer NAME or --use-raw"],
  });
}
