/**
 * AnnData in HDF5 (.h5ad) of every age.
 * Format: https://anndata.readthedocs.io/en/stable/fileformat-prose.html and its predecessors since anndata 0.5.
 */
import type { HeldMatrix, StoredMatrix } from "../../matrix.js";
import type { ProgressTask } from "../../progress.js";
import type { Column } from "../../table.js";
import { AnnDataReader } from "../anndata/reader.js";
import type { AnnDataStore, MatrixSource } from "../anndata/store.js";
import { dtypeName, H5Class, type Hdf5File, isBoolean, type Metadata } from "../hdf5/file.js";
import { cscPieces, readSource, storedSource } from "../hdf5/matrix.js";
import type { ExpressionReader, OpenOptions } from "../reader.js";
import type { Piece } from "../spill.js";

/** Takes over the open file: the reader closes it. See `openExpression` for the errors. */
export function openH5ad(file: Hdf5File, options: OpenOptions): ExpressionReader {
  return new AnnDataReader(new H5adStore(file), options);
}

export class H5adStore implements AnnDataStore {
  readonly path: string;
  readonly format = "h5ad";

  constructor(private readonly file: Hdf5File) {
    this.path = file.path;
  }

  kind(at: string): "group" | "dataset" | null {
    return this.file.kind(at);
  }

  keys(group: string): string[] {
    return this.file.keys(group);
  }

  attribute(at: string, name: string): unknown {
    return this.file.attribute(at, name);
  }

  shape(at: string): readonly number[] {
    return this.file.shape(at);
  }

  dtype(at: string): string {
    return dtypeName(this.file.metadata(at));
  }

  categoriesOf(at: string): string | undefined {
    return this.file.referenced(at, "categories");
  }

  column(at: string): Column | null {
    return columnOf(this.file, at);
  }

  records(at: string): { name: string; column: Column | null }[] | null {
    const { file } = this;
    const meta = file.metadata(at);
    const members = meta.compound_type?.members ?? [];
    if (meta.type !== H5Class.compound || members.length === 0 || meta.shape?.length !== 1) return null;
    return file.withAll(at, (heap, items) =>
      members.map((member) => ({ name: member.name, column: memberColumn(file, meta, member, heap, items) })),
    );
  }

  read(source: MatrixSource, task: ProgressTask, signal?: AbortSignal): HeldMatrix {
    return readSource(this.file, source, task, signal);
  }

  stored(source: MatrixSource, limit: number): StoredMatrix | null {
    return storedSource(this.file, source, limit);
  }

  pieces(source: MatrixSource): Iterable<Piece> | null {
    return source.storage === "csc" ? cscPieces(this.file, source) : null;
  }

  close(): void {
    this.file.close();
  }
}

/** A dataset of HDF5 as a column; null where it is not of text, numbers, booleans or an enumeration. */
export function columnOf(file: Hdf5File, at: string): Column | null {
  const meta = file.metadata(at);
  const { type } = meta;
  if (type === H5Class.string) return { kind: "string", values: file.strings(at) };
  if (type === H5Class.integer || type === H5Class.float) {
    return { kind: "number", values: file.numbers(at), integer: type === H5Class.integer };
  }
  return type === H5Class.enumeration ? enumeration(meta, file.numbers(at)) : null;
}

function memberColumn(
  file: Hdf5File,
  record: Metadata,
  member: Metadata & { offset: number; name: string },
  heap: number,
  items: number,
): Column | null {
  const at = heap + member.offset;
  if (member.type === H5Class.string) {
    return { kind: "string", values: file.stringsAt(member, at, items, record.size) };
  }
  if (
    member.type !== H5Class.integer &&
    member.type !== H5Class.float &&
    member.type !== H5Class.enumeration
  ) {
    return null;
  }
  const values = file.memberNumbers(member, at, items, record.size, member.name);
  return member.type === H5Class.enumeration
    ? enumeration(member, values)
    : { kind: "number", values, integer: member.type === H5Class.integer };
}

/** h5py's boolean, or an enumeration whose members are the categories. */
function enumeration(meta: Metadata, codes: Float64Array): Column {
  if (isBoolean(meta)) return { kind: "boolean", values: Int8Array.from(codes) };
  const members = Object.entries(meta.enum_type?.members ?? {});
  const position = new Map(members.map(([, value], i) => [value, i]));
  return {
    kind: "categorical",
    categories: members.map(([name]) => name),
    codes: Int32Array.from(codes, (code) => position.get(code) ?? -1),
    ordered: false,
  };
}
