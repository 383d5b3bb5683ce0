/**
 * Rows of a file's matrix as the input of a model: its genes in its order, and NaN for those that the file does not have.
 * Pure.
 */
import { CellhueError } from "../errors.js";
import { eachEntry, type HeldMatrix, type Matrix, type PassOptions, rowBlocks } from "../matrix.js";
import type { Normalization } from "../normalize/normalize.js";
import { visible } from "./visible.js";

export interface ModelInput {
  /** For each gene of the model the column of the matrix, or −1. */
  from: Int32Array;
  normalize: Normalization;
}

/**
 * @returns writes rows `first` … `first + count − 1` to the start of `into`, genes of the model each, row-major
 */
export function modelRows(
  matrix: HeldMatrix,
  { from }: ModelInput,
): (first: number, count: number, into: Float32Array) => void {
  const genes = from.length;
  const missing = Int32Array.from(from.keys()).filter((gene) => from[gene] < 0);
  const byColumn = columnsToGenes(from, matrix.cols);

  return (first, count, into) => {
    for (let i = 0; i < count; i++) {
      const row = into.subarray(i * genes, (i + 1) * genes);
      if (matrix.kind === "dense") {
        const values = matrix.data.subarray((first + i) * matrix.cols, (first + i + 1) * matrix.cols);
        for (let g = 0; g < genes; g++) if (from[g] >= 0) row[g] = values[from[g]];
      } else {
        row.fill(0);
        for (let k = matrix.indptr[first + i]; k < matrix.indptr[first + i + 1]; k++) {
          const gene = byColumn[matrix.indices[k]];
          if (gene >= 0) row[gene] = matrix.values[k];
        }
      }
      for (const gene of missing) row[gene] = Number.NaN;
    }
  };
}

/** The gene of each column, or −1. */
function columnsToGenes(from: Int32Array, columns: number): Int32Array {
  const genes = new Int32Array(columns).fill(-1);
  from.forEach((column, gene) => {
    if (column >= 0) genes[column] = gene;
  });
  return genes;
}

/**
 * @throws CellhueError where an entry that the model needs is not finite, or below 0 where it takes logarithms of counts;
 *   entries of other genes do not matter
 */
export async function requireUsable(
  matrix: Matrix,
  { from, normalize }: ModelInput,
  geneNames: readonly string[],
  sampleNames: readonly string[],
  where: string,
  options?: PassOptions,
): Promise<void> {
  const needed = columnsToGenes(from, matrix.cols);
  const least = normalize === "none" ? Number.NEGATIVE_INFINITY : 0;
  let bad = 0;
  const found: { row: number; column: number; value: number }[] = [];
  for await (const { first, block } of rowBlocks(matrix, options))
    eachEntry(block, first, (row, column, value) => {
      if ((value - value === 0 && value >= least) || needed[column] < 0) return;
      if (bad++ === 0) found.push({ row, column, value });
    });
  const [first] = found;
  if (first === undefined) return;
  const finite = Number.isFinite(first.value);
  const sample = visible(sampleNames[first.row] ?? "", 60);
  const gene = visible(geneNames[first.column] ?? "", 60);
  throw new CellhueError(
    finite
      ? "the model takes logarithms of counts, and the matrix holds numbers below 0"
      : `the matrix holds ${bad === 1 ? "an entry" : `${bad} entries`} that cannot be computed with`,
    {
      where,
      found: `${first.value} at sample '${sample}' (row ${first.row}), gene '${gene}' (column ${first.column})`,
      expected: finite ? "counts, as in training" : "finite numbers",
      remedy: "read another matrix of the file: --layer NAME or --use-raw",
    },
  );
}
