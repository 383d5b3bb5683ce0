/**
 * The expression matrix as the stages see it: samples (obs) in rows, genes (var) in columns, float32.
 * A held one is a plain record of typed arrays, so that it crosses threads and the browser alike. A stored one lies where
 * its reader has it (on disk) and is read in blocks of rows; choices of rows and columns and what is done row by row are
 * views of it, so that a matrix of any size costs the memory of a block. Whatever is computed of either is the same.
 */
import { breathe } from "./breathe.js";
import { throwIfAborted } from "./errors.js";
import { type Progress, type ProgressTask, silent } from "./progress.js";

export interface DenseMatrix {
  readonly kind: "dense";
  readonly rows: number;
  readonly cols: number;
  /** Row-major, rows × cols. */
  readonly data: Float32Array;
}

/** Compressed sparse rows; column indices rise within a row and never repeat. */
export interface CsrMatrix {
  readonly kind: "csr";
  readonly rows: number;
  readonly cols: number;
  /** rows + 1 offsets into `indices` and `values`; float64 holds them exactly up to 2^53. */
  readonly indptr: Float64Array;
  readonly indices: Int32Array;
  readonly values: Float32Array;
}

export type HeldMatrix = DenseMatrix | CsrMatrix;

/** A matrix that is read in blocks of rows. */
export interface StoredMatrix {
  readonly kind: "stored";
  readonly rows: number;
  readonly cols: number;
  /** How many rows are best read at once. */
  readonly blockRows: number;
  /** Bytes of it that may be held: `settled` holds what is no larger. */
  readonly limit: number;
  /** Rows first … first + count − 1. */
  read(first: number, count: number): HeldMatrix;
}

export type Matrix = HeldMatrix | StoredMatrix;

/** What a pass over a matrix tells, where it is a long one, and what ends it. */
export interface PassOptions {
  /** What is found out by it: the name of the bar. */
  readonly what?: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Seconds from which a pass is worth a bar. */
const LONG = 2;

/**
 * All rows, a block at a time: a held matrix is one block. Between the blocks of a stored one timers and signals have their turn.
 * @throws InterruptedError
 */
export async function* rowBlocks(
  matrix: Matrix,
  { what = "reading X", progress = silent, signal }: PassOptions = {},
): AsyncGenerator<{ first: number; block: HeldMatrix }, void, undefined> {
  throwIfAborted(signal);
  if (matrix.kind !== "stored") {
    yield { first: 0, block: matrix };
    return;
  }
  const { rows, blockRows } = matrix;
  const start = performance.now();
  let task: ProgressTask | undefined;
  try {
    let first = 0;
    do {
      yield { first, block: matrix.read(first, Math.min(blockRows, rows - first)) };
      first += blockRows;
      if (first >= rows) break; // without rows there is still a block, which tells the kind
      const seconds = (performance.now() - start) / 1000;
      if (task === undefined && (seconds / first) * rows > LONG) task = progress.task(what, rows);
      task?.update(first);
      await breathe(signal);
    } while (first < rows);
    task?.update(rows);
  } finally {
    task?.end();
  }
}

/**
 * Calls `use` with every entry of a block of rows, row by row; of a sparse one with those that are stored. Each pass has its
 * own loop over the blocks: V8 then compiles this one into it, `use` and all. Through one loop for all of them, passes that
 * are made often took up to 1.9 times as long.
 * @param first the number of its first row
 */
export function eachEntry(
  block: HeldMatrix,
  first: number,
  use: (row: number, column: number, value: number) => void,
): void {
  if (block.kind === "dense") {
    for (let i = 0, p = 0; i < block.rows; i++)
      for (let j = 0; j < block.cols; j++, p++) use(first + i, j, block.data[p]);
  } else {
    const { indptr, indices, values } = block;
    for (let i = 0; i < block.rows; i++)
      for (let p = indptr[i]; p < indptr[i + 1]; p++) use(first + i, indices[p], values[p]);
  }
}

/** Bytes of a held matrix. */
export const bytesOf = (m: HeldMatrix): number =>
  m.kind === "dense" ? m.data.byteLength : m.values.byteLength + m.indices.byteLength + m.indptr.byteLength;

/** All of it in memory. */
export async function hold(matrix: Matrix, options?: PassOptions): Promise<HeldMatrix> {
  if (matrix.kind !== "stored") return matrix;
  const blocks: HeldMatrix[] = [];
  for await (const { block } of rowBlocks(matrix, options)) blocks.push(block);
  return concatRows(blocks, matrix.cols);
}

/** Held where it is within its limit, else as it is. */
export async function settled(matrix: Matrix, options?: PassOptions): Promise<Matrix> {
  if (matrix.kind !== "stored") return matrix;
  const blocks: HeldMatrix[] = [];
  let bytes = 0;
  for await (const { block } of rowBlocks(matrix, options)) {
    bytes += bytesOf(block);
    if (bytes > matrix.limit) return matrix;
    blocks.push(block);
  }
  return concatRows(blocks, matrix.cols);
}

/** Matrices of one kind, one below the other. */
function concatRows(blocks: readonly HeldMatrix[], cols: number): HeldMatrix {
  if (blocks.length === 1) return blocks[0];
  const rows = blocks.reduce((sum, block) => sum + block.rows, 0);
  if (blocks.every((block) => block.kind === "dense")) {
    const data = new Float32Array(rows * cols);
    let at = 0;
    for (const block of blocks) {
      data.set(block.data, at);
      at += block.data.length;
    }
    return { kind: "dense", rows, cols, data };
  }
  const indptr = new Float64Array(rows + 1);
  const stored = blocks.reduce((sum, block) => sum + (block.kind === "csr" ? block.indices.length : 0), 0);
  const indices = new Int32Array(stored);
  const values = new Float32Array(stored);
  let row = 0;
  let at = 0;
  for (const block of blocks) {
    if (block.kind !== "csr") throw new RangeError("concatRows: blocks of two kinds");
    for (let i = 1; i <= block.rows; i++) indptr[row + i] = at + block.indptr[i];
    indices.set(block.indices, at);
    values.set(block.values, at);
    row += block.rows;
    at += block.indices.length;
  }
  return { kind: "csr", rows, cols, indptr, indices, values };
}

/** A stored matrix of what `change` makes of its blocks; it may change columns and values, not rows. */
export const mapBlocks = (
  matrix: StoredMatrix,
  change: (block: HeldMatrix, first: number) => HeldMatrix,
  cols = matrix.cols,
): StoredMatrix => ({
  ...matrix,
  cols,
  read: (first, count) => change(matrix.read(first, count), first),
});

/** The rows given (rising) of a stored matrix, read in pieces of at most a block. */
function readPicked(matrix: StoredMatrix, rows: Int32Array): HeldMatrix {
  const pieces: HeldMatrix[] = [];
  for (let i = 0; i < rows.length; ) {
    const first = rows[i];
    let end = i + 1;
    while (end < rows.length && rows[end] < first + matrix.blockRows) end++;
    const piece = matrix.read(first, rows[end - 1] - first + 1);
    pieces.push(
      piece.rows === end - i
        ? piece
        : selectRows(
            piece,
            rows.subarray(i, end).map((row) => row - first),
          ),
    );
    i = end;
  }
  return pieces.length > 0 ? concatRows(pieces, matrix.cols) : matrix.read(0, 0);
}

/** The rows given (rising), as a new matrix; of a stored one a view. */
export function selectRows(matrix: DenseMatrix, rows: Int32Array): DenseMatrix;
export function selectRows(matrix: HeldMatrix, rows: Int32Array): HeldMatrix;
export function selectRows(matrix: Matrix, rows: Int32Array): Matrix;
export function selectRows(matrix: Matrix, rows: Int32Array): Matrix {
  const { cols } = matrix;
  if (matrix.kind === "stored")
    return {
      ...matrix,
      rows: rows.length,
      read: (first, count) => readPicked(matrix, rows.subarray(first, first + count)),
    };
  if (matrix.kind === "dense") {
    const data = new Float32Array(rows.length * cols);
    rows.forEach((row, i) => {
      data.set(matrix.data.subarray(row * cols, (row + 1) * cols), i * cols);
    });
    return { kind: "dense", rows: rows.length, cols, data };
  }
  const indptr = new Float64Array(rows.length + 1);
  rows.forEach((row, i) => {
    indptr[i + 1] = indptr[i] + matrix.indptr[row + 1] - matrix.indptr[row];
  });
  const indices = new Int32Array(indptr[rows.length]);
  const values = new Float32Array(indptr[rows.length]);
  rows.forEach((row, i) => {
    indices.set(matrix.indices.subarray(matrix.indptr[row], matrix.indptr[row + 1]), indptr[i]);
    values.set(matrix.values.subarray(matrix.indptr[row], matrix.indptr[row + 1]), indptr[i]);
  });
  return { kind: "csr", rows: rows.length, cols, indptr, indices, values };
}

/** The columns given (rising), as a new matrix; of a stored one a view. */
export function selectColumns(matrix: CsrMatrix, columns: Int32Array): CsrMatrix;
export function selectColumns(matrix: DenseMatrix, columns: Int32Array): DenseMatrix;
export function selectColumns(matrix: HeldMatrix, columns: Int32Array): HeldMatrix;
export function selectColumns(matrix: StoredMatrix, columns: Int32Array): StoredMatrix;
export function selectColumns(matrix: Matrix, columns: Int32Array): Matrix;
export function selectColumns(matrix: Matrix, columns: Int32Array): Matrix {
  const { rows, cols } = matrix;
  if (matrix.kind === "stored")
    return mapBlocks(matrix, (block) => selectColumns(block, columns), columns.length);
  if (matrix.kind === "dense") {
    const data = new Float32Array(rows * columns.length);
    for (let i = 0, to = 0; i < rows; i++)
      for (let j = 0; j < columns.length; j++) data[to++] = matrix.data[i * cols + columns[j]];
    return { kind: "dense", rows, cols: columns.length, data };
  }
  const place = new Int32Array(cols).fill(-1);
  columns.forEach((column, j) => {
    place[column] = j;
  });
  let count = 0;
  for (const column of matrix.indices) if (place[column] >= 0) count++;
  const indptr = new Float64Array(rows + 1);
  const indices = new Int32Array(count);
  const values = new Float32Array(count);
  let to = 0;
  for (let i = 0; i < rows; i++) {
    for (let p = matrix.indptr[i]; p < matrix.indptr[i + 1]; p++) {
      const j = place[matrix.indices[p]];
      if (j < 0) continue;
      indices[to] = j;
      values[to++] = matrix.values[p];
    }
    indptr[i + 1] = to;
  }
  return { kind: "csr", rows, cols: columns.length, indptr, indices, values };
}

/** Each column divided by its own number, as a new matrix; a sparse one stays sparse. */
export function divideColumns(matrix: HeldMatrix, divisors: Float32Array): HeldMatrix;
export function divideColumns(matrix: Matrix, divisors: Float32Array): Matrix;
export function divideColumns(matrix: Matrix, divisors: Float32Array): Matrix {
  if (matrix.kind === "stored") return mapBlocks(matrix, (block) => divideColumns(block, divisors));
  if (matrix.kind === "csr")
    return { ...matrix, values: matrix.values.map((v, p) => v / divisors[matrix.indices[p]]) };
  return { ...matrix, data: matrix.data.map((v, p) => v / divisors[p % matrix.cols]) };
}

/** Writes the rows given into `into`, dense: rows.length × cols, row-major. */
export function fillRows(matrix: Matrix, rows: ArrayLike<number>, into: Float32Array): void {
  const { cols } = matrix;
  if (matrix.kind === "stored") {
    for (let i = 0, end = 0; i < rows.length; i = end) {
      // rows that follow each other are read at once
      for (end = i + 1; end < rows.length && end - i < matrix.blockRows && rows[end] === rows[end - 1] + 1; )
        end++;
      const block = matrix.read(rows[i], end - i);
      fillRows(
        block,
        Int32Array.from({ length: end - i }, (_, r) => r),
        into.subarray(i * cols, end * cols),
      );
    }
    return;
  }
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    const target = into.subarray(i * cols, (i + 1) * cols);
    if (matrix.kind === "dense") target.set(matrix.data.subarray(row * cols, (row + 1) * cols));
    else {
      target.fill(0);
      for (let p = matrix.indptr[row]; p < matrix.indptr[row + 1]; p++)
        target[matrix.indices[p]] = matrix.values[p];
    }
  }
}

/** A copy where x is sparse. */
export function toDense(x: HeldMatrix): DenseMatrix {
  if (x.kind === "dense") return x;
  const data = new Float32Array(x.rows * x.cols);
  for (let j = 0; j < x.rows; j++)
    for (let p = x.indptr[j]; p < x.indptr[j + 1]; p++) data[j * x.cols + x.indices[p]] = x.values[p];
  return { kind: "dense", rows: x.rows, cols: x.cols, data };
}
