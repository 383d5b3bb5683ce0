/**
 * A matrix in HDF5 (X, a layer or raw of an .h5ad file, a 10x matrix) → Matrix: dense as it is, CSR with sorted rows,
 * CSC turned into CSR.
 * What lies by rows can also be read a few rows at a time (`storedSource`), so that it need not fit into memory.
 * Read in blocks straight into the arrays that are returned; a CSC is read twice (count, then place) rather than held
 * twice. Blocks follow the chunks of the file, so that no chunk is decompressed more often than it must be.
 */
import { type CellhueError, throwIfAborted } from "../../errors.js";
import type { CsrMatrix, DenseMatrix, HeldMatrix, StoredMatrix } from "../../matrix.js";
import { type ProgressTask, silent } from "../../progress.js";
import { damaged } from "../anndata/source.js";
import type { MatrixSource } from "../anndata/store.js";
import { allocate, requirePlausible } from "../limits.js";
import { faultOfOffsets, sortRows } from "../sparse.js";
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
  const read = rowReader(file, source);
  return read(0, source.rows, task, signal);
}

/** Bytes of a block of rows. */
const STORED_BLOCK = 64 << 20;

/**
 * The matrix as one that is read in blocks of rows while the file is open.
 * @param limit bytes of it, or of a part, that may be held
 * @returns null for a CSC, whose rows lie all over the file
 */
export function storedSource(file: Hdf5File, source: MatrixSource, limit: number): StoredMatrix | null {
  if (source.storage === "csc") return null;
  const { rows, cols, stored } = source;
  const perRow = source.storage === "dense" ? 4 * cols : 8 * ((stored ?? 0) / Math.max(1, rows));
  const read = rowReader(file, source);
  return {
    kind: "stored",
    rows,
    cols,
    limit,
    blockRows: Math.max(1, Math.min(rows, Math.floor(STORED_BLOCK / Math.max(1, perRow)))),
    read: (first, count) => read(first, count, silentTask),
  };
}

/** Reads the rows first … first + count − 1. */
type RowReader = (first: number, count: number, task: ProgressTask, signal?: AbortSignal) => HeldMatrix;

const silentTask = silent.task("", 0);

function rowReader(file: Hdf5File, source: MatrixSource): RowReader {
  if (source.storage === "dense")
    return (first, count, task, signal) => readDense(file, source, first, count, task, signal);
  const indptr = readIndptr(file, source, source.rows);
  return (first, count, task, signal) => readCsr(file, source, indptr, first, count, task, signal);
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
  eachBlock(file, dataPath, from, from + stored, (start, n) => {
    throwIfAborted(signal);
    file.withBlock(dataPath, [start], [n], (at) => {
      values.set(file.numberView(dataMeta, at, n, dataPath), start - from);
    });
    task.update(start - from + n);
  });
  eachBlock(file, indicesPath, from, from + stored, (start, n) => {
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
  });
  return sortRows({ kind: "csr", rows, cols, indptr, indices, values });
}

function readCsc(file: Hdf5File, source: MatrixSource, task: ProgressTask, signal?: AbortSignal): CsrMatrix {
  const { path, rows, cols } = source;
  const colStart = readIndptr(file, source, cols);
  const stored = colStart[cols];
  const [dataPath, indicesPath] = [`${path}/data`, `${path}/indices`];
  const dataMeta = file.metadata(dataPath);
  const indexMeta = file.metadata(indicesPath);
  const indptr = new Float64Array(rows + 1);
  eachBlock(file, indicesPath, 0, stored, (start, n) => {
    throwIfAborted(signal);
    file.withBlock(indicesPath, [start], [n], (at) => {
      const block = file.numberView(indexMeta, at, n, indicesPath);
      for (let k = 0; k < n; k++) {
        const row = block[k];
        if (!(row >= 0 && row < rows)) throw outside(file, indicesPath, start + k, row, rows);
        indptr[row + 1]++;
      }
    });
    task.update(start + n);
  });
  for (let i = 0; i < rows; i++) indptr[i + 1] += indptr[i];
  const next = indptr.slice(0, rows);
  const indices = allocateFor(file, path, stored, (n) => new Int32Array(n));
  const values = allocateFor(file, path, stored, (n) => new Float32Array(n));
  let col = 0;
  let rowOf = new Int32Array(0);
  eachBlock(file, indicesPath, 0, stored, (start, n) => {
    throwIfAborted(signal);
    if (rowOf.length < n) rowOf = new Int32Array(n);
    file.withBlock(indicesPath, [start], [n], (at) => {
      rowOf.set(file.numberView(indexMeta, at, n, indicesPath));
    });
    file.withBlock(dataPath, [start], [n], (at) => {
      const block = file.numberView(dataMeta, at, n, dataPath);
      for (let k = 0; k < n; k++) {
        while (start + k >= colStart[col + 1]) col++;
        const to = next[rowOf[k]]++;
        indices[to] = col;
        values[to] = block[k];
      }
    });
    task.update(stored + start + n);
  });
  return sortRows({ kind: "csr", rows, cols, indptr, indices, values });
}

/** Calls `read(start, count)` over from … to − 1 of a one-dimensional dataset, in blocks that end with chunks. */
function eachBlock(
  file: Hdf5File,
  path: string,
  from: number,
  to: number,
  read: (start: number, count: number) => void,
): void {
  const { size, chunks } = file.metadata(path);
  const budget = Math.floor(BLOCK / size);
  let step = budget;
  if (chunks !== null && file.filters(path).length > 0) {
    const [chunk] = chunks;
    step = chunk <= budget ? Math.floor(budget / chunk) * chunk : Math.min(chunk, Math.floor(GIANT / size));
  }
  for (let start = from; start < to; ) {
    const end = Math.min(to, (Math.floor(start / step) + 1) * step);
    read(start, end - start);
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
