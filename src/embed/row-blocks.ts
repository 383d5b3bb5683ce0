/**
 * A centred expression matrix as dense row blocks of bounded size, so that a sparse one is never dense as a whole.
 * Centring before the products (not a correction after them) keeps float32 exact enough where means dwarf spreads.
 */
import { type CsrMatrix, type DenseMatrix, type Matrix, type PassOptions, rowBlocks } from "../matrix.js";
import type { Moments } from "./directions.js";

/** 64 MB of float32 a block: large enough for the product to run at full speed, small beside any matrix that needs it. */
const BLOCK_VALUES = 16 * 2 ** 20;
/**
 * Columns are a multiple of so many, where they are more: a product with the transposed block reads narrow strips down all of
 * its rows, and takes 1.7 times as long where the rows of a strip begin at odd places in their pages (20,000 columns).
 */
const STRIDE = 256;
/** 512 MB: up to there all blocks are kept, since filling one takes as long as the products with it. */
export const KEPT_VALUES = 128 * 2 ** 20;

/** Float64 sums in one pass. */
export async function columnMoments(x: Matrix, options: PassOptions = {}): Promise<Moments> {
  const { rows, cols } = x;
  const mean = new Float64Array(cols);
  let squares = 0;
  for await (const { block } of rowBlocks(x, { what: "mean of each gene", ...options })) {
    const ofRow = block.kind === "csr" ? addSparse(mean, block) : addDense(mean, block);
    for (let i = 0; i < ofRow.length; i++) squares += ofRow[i];
  }
  for (let j = 0; j < cols; j++) {
    mean[j] /= rows;
    squares -= rows * mean[j] * mean[j];
  }
  return { mean, totalVariance: squares / Math.max(1, rows - 1) };
}

/** Adds the values of each gene to `sums`. @returns the sum of squares of each row */
function addSparse(sums: Float64Array, { rows, indptr, indices, values }: CsrMatrix): Float64Array {
  const squares = new Float64Array(rows);
  // A loop of its own: with a call for each entry (eachEntry) it takes five times as long.
  for (let i = 0; i < rows; i++) {
    let square = 0;
    for (let p = indptr[i]; p < indptr[i + 1]; p++) {
      const v = values[p];
      sums[indices[p]] += v;
      square += v * v;
    }
    squares[i] = square;
  }
  return squares;
}

/** The same to the bit, four rows at a time: one row's sum of squares would wait for each addition (three times as long). */
function addDense(sums: Float64Array, { rows, cols, data }: DenseMatrix): Float64Array {
  const squares = new Float64Array(rows);
  let i = 0;
  for (; i + 4 <= rows; i += 4) addFourRows(sums, squares.subarray(i, i + 4), data, i * cols);
  for (; i < rows; i++)
    for (let j = 0; j < cols; j++) {
      const v = data[i * cols + j];
      sums[j] += v;
      squares[i] += v * v;
    }
  return squares;
}

function addFourRows(sums: Float64Array, squares: Float64Array, data: Float32Array, at: number): void {
  const cols = sums.length;
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let j = 0; j < cols; j++) {
    const p = at + j;
    const a = data[p];
    const b = data[p + cols];
    const c = data[p + 2 * cols];
    const d = data[p + 3 * cols];
    sums[j] = sums[j] + a + b + c + d;
    s0 += a * a;
    s1 += b * b;
    s2 += c * c;
    s3 += d * d;
  }
  squares.set([s0, s1, s2, s3]);
}

export class RowBlocks {
  readonly count: number;
  /** Rows of every block, the last one filled up with zero rows: one shape for one compiled graph. */
  readonly height: number;
  /** Columns of every block: the genes, filled up with zero columns, see STRIDE. */
  readonly width: number;
  /** Whether every block has an array of its own; else all share one, filled anew each time. */
  readonly keeps: boolean;
  private readonly minusMean: Float32Array;
  private readonly arrays: Float32Array[] = [];
  private last = -1;

  /**
   * @param minHeight least rows of a block (zero rows are added where the matrix has fewer)
   * @param blockValues most values of a block
   * @param keptValues most values of all blocks together that are kept
   */
  constructor(
    private readonly x: Matrix,
    mean: Float64Array,
    minHeight: number,
    blockValues = BLOCK_VALUES,
    keptValues = KEPT_VALUES,
  ) {
    this.width = x.cols > STRIDE ? Math.ceil(x.cols / STRIDE) * STRIDE : x.cols;
    const most = Math.max(minHeight, Math.floor(blockValues / this.width));
    this.count = Math.max(1, Math.ceil(x.rows / most));
    this.height = Math.max(minHeight, Math.ceil(x.rows / this.count));
    this.keeps = this.count * this.height * this.width <= keptValues;
    this.minusMean = Float32Array.from(mean, (m) => -m);
  }

  /** Block b, height × width, row-major and centred. The array may be reused by the next call. */
  get(b: number): Float32Array {
    const { arrays, keeps } = this;
    const at = keeps ? b : 0;
    const there = arrays[at];
    if (there !== undefined && (keeps || this.last === b)) return there;
    this.last = b;
    arrays[at] = there ?? new Float32Array(this.height * this.width);
    this.fill(b, arrays[at]);
    return arrays[at];
  }

  private fill(b: number, buffer: Float32Array): void {
    const { x, minusMean, height, width } = this;
    const { cols } = x;
    const first = b * height;
    const filled = Math.max(0, Math.min(height, x.rows - first));
    const [from, held] = x.kind === "stored" ? [0, x.read(first, filled)] : [first, x];
    buffer.fill(0, filled * width);
    for (let r = 0; r < filled; r++) {
      const row = buffer.subarray(r * width, r * width + cols);
      row.set(minusMean);
      if (held.kind === "csr") {
        const [begin, end] = [held.indptr[from + r], held.indptr[from + r + 1]];
        const indices = held.indices.subarray(begin, end);
        const values = held.values.subarray(begin, end);
        for (let p = 0; p < indices.length; p++) row[indices[p]] += values[p];
      } else {
        const values = held.data.subarray((from + r) * cols, (from + r + 1) * cols);
        for (let j = 0; j < cols; j++) row[j] += values[j];
      }
    }
  }
}
