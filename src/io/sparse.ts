/**
 * Sparse matrices as they come out of files, made into what the stages take: offsets checked, column indices rising
 * within each row and never repeated, columns turned into rows. As scipy's sort_indices, sum_duplicates and tocsr.
 */
import type { CsrMatrix } from "../matrix.js";

/**
 * Checks offsets: `major` + 1 of them, from 0 upwards, within the stored entries.
 * @returns what is wrong, as [found, expected]; null where nothing is
 */
export function faultOfOffsets(
  indptr: Float64Array,
  major: number,
  stored: number,
): readonly [string, string] | null {
  if (indptr.length !== major + 1) return [`${indptr.length} offsets`, `${major + 1}`];
  let rising = indptr[0] === 0;
  for (let i = 0; i < major && rising; i++) rising = indptr[i + 1] >= indptr[i];
  if (!rising) return ["offsets that fall or do not begin at 0", "offsets that rise from 0"];
  if (indptr[major] > stored)
    return [`offsets up to ${indptr[major]}`, `at most the ${stored} stored entries`];
  return null;
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

/**
 * Compressed columns → compressed rows. Columns rise within a row, but repeat where the file repeats them: see `sortRows`.
 * @param m indptr by column, indices of rows
 */
export function columnsToRows(m: {
  rows: number;
  cols: number;
  indptr: Float64Array;
  indices: Int32Array;
  values: Float32Array;
}): CsrMatrix {
  const { rows, cols } = m;
  const indptr = new Float64Array(rows + 1);
  for (let k = 0; k < m.indices.length; k++) indptr[m.indices[k] + 1]++;
  for (let i = 0; i < rows; i++) indptr[i + 1] += indptr[i];
  const next = indptr.slice(0, rows);
  const indices = new Int32Array(m.indices.length);
  const values = new Float32Array(m.indices.length);
  for (let col = 0; col < cols; col++) {
    for (let k = m.indptr[col]; k < m.indptr[col + 1]; k++) {
      const to = next[m.indices[k]]++;
      indices[to] = col;
      values[to] = m.values[k];
    }
  }
  return { kind: "csr", rows, cols, indptr, indices, values };
}

/** Bytes of a block of rows of a stored matrix. */
export const BLOCK_BYTES = 64 << 20;

/**
 * How many rows of a sparse matrix are read at once: as many as take BLOCK_BYTES on average, fewer where some lie so
 * unevenly that such a block of them would take more than twice of it.
 */
export function blockRowsOf(indptr: Float64Array): number {
  const rows = indptr.length - 1;
  const perRow = (8 * indptr[rows]) / Math.max(1, rows);
  let height = Math.max(1, Math.min(rows, Math.floor(BLOCK_BYTES / Math.max(1, perRow))));
  const fits = () => {
    for (let row = 0; row < rows; row += height)
      if (8 * (indptr[Math.min(rows, row + height)] - indptr[row]) > 2 * BLOCK_BYTES) return false;
    return true;
  };
  while (height > 1 && !fits()) height = Math.ceil(height / 2);
  return height;
}
