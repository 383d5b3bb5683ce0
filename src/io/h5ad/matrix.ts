/**
 * X (or a layer, or raw) of an .h5ad file → Matrix: dense as it is, CSR with sorted rows, CSC turned into CSR.
 * Read in blocks straight into the arrays that are returned; a CSC is read twice (count, then place) rather than held
 * twice. Blocks follow the chunks of the file, so that no chunk is decompressed more often than it must be.
 * Format: anndata's on-disk specification (array 0.2.0, csr_matrix and csc_matrix 0.1.0) and h5sparse before it.
 */
import { CellhueError, throwIfAborted } from "../../errors.js";
import type { CsrMatrix, DenseMatrix, Matrix } from "../../matrix.js";
import type { ProgressTask } from "../../progress.js";
import { dtypeName, type Hdf5File } from "./hdf5.js";

/** Bytes read at once; a compressed chunk bigger than this is read whole, up to `GIANT`. */
const BLOCK = 4 << 20;
const GIANT = 64 << 20;

export interface MatrixSource {
  path: string;
  storage: "dense" | "csr" | "csc";
  rows: number;
  cols: number;
  dtype: string;
  /** Stored entries of a sparse matrix. */
  stored: number | null;
}

/** Finds out how a matrix is stored, from metadata alone. null where the path holds nothing (or anndata's null). */
export function describeSource(file: Hdf5File, path: string): MatrixSource | null {
  const kind = file.kind(path);
  if (kind === null || file.attribute(path, "encoding-type") === "null") return null;
  if (kind === "dataset") {
    const shape = file.shape(path);
    if (shape.length !== 1 && shape.length !== 2) {
      throw damaged(file, path, `an array of ${shape.length} dimensions`, "2 dimensions: samples × genes");
    }
    return {
      path,
      storage: "dense",
      rows: shape[0],
      cols: shape[1] ?? 1,
      dtype: dtypeName(file.metadata(path)),
      stored: null,
    };
  }
  const encoding = file.attribute(path, "encoding-type") ?? file.attribute(path, "h5sparse_format");
  const storage = encoding === "csr_matrix" || encoding === "csr" ? "csr" : "csc";
  const shape = file.attribute(path, "shape") ?? file.attribute(path, "h5sparse_shape");
  const parts = ["data", "indices", "indptr"].map((part) => `${path}/${part}`);
  const known = storage === "csr" || encoding === "csc_matrix" || encoding === "csc";
  if (!known || !isShape(shape) || parts.some((part) => file.kind(part) !== "dataset")) {
    throw damaged(
      file,
      path,
      `a group of ${file.keys(path).join(", ") || "nothing"}${encoding === undefined ? "" : `, encoding ${String(encoding)}`}`,
      "a dense array, or a sparse matrix in CSR or CSC (data, indices, indptr and their shape)",
    );
  }
  return {
    path,
    storage,
    rows: shape[0],
    cols: shape[1],
    dtype: dtypeName(file.metadata(parts[0])),
    stored: file.shape(parts[0])[0] ?? 0,
  };
}

/** Reads the matrix. `task` counts stored entries (of a CSC twice). */
export function readSource(
  file: Hdf5File,
  source: MatrixSource,
  task: ProgressTask,
  signal?: AbortSignal,
): Matrix {
  if (source.storage === "dense") return readDense(file, source, task, signal);
  return source.storage === "csr" ? readCsr(file, source, task, signal) : readCsc(file, source, task, signal);
}

/** How many entries `readSource` reports to its task. */
export function entriesToRead(source: MatrixSource): number {
  if (source.storage === "dense") return source.rows * source.cols;
  return (source.stored ?? 0) * 2;
}

function readDense(
  file: Hdf5File,
  { path, rows, cols }: MatrixSource,
  task: ProgressTask,
  signal?: AbortSignal,
): DenseMatrix {
  const meta = file.metadata(path);
  const data = allocate(file, path, rows * cols, (n) => new Float32Array(n));
  const oneDimension = meta.shape?.length === 1;
  const [blockRows, blockCols] = denseBlock(file, path, rows, cols);
  let done = 0;
  for (let r = 0; r < rows; r += blockRows) {
    const nr = Math.min(blockRows, rows - r);
    for (let c = 0; c < cols; c += blockCols) {
      throwIfAborted(signal);
      const nc = Math.min(blockCols, cols - c);
      const [start, count] = oneDimension
        ? [[r + c], [nr * nc]]
        : [
            [r, c],
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
function denseBlock(file: Hdf5File, path: string, rows: number, cols: number): [number, number] {
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

function readCsr(file: Hdf5File, source: MatrixSource, task: ProgressTask, signal?: AbortSignal): CsrMatrix {
  const { path, rows, cols } = source;
  const indptr = readIndptr(file, source, rows);
  const stored = indptr[rows];
  const indices = allocate(file, path, stored, (n) => new Int32Array(n));
  const values = allocate(file, path, stored, (n) => new Float32Array(n));
  const [dataPath, indicesPath] = [`${path}/data`, `${path}/indices`];
  const dataMeta = file.metadata(dataPath);
  const indexMeta = file.metadata(indicesPath);
  eachBlock(file, dataPath, stored, (start, n) => {
    throwIfAborted(signal);
    file.withBlock(dataPath, [start], [n], (at) => {
      values.set(file.numberView(dataMeta, at, n, dataPath), start);
    });
    task.update(start + n);
  });
  eachBlock(file, indicesPath, stored, (start, n) => {
    throwIfAborted(signal);
    file.withBlock(indicesPath, [start], [n], (at) => {
      const block = file.numberView(indexMeta, at, n, indicesPath);
      for (let k = 0; k < n; k++) {
        const col = block[k];
        if (!(col >= 0 && col < cols)) throw outside(file, indicesPath, start + k, col, cols);
        indices[start + k] = col;
      }
    });
    task.update(stored + start + n);
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
  eachBlock(file, indicesPath, stored, (start, n) => {
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
  const indices = allocate(file, path, stored, (n) => new Int32Array(n));
  const values = allocate(file, path, stored, (n) => new Float32Array(n));
  let col = 0;
  let rowOf = new Int32Array(0);
  eachBlock(file, indicesPath, stored, (start, n) => {
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

/** Calls `read(start, count)` over a one-dimensional dataset in blocks of whole chunks. */
function eachBlock(
  file: Hdf5File,
  path: string,
  items: number,
  read: (start: number, count: number) => void,
): void {
  const { size, chunks } = file.metadata(path);
  const budget = Math.floor(BLOCK / size);
  let step = budget;
  if (chunks !== null && file.filters(path).length > 0) {
    const [chunk] = chunks;
    step = chunk <= budget ? Math.floor(budget / chunk) * chunk : Math.min(chunk, Math.floor(GIANT / size));
  }
  for (let start = 0; start < items; start += step) read(start, Math.min(step, items - start));
}

/** The offsets of a sparse matrix, checked: `major` + 1 of them, from 0 upwards, within the stored entries. */
function readIndptr(file: Hdf5File, { path, stored }: MatrixSource, major: number): Float64Array {
  const at = `${path}/indptr`;
  const [length] = file.shape(at);
  const stored2 = Math.min(stored ?? 0, file.shape(`${path}/indices`)[0] ?? 0);
  if (length !== major + 1) throw damaged(file, at, `${length} offsets`, `${major + 1}`);
  const indptr = file.numbers(at);
  let rising = indptr[0] === 0;
  for (let i = 0; i < major && rising; i++) rising = indptr[i + 1] >= indptr[i];
  if (!rising) throw damaged(file, at, "offsets that fall or do not begin at 0", "offsets that rise from 0");
  if (indptr[major] > stored2)
    throw damaged(file, at, `offsets up to ${indptr[major]}`, `at most the ${stored2} stored entries`);
  return indptr;
}

/**
 * Makes column indices rise within each row, in place; entries of the same place are added up (as scipy does). Returns
 * the matrix itself where nothing is to be done, which a first pass finds out.
 */
export function sortRows(m: CsrMatrix): CsrMatrix {
  const { rows, indptr, indices, values } = m;
  let repeated = false;
  for (let r = 0; r < rows; r++) {
    const from = indptr[r];
    const to = indptr[r + 1];
    let sorted = true;
    for (let k = from + 1; k < to; k++) {
      if (indices[k] <= indices[k - 1]) {
        sorted = false;
        break;
      }
    }
    if (sorted) continue;
    const n = to - from;
    // one float64 key holds column and position exactly: cols < 2^31 and n ≤ a few times cols
    const keys = new Float64Array(n);
    for (let k = 0; k < n; k++) keys[k] = indices[from + k] * n + k;
    keys.sort();
    const held = values.slice(from, to);
    for (let k = 0; k < n; k++) {
      const col = Math.floor(keys[k] / n);
      indices[from + k] = col;
      values[from + k] = held[keys[k] - col * n];
      if (k > 0 && indices[from + k - 1] === col) repeated = true;
    }
  }
  if (!repeated) return m;
  const packed = new Float64Array(rows + 1);
  let at = 0;
  for (let r = 0; r < rows; r++) {
    for (let k = indptr[r]; k < indptr[r + 1]; k++) {
      if (at > packed[r] && indices[at - 1] === indices[k]) values[at - 1] += values[k];
      else {
        indices[at] = indices[k];
        values[at++] = values[k];
      }
    }
    packed[r + 1] = at;
  }
  return { ...m, indptr: packed, indices: indices.slice(0, at), values: values.slice(0, at) };
}

function allocate<T>(file: Hdf5File, path: string, items: number, make: (n: number) => T): T {
  try {
    return make(items);
  } catch (cause) {
    throw new CellhueError(`${path} does not fit into memory`, {
      where: file.path,
      found: `${items} entries`,
      expected: "at most about 4 billion entries, and memory for them",
      remedy: "keep fewer samples or genes (e.g. the highly variable ones)",
      cause,
    });
  }
}

function isShape(value: unknown): value is [number, number] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((n) => Number.isSafeInteger(n) && Number(n) >= 0)
  );
}

function damaged(file: Hdf5File, path: string, found: string, expected: string): CellhueError {
  return new CellhueError(`${path} is not a matrix as anndata writes it`, {
    where: file.path,
    found,
    expected,
    remedy: "write the file again with anndata, or copy it again if it was cut short",
  });
}

function outside(file: Hdf5File, path: string, entry: number, index: number, size: number): CellhueError {
  return damaged(file, path, `index ${index} at entry ${entry}`, `0 to ${size - 1}`);
}
