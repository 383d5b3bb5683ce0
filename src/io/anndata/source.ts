/**
 * How a matrix of AnnData is stored, from metadata alone: a dense array, or a group of data, indices and indptr.
 * Format: anndata's on-disk specification (array 0.2.0, csr_matrix and csc_matrix 0.1.0) and h5sparse before it.
 */
import { CellhueError } from "../../errors.js";
import type { AnnDataStore, MatrixSource } from "./store.js";

/** null where the path holds nothing (or anndata's null). */
export function describeSource(store: AnnDataStore, path: string): MatrixSource | null {
  const kind = store.kind(path);
  if (kind === null || store.attribute(path, "encoding-type") === "null") return null;
  if (kind === "dataset") {
    const shape = store.shape(path);
    if (shape.length !== 1 && shape.length !== 2) {
      throw damaged(
        store.path,
        path,
        `an array of ${shape.length} dimensions`,
        "2 dimensions: samples × genes",
      );
    }
    return {
      path,
      storage: "dense",
      rows: shape[0],
      cols: shape[1] ?? 1,
      dtype: store.dtype(path),
      stored: null,
    };
  }
  const encoding = store.attribute(path, "encoding-type") ?? store.attribute(path, "h5sparse_format");
  const storage = encoding === "csr_matrix" || encoding === "csr" ? "csr" : "csc";
  const shape = store.attribute(path, "shape") ?? store.attribute(path, "h5sparse_shape");
  const parts = ["data", "indices", "indptr"].map((part) => `${path}/${part}`);
  const known = storage === "csr" || encoding === "csc_matrix" || encoding === "csc";
  if (!known || !isShape(shape) || parts.some((part) => store.kind(part) !== "dataset")) {
    throw damaged(
      store.path,
      path,
      `a group of ${store.keys(path).join(", ") || "nothing"}${encoding === undefined ? "" : `, encoding ${String(encoding)}`}`,
      "a dense array, or a sparse matrix in CSR or CSC (data, indices, indptr and their shape)",
    );
  }
  return {
    path,
    storage,
    rows: shape[0],
    cols: shape[1],
    dtype: store.dtype(parts[0]),
    stored: store.shape(parts[0])[0] ?? 0,
  };
}

/** How many entries reading it reports to a task. */
export function entriesToRead(source: MatrixSource): number {
  if (source.storage === "dense") return source.rows * source.cols;
  return (source.stored ?? 0) * 2;
}

function isShape(value: unknown): value is [number, number] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((n) => Number.isSafeInteger(n) && Number(n) >= 0)
  );
}

export function damaged(where: string, path: string, found: string, expected: string): CellhueError {
  return new CellhueError(`${path} is not a matrix as anndata writes it`, {
    where,
    found,
    expected,
    remedy: "write the file again with anndata, or copy it again if it was cut short",
  });
}
