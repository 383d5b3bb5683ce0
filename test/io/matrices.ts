import type { CsrMatrix, DenseMatrix } from "../../src/matrix.js";

/** CSR of plain numbers. */
export const csrOf = ({
  rows,
  cols,
  indptr,
  indices,
  values,
}: Record<"rows" | "cols", number> & Record<"indptr" | "indices" | "values", number[]>): CsrMatrix => ({
  kind: "csr",
  rows,
  cols,
  indptr: Float64Array.from(indptr),
  indices: Int32Array.from(indices),
  values: Float32Array.from(values),
});

/** A dense matrix as CSR, zeros left out: the slow, obvious way. */
export function toCsr({ rows, cols, data }: DenseMatrix): CsrMatrix {
  const indptr = [0];
  const indices: number[] = [];
  const values: number[] = [];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      if (data[i * cols + j] === 0) continue;
      indices.push(j);
      values.push(data[i * cols + j]);
    }
    indptr.push(indices.length);
  }
  return csrOf({ rows, cols, indptr, indices, values });
}

/** A sparse matrix as a dense one. */
export function toDense({ rows, cols, indptr, indices, values }: CsrMatrix): DenseMatrix {
  const data = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i++)
    for (let p = indptr[i]; p < indptr[i + 1]; p++) data[i * cols + indices[p]] = values[p];
  return { kind: "dense", rows, cols, data };
}
