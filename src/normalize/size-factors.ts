/**
 * Role: size factors of all samples of a matrix, fitted on some: those by deconvolution among themselves, cleaned and of mean
 * 1, all others by the rule that the fit leaves behind. A held-out sample changes nothing in the fit.
 * Contract: fewer than 21 samples with counts, or no gene of the least mean, give library-size factors; what was
 * done instead of the usual is told.
 * Reference: pooled-size-factors.ts, clean-size-factors.ts, place-size-factors.ts.
 */
import { eachEntry, type HeldMatrix, selectRows } from "../matrix.js";
import type { Progress } from "../progress.js";
import { cleanSizeFactors } from "./clean-size-factors.js";
import { libraryRule, placeSizeFactors, type SizeFactorRule, sizeFactorRule } from "./place-size-factors.js";
import { type PooledFactors, pooledSizeFactors, poolSizes, rowTotals } from "./pooled-size-factors.js";

export interface SizeFactors {
  /** Places new samples. */
  readonly rule: SizeFactorRule;
  /** Of every row of the matrix; 1 where it has no counts. */
  readonly factors: Float32Array;
}

/** What was done instead of the usual. */
export interface Remarks {
  /** Why library sizes were taken; null where they were not. */
  readonly library: string | null;
  /** Factors of training samples that came out as 0 or less. */
  readonly cleaned: number;
  /** Factors of held-out samples that were kept from falling below the least of training. */
  readonly raised: number;
}

/** Remarks as lines for the user, on one fit or on several (`where`: "in the folds: "). */
export function remarkLines(all: readonly Remarks[], where = ""): string[] {
  const sum = (of: (remarks: Remarks) => number) => all.reduce((total, remarks) => total + of(remarks), 0);
  const factors = (count: number) => `${count} size ${count === 1 ? "factor" : "factors"}`;
  const [cleaned, raised] = [sum((r) => r.cleaned), sum((r) => r.raised)];
  const reason = all.find(({ library }) => library !== null)?.library;
  return [
    ...(reason ? [`${reason}: size factors are library sizes`] : []),
    ...(cleaned > 0
      ? [
          `${factors(cleaned)} came out as 0 or less, and were taken from the numbers of genes with counts; samples of hardly any counts are better left out`,
        ]
      : []),
    ...(raised > 0
      ? [
          `${factors(raised)} of held-out samples would be less, relative to the library size, than any of training; the least of training was taken`,
        ]
      : []),
  ].map((line) => where + line);
}

/**
 * @param x counts, all from 0 upwards
 * @param rows the samples that are fitted on, rising; null: all
 */
export async function fitSizeFactors(
  x: HeldMatrix,
  rows: Int32Array | null,
  options: { progress?: Progress; signal?: AbortSignal } = {},
): Promise<SizeFactors & { readonly remarks: Remarks }> {
  const totals = rowTotals(x);
  const fitted = (rows ?? Int32Array.from(totals.keys())).filter((row) => totals[row] > 0);
  const seen = fitted.length < x.rows ? selectRows(x, fitted) : x;
  const pooled = await pooledSizeFactors(seen, options);
  const own = trainingFactors(seen, pooled);
  const rule =
    own.library === null ? sizeFactorRule(seen, pooled, own.factors) : libraryRule(pooled.reference.total);

  const factors = new Float32Array(x.rows);
  fitted.forEach((row, i) => {
    factors[row] = own.factors[i];
  });
  const others = Int32Array.from(factors.keys()).filter((row) => factors[row] === 0);
  const placed = placeSizeFactors(rule, x, others, totals);
  others.forEach((row, i) => {
    factors[row] = placed.factors[i];
  });
  const { library, cleaned } = own;
  return { rule, factors, remarks: { library, cleaned, raised: placed.raised } };
}

/** Positive, of mean 1. */
function trainingFactors(
  x: HeldMatrix,
  { reference, totals, relative }: PooledFactors,
): { factors: Float64Array } & Pick<Remarks, "library" | "cleaned"> {
  const librarySizes = (library: string) => ({ factors: centred(totals), library, cleaned: 0 });
  if (x.rows < poolSizes[0])
    return librarySizes(`${x.rows} samples with counts are fewer than a pool of ${poolSizes[0]}`);
  if (reference.genes.length === 0)
    return librarySizes("no gene is counted often enough to compare pools by");
  const found = relative.map((r, i) => r * totals[i]);
  const clean = cleanSizeFactors(found, genesCounted(x, reference.genes));
  if (clean === null) return librarySizes("pools contradict each other in nearly all samples");
  return {
    factors: centred(clean),
    library: null,
    cleaned: found.filter((factor) => !(factor > 0)).length,
  };
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
  eachEntry(x, 0, (row, column, value) => {
    if (value > 0) counted[row] += wanted[column];
  });
  return counted;
}
