/**
 * Role: size factors of all samples of a matrix, fitted on some: those by deconvolution among themselves, cleaned and of mean
 * 1, all others by the rule that the fit leaves behind. A held-out sample changes nothing in the fit.
 * Contract: fewer than 21 samples with counts, or no gene of the least mean, give library-size factors; what was
 * done instead of the usual is told.
 * Reference: pooled-size-factors.ts, clean-size-factors.ts, place-size-factors.ts.
 */
import { eachEntry, type HeldMatrix, selectRows } from "../matrix.js";
import { type Progress, silent } from "../progress.js";
import { cleanSizeFactors } from "./clean-size-factors.js";
import { libraryRule, placeSizeFactors, type SizeFactorRule, sizeFactorRule } from "./place-size-factors.js";
import { type PooledFactors, pooledSizeFactors, poolSizes, rowTotals } from "./pooled-size-factors.js";

export interface SizeFactors {
  /** Places new samples. */
  readonly rule: SizeFactorRule;
  /** Of every row of the matrix; 1 where it has no counts. */
  readonly factors: Float32Array;
}

/**
 * @param x counts, all from 0 upwards
 * @param rows the samples that are fitted on, rising; null: all
 */
export async function fitSizeFactors(
  x: HeldMatrix,
  rows: Int32Array | null,
  { progress = silent, signal }: { progress?: Progress; signal?: AbortSignal } = {},
): Promise<SizeFactors> {
  const totals = rowTotals(x);
  const fitted = (rows ?? Int32Array.from(totals.keys())).filter((row) => totals[row] > 0);
  const seen = fitted.length < x.rows ? selectRows(x, fitted) : x;
  const pooled = await pooledSizeFactors(seen, { progress, signal });
  const own = trainingFactors(seen, pooled, progress);
  const rule = own.pooled ? sizeFactorRule(seen, pooled, own.factors) : libraryRule(pooled.reference.total);

  const factors = new Float32Array(x.rows);
  fitted.forEach((row, i) => {
    factors[row] = own.factors[i];
  });
  const others = Int32Array.from(factors.keys()).filter((row) => factors[row] === 0);
  const placed = placeSizeFactors(rule, x, others, totals);
  others.forEach((row, i) => {
    factors[row] = placed.factors[i];
  });
  if (placed.raised > 0)
    progress.note(
      `size factors of ${placed.raised} held-out samples, relative to their library sizes, would be below the least of training: they get that one`,
    );
  return { rule, factors };
}

/** Positive, of mean 1; `pooled` is false where they are library sizes. */
function trainingFactors(
  x: HeldMatrix,
  { reference, totals, relative }: PooledFactors,
  progress: Progress,
): { factors: Float64Array; pooled: boolean } {
  const library = () => ({ factors: centred(totals), pooled: false });
  if (x.rows < poolSizes[0]) {
    progress.warn(
      `${x.rows} samples with counts are fewer than a pool of ${poolSizes[0]}: size factors are library sizes`,
    );
    return library();
  }
  if (reference.genes.length === 0) {
    progress.warn("no gene is counted often enough to compare pools by: size factors are library sizes");
    return library();
  }
  const found = relative.map((r, i) => r * totals[i]);
  const bad = found.filter((factor) => !(factor > 0)).length;
  if (bad === 0) return { factors: centred(found), pooled: true };
  const clean = cleanSizeFactors(found, genesCounted(x, reference.genes));
  if (clean === null) {
    progress.warn("pools contradict each other in nearly all samples: size factors are library sizes");
    return library();
  }
  progress.warn(
    `size factors of ${bad} of ${x.rows} samples came out as 0 or less: they are taken from the number of genes with counts. Samples of hardly any counts are better left out`,
  );
  return { factors: centred(clean), pooled: true };
}

function centred(factors: Float64Array): Float64Array {
  const mean = factors.reduce((a, b) => a + b, 0) / factors.length;
  return factors.map((factor) => factor / mean);
}

/** Of the genes given, how many have a count in each row. */
function genesCounted(x: HeldMatrix, genes: Int32Array): Int32Array {
  const wanted = new Uint8Array(x.cols);
  for (const gene of genes) wanted[gene] = 1;
  const counted = new Int32Array(x.rows);
  eachEntry(x, (row, column, value) => {
    if (value > 0) counted[row] += wanted[column];
  });
  return counted;
}
