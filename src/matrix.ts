/**
 * The expression matrix as the stages see it: samples (obs) in rows, genes (var) in columns, float32.
 * A plain record of typed arrays, so that it crosses threads and the browser alike.
 */
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

export type Matrix = DenseMatrix | CsrMatrix;

/** The rows given (rising), as a new matrix. */
export function selectRows(matrix: Matrix, rows: Int32Array): Matrix {
  const { cols } = matrix;
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

/** The columns given (rising), as a new matrix. */
export function selectColumns(matrix: Matrix, columns: Int32Array): Matrix {
  const { rows, cols } = matrix;
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
export function divideColumns(matrix: Matrix, divisors: Float32Array): Matrix {
  if (matrix.kind === "csr")
    return { ...matrix, values: matrix.values.map((v, p) => v / divisors[matrix.indices[p]]) };
  return { ...matrix, data: matrix.data.map((v, p) => v / divisors[p % matrix.cols]) };
}

/** Writes the rows given into `into`, dense: rows.length × cols, row-major. */
export function fillRows(matrix: Matrix, rows: ArrayLike<number>, into: Float32Array): void {
  const { cols } = matrix;
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
