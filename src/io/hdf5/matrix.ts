/**
 * A matrix in HDF5 (X, a layer or raw of an .h5ad file, a 10x matrix) → Matrix: dense as it is, CSR with sorted rows,
 * CSC turned into CSR.
 * What lies by rows can also be read a few rows at a time (`storedSource`), a CSC a few entries at a time (`cscPieces`), so that
 * neither need fit into memory.
 * Read in blocks straight into the arrays that are returned; a CSC is read twice (count, then place) rather than held
 * twice. Blocks follow the chunks of the file, so that no chunk is decompressed more often than it must be.
 */
import { type CellhueError, throwIfAborted } from "../../errors.js";
import type { CsrMatrix, DenseMatrix, HeldMatrix, StoredMatrix } from "../../matrix.js";
import { type ProgressTask, silent } from "../../progress.js";
import { damaged } from "../anndata/source.js";
import type { MatrixSource } from "../anndata/store.js";
import { allocate, requirePlausible } from "../limits.js";
import { BLOCK_BYTES, blockRowsOf, faultOfOffsets, sortRows } from "../sparse.js";
import type { Piece } from "../spill.js";
import type { Hdf5File } from "./file.js";

/** Bytes read at once; a compressed chunk bigger than this is read whole, up to `GIANT`. */
const BLOCK = 4 << 20;
const GIANT = 64 << 20;

/** Reads the matrix. `task` counts stored entries (of a CSC twice). */
export function readSource(
  file: Hdf5File,
  source: MatrixSource,
  task: ProgressTask,
  signal?: AbortSignal,
): HeldMatrix {
  if (source.storage === "csc") return readCsc(file, source, task, signal);
  return rowReader(file, source).read(0, source.rows, task, signal);
}

/**
 * The matrix as one that is read in blocks of rows while the file is open.
 * @param limit bytes of it, or of a part, that may be held
 * @returns null for a CSC, whose rows lie all over the file
 */
export function storedSource(file: Hdf5File, source: MatrixSource, limit: number): StoredMatrix | null {
  if (source.storage === "csc") return null;
  const { rows, cols } = source;
  const { blockRows, read } = rowReader(file, source);
  return {
    kind: "stored",
    rows,
    cols,
    limit,
    blockRows,
    read: (first, count) => read(first, count, silentTask),
  };
}

/** Reads the rows first … first + count − 1. */
type RowReader = (first: number, count: number, task: ProgressTask, signal?: AbortSignal) => HeldMatrix;

const silentTask = silent.task("", 0);

function rowReader(file: Hdf5File, source: MatrixSource): { blockRows: number; read: RowReader } {
  const { rows, cols } = source;
  if (source.storage === "dense")
    return {
      blockRows: Math.max(1, Math.min(rows, Math.floor(BLOCK_BYTES / Math.max(1, 4 * cols)))),
      read: (first, count, task, signal) => readDense(file, source, first, count, task, signal),
    };
  const indptr = readIndptr(file, source, rows);
  return {
    blockRows: blockRowsOf(indptr),
    read: (first, count, task, signal) => readCsr(file, source, indptr, first, count, task, signal),
  };
}

function readDense(
  file: Hdf5File,
  { path, rows: allRows, cols }: MatrixSource,
  first: number,
  rows: number,
  task: ProgressTask,
  signal?: AbortSignal,
): DenseMatrix {
  const meta = file.metadata(path);
  const data = allocateFor(file, path, rows * cols, (n) => new Float32Array(n));
  const oneDimension = meta.shape?.length === 1;
  const [blockRows, blockCols] = denseBlock(file, path, allRows, cols);
  let done = 0;
  for (let r = 0; r < rows; r += blockRows) {
    const nr = Math.min(blockRows, rows - r);
    for (let c = 0; c < cols; c += blockCols) {
      throwIfAborted(signal);
      const nc = Math.min(blockCols, cols - c);
      const [start, count] = oneDimension
        ? [[first + r + c], [nr * nc]]
        : [
            [first + r, c],
            [nr, nc],
          ];
      file.withBlock(path, start, count, (at) => {
        const block = file.numberView(meta, at, nr * nc, path);
        if (nc === cols) data.set(block, r * cols);
        else for (let i = 0; i < nr; i++) data.set(block.subarray(i * nc, (i + 1) * nc), (r + i) * cols + c);
      });
      done += nr * nc;
      task.update(done);
    }
  }
  return { kind: "dense", rows, cols, data };
}

/** Rows and columns of the blocks in which a dense dataset is read: whole chunks, about BLOCK bytes. */
export function denseBlock(file: Hdf5File, path: string, rows: number, cols: number): [number, number] {
  const { size, chunks, shape } = file.metadata(path);
  const budget = Math.max(1, Math.floor(BLOCK / size));
  const compressed = chunks !== null && shape?.length === 2 && file.filters(path).length > 0;
  if (!compressed) {
    if (cols > budget) return [1, Math.max(1, Math.min(cols, budget))];
    return [Math.max(1, Math.floor(budget / Math.max(1, cols))), Math.max(1, cols)];
  }
  const [chunkRows, chunkCols] = chunks;
  if (chunkRows * chunkCols > budget) {
    const most = Math.max(1, Math.floor(GIANT / size / chunkCols));
    return [Math.min(chunkRows, most), chunkCols];
  }
  const across = Math.max(
    1,
    Math.min(Math.ceil(cols / chunkCols), Math.floor(budget / (chunkRows * chunkCols))),
  );
  const down = Math.max(1, Math.floor(budget / (chunkRows * chunkCols * across)));
  return [Math.min(down * chunkRows, Math.max(1, rows)), Math.min(across * chunkCols, Math.max(1, cols))];
}

function readCsr(
  file: Hdf5File,
  { path, cols }: MatrixSource,
  offsets: Float64Array,
  first: number,
  rows: number,
  task: ProgressTask,
  signal?: AbortSignal,
): CsrMatrix {
  const from = offsets[first];
  const indptr = offsets.subarray(first, first + rows + 1).map((offset) => offset - from);
  const stored = indptr[rows];
  const indices = allocateFor(file, path, stored, (n) => new Int32Array(n));
  const values = allocateFor(file, path, stored, (n) => new Float32Array(n));
  const [dataPath, indicesPath] = [`${path}/data`, `${path}/indices`];
  const dataMeta = file.metadata(dataPath);
  const indexMeta = file.metadata(indicesPath);
  for (const [start, n] of blocksOf(file, dataPath, from, from + stored)) {
    throwIfAborted(signal);
    file.withBlock(dataPath, [start], [n], (at) => {
      values.set(file.numberView(dataMeta, at, n, dataPath), start - from);
    });
    task.update(start - from + n);
  }
  for (const [start, n] of blocksOf(file, indicesPath, from, from + stored)) {
    throwIfAborted(signal);
    file.withBlock(indicesPath, [start], [n], (at) => {
      const block = file.numberView(indexMeta, at, n, indicesPath);
      for (let k = 0; k < n; k++) {
        const col = block[k];
        if (!(col >= 0 && col < cols)) throw outside(file, indicesPath, start + k, col, cols);
        indices[start - from + k] = col;
      }
    });
    task.update(stored + start - from + n);
  }
  return sortRows({ kind: "csr", rows, cols, indptr, indices, values });
}

function readCsc(file: Hdf5File, source: MatrixSource, task: ProgressTask, signal?: AbortSignal): CsrMatrix {
  const { path, rows, cols } = source;
  const colStart = readIndptr(file, source, cols);
  const stored = colStart[cols];
  const indptr = new Float64Array(rows + 1);
  for (const [start, n] of blocksOf(file, `${path}/indices`, 0, stored)) {
    throwIfAborted(signal);
    eachRowIndex(file, source, start, n, (row) => void indptr[row + 1]++);
    task.update(start + n);
  }
  for (let i = 0; i < rows; i++) indptr[i + 1] += indptr[i];
  const next = indptr.slice(0, rows);
  const indices = allocateFor(file, path, stored, (n) => new Int32Array(n));
  const values = allocateFor(file, path, stored, (n) => new Float32Array(n));
  let done = stored;
  for (const piece of cscPieces(file, source, colStart)) {
    throwIfAborted(signal);
    for (let k = 0; k < piece.rows.length; k++) {
      const to = next[piece.rows[k]]++;
      indices[to] = piece.cols[k];
      values[to] = piece.values[k];
    }
    done += piece.rows.length;
    task.update(done);
  }
  return sortRows({ kind: "csr", rows, cols, indptr, indices, values });
}

/** The entries of a CSC in the order of the file, some at a time. */
export function* cscPieces(
  file: Hdf5File,
  source: MatrixSource,
  colStart = readIndptr(file, source, source.cols),
): Generator<Extract<Piece, { kind: "entries" }>> {
  const { path } = source;
  const dataPath = `${path}/data`;
  const dataMeta = file.metadata(dataPath);
  requirePlausible(8 * colStart[source.cols], file.bytes, path, file.path);
  let col = 0;
  for (const [start, n] of blocksOf(file, `${path}/indices`, 0, colStart[source.cols])) {
    const rows = new Int32Array(n);
    eachRowIndex(file, source, start, n, (row, k) => {
      rows[k] = row;
    });
    const values = new Float32Array(n);
    file.withBlock(dataPath, [start], [n], (at) => values.set(file.numberView(dataMeta, at, n, dataPath)));
    const cols = new Int32Array(n);
    for (let k = 0; k < n; k++) {
      while (start + k >= colStart[col + 1]) col++;
      cols[k] = col;
    }
    yield { kind: "entries", rows, cols, values };
  }
}

/** Calls `use` with the row indices of the entries start … start + n − 1 of a CSC, checked. */
function eachRowIndex(
  file: Hdf5File,
  { path, rows }: MatrixSource,
  start: number,
  n: number,
  use: (row: number, k: number) => void,
): void {
  const indicesPath = `${path}/indices`;
  const meta = file.metadata(indicesPath);
  file.withBlock(indicesPath, [start], [n], (at) => {
    const block = file.numberView(meta, at, n, indicesPath);
    for (let k = 0; k < n; k++) {
      const row = block[k];
      if (!(row >= 0 && row < rows)) throw outside(file, indicesPath, start + k, row, rows);
      use(row, k);
    }
  });
}

/** Start and length of the blocks of from … to − 1 of a one-dimensional dataset; they end with chunks. */
function* blocksOf(
  file: Hdf5File,
  path: string,
  from: number,
  to: number,
): Generator<readonly [start: number, count: number]> {
  const { size, chunks } = file.metadata(path);
  const budget = Math.floor(BLOCK / size);
  let step = budget;
  if (chunks !== null && file.filters(path).length > 0) {
    const [chunk] = chunks;
    step = chunk <= budget ? Math.floor(budget / chunk) * chunk : Math.min(chunk, Math.floor(GIANT / size));
  }
  for (let start = from; start < to; ) {
    const end = Math.min(to, (Math.floor(start / step) + 1) * step);
    yield [start, end - start];
    start = end;
  }
}

function readIndptr(file: Hdf5File, { path, stored }: MatrixSource, major: number): Float64Array {
  const at = `${path}/indptr`;
  const both = Math.min(stored ?? 0, file.shape(`${path}/indices`)[0] ?? 0);
  const [length] = file.shape(at);
  if (length !== major + 1) throw damaged(file.path, at, `${length} offsets`, `${major + 1}`);
  const indptr = file.numbers(at);
  const fault = faultOfOffsets(indptr, major, both);
  if (fault !== null) throw damaged(file.path, at, ...fault);
  return indptr;
}

/** An array for the entries of a dataset, as many as the file can really hold. */
function allocateFor<T>(file: Hdf5File, path: string, items: number, make: (n: number) => T): T {
  requirePlausible(4 * items, file.bytes, path, file.path);
  return allocate(items, path, file.path, make);
}

function outside(file: Hdf5File, path: string, entry: number, index: number, size: number): CellhueError {
  return damaged(file.path, path, `index ${index} at entry ${entry}`, `0 to ${size - 1}`);
}
