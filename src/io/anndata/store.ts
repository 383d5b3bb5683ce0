/**
 * What AnnData is stored in (HDF5 or zarr), as the AnnData reader sees it: groups, datasets and attributes by path, each
 * answered at once. A store that reads asynchronously has fetched what can be asked for when it is handed out.
 */
import type { HeldMatrix, StoredMatrix } from "../../matrix.js";
import type { ProgressTask } from "../../progress.js";
import type { Column } from "../../table.js";
import type { Piece } from "../spill.js";

export interface AnnDataStore {
  readonly path: string;
  /** "h5ad", "zarr 2", "zarr 3" */
  readonly format: string;
  /** null where there is nothing. */
  kind(at: string): "group" | "dataset" | null;
  keys(group: string): string[];
  /** undefined where there is none. */
  attribute(at: string, name: string): unknown;
  /** Shape of a dataset; [] for a scalar. */
  shape(at: string): readonly number[];
  /** numpy's name of a dataset's type. */
  dtype(at: string): string;
  /** Path of the categories of a column of codes as anndata 0.7 wrote it; undefined for any other. */
  categoriesOf(at: string): string | undefined;
  /** A one-dimensional dataset; null where it holds what a Table cannot. */
  column(at: string): Column | null;
  /** A dataset of records (anndata < 0.7), member by member; null where it is none. */
  records(at: string): { name: string; column: Column | null }[] | null;
  /** Reads a matrix that `describeSource` described. `task` counts up to `entriesToRead`. */
  read(source: MatrixSource, task: ProgressTask, signal?: AbortSignal): HeldMatrix;
  /** The same, read in blocks of rows while the store is open; null where its rows do not lie together. */
  stored?(source: MatrixSource, limit: number): StoredMatrix | null;
  /** What `stored` cannot: in pieces, in any order; null where there is no need. */
  pieces(source: MatrixSource): Iterable<Piece> | AsyncIterable<Piece> | null;
  close(): void;
}

/** Where a matrix is and how it is stored. */
export interface MatrixSource {
  path: string;
  storage: "dense" | "csr" | "csc";
  rows: number;
  cols: number;
  dtype: string;
  /** Stored entries of a sparse matrix. */
  stored: number | null;
}
