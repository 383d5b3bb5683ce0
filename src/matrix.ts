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
