/**
 * obs and var of an .h5ad file → Table, whatever wrote them:
 * - anndata ≥ 0.8 (dataframe 0.2.0): a group; categoricals and nullable columns are groups of their own
 * - anndata 0.7 (dataframe 0.1.0): a group; a categorical is its codes with a reference to `__categories/<column>`
 * - anndata < 0.7: one compound dataset; a categorical is its codes, the names are in `uns/<column>_categories`
 */
import { CellhueError } from "../../errors.js";
import type { Column, Table } from "../../table.js";
import { columnAsText } from "../labels.js";
import { H5Class, type Hdf5File, isBoolean, type Metadata } from "./hdf5.js";

export interface ReadTable {
  table: Table;
  /** Columns that hold something else than numbers, booleans, text or categories, and were left out. */
  skipped: string[];
}

/** Rows of obs or var, without reading it. null where there is none. */
export function tableLength(file: Hdf5File, path: string): number | null {
  const kind = file.kind(path);
  if (kind === null) return null;
  if (kind === "dataset") return file.shape(path)[0] ?? 0;
  const index = `${path}/${indexName(file, path)}`;
  if (file.kind(index) === null) return null;
  return elementLength(file, index);
}

/** Reads obs or var; `uns` is where anndata < 0.7 keeps the categories. */
export function readTable(file: Hdf5File, path: string): ReadTable {
  return file.kind(path) === "dataset" ? readCompound(file, path) : readGroup(file, path);
}

function indexName(file: Hdf5File, path: string): string {
  const name = file.attribute(path, "_index");
  if (typeof name === "string") return name;
  return file.kind(`${path}/_index`) === null ? "index" : "_index";
}

function readGroup(file: Hdf5File, path: string): ReadTable {
  const indexPath = `${path}/${indexName(file, path)}`;
  if (file.kind(indexPath) === null) {
    throw new CellhueError(`${path} has no index`, {
      where: file.path,
      found: file.keys(path).join(", ") || "an empty group",
      expected: `${indexPath}, the names of its rows`,
    });
  }
  const indexColumn = readColumn(file, indexPath);
  if (indexColumn === null) throw new CellhueError(`the index of ${path} is not text`, { where: file.path });
  const index = columnAsText(indexColumn).map((text) => text ?? "");
  const order = file.attribute(path, "column-order");
  const names =
    typeof order === "string"
      ? [order]
      : Array.isArray(order)
        ? order.filter((name): name is string => typeof name === "string")
        : file.keys(path).filter((name) => name !== "__categories" && `${path}/${name}` !== indexPath);
  const columns = new Map<string, Column>();
  const skipped: string[] = [];
  for (const name of names) {
    const column = file.kind(`${path}/${name}`) === null ? null : readColumn(file, `${path}/${name}`);
    if (column === null) {
      skipped.push(name);
      continue;
    }
    const length = columnLength(column);
    if (length !== index.length) {
      throw new CellhueError(`${path}/${name} has another length than its table`, {
        where: file.path,
        found: `${length} values`,
        expected: `${index.length}, as many as ${indexPath}`,
      });
    }
    columns.set(name, column);
  }
  return { table: { length: index.length, index, columns }, skipped };
}

/** One column: a dataset or a group. null where its kind is not one that a Table holds. */
function readColumn(file: Hdf5File, path: string): Column | null {
  if (file.kind(path) === "dataset") {
    const meta = file.metadata(path);
    if ((meta.shape?.length ?? 0) !== 1) return null;
    const categories = file.referenced(path, "categories");
    if (categories !== undefined) return readCategorical(file, path, categories, categories);
    const { type } = meta;
    if (type === H5Class.string) return { kind: "string", values: file.strings(path) };
    if (type === H5Class.integer || type === H5Class.float) {
      return { kind: "number", values: file.numbers(path), integer: type === H5Class.integer };
    }
    return type === H5Class.enumeration ? enumeration(meta, file.numbers(path)) : null;
  }
  const keys = new Set(file.keys(path));
  if (keys.has("codes") && keys.has("categories")) {
    return readCategorical(file, `${path}/codes`, `${path}/categories`, path);
  }
  if (keys.has("values") && keys.has("mask")) {
    const values = readColumn(file, `${path}/values`);
    return values === null ? null : withMask(values, file.numbers(`${path}/mask`));
  }
  return null;
}

function readCategorical(
  file: Hdf5File,
  codesPath: string,
  categoriesPath: string,
  orderedAt: string,
): Column | null {
  const names = readColumn(file, categoriesPath);
  if (names === null) return null;
  const categories = columnAsText(names).map((text) => text ?? "");
  return {
    kind: "categorical",
    categories,
    codes: checkedCodes(file, codesPath, file.numbers(codesPath), categories.length),
    ordered: Boolean(file.attribute(orderedAt, "ordered")),
  };
}

function checkedCodes(file: Hdf5File, path: string, codes: Float64Array, categories: number): Int32Array {
  const out = new Int32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (!(code >= -1 && code < categories)) {
      throw new CellhueError(`${path} holds a code without a category`, {
        where: file.path,
        found: `code ${code} in row ${i}`,
        expected: `-1 (missing) to ${categories - 1}`,
      });
    }
    out[i] = code;
  }
  return out;
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

/** A nullable column of pandas: where the mask is set, the value is missing. */
function withMask(column: Column, mask: Float64Array): Column {
  switch (column.kind) {
    case "number":
      return { ...column, values: column.values.map((v, i) => (mask[i] ? Number.NaN : v)) };
    case "boolean":
      return { ...column, values: column.values.map((v, i) => (mask[i] ? -1 : v)) };
    case "string":
      return { ...column, values: column.values.map((v, i) => (mask[i] ? null : v)) };
    case "categorical":
      return { ...column, codes: column.codes.map((v, i) => (mask[i] ? -1 : v)) };
  }
}

/** obs or var as one dataset of records (anndata < 0.7): the first member is the index. */
function readCompound(file: Hdf5File, path: string): ReadTable {
  const meta = file.metadata(path);
  const members = meta.compound_type?.members ?? [];
  if (meta.type !== H5Class.compound || members.length === 0 || meta.shape?.length !== 1) {
    throw new CellhueError(`${path} is not a table`, {
      where: file.path,
      found: `a dataset of shape ${(meta.shape ?? []).join(" × ") || "()"}`,
      expected: "a data frame as anndata writes it",
    });
  }
  const columns = new Map<string, Column>();
  const skipped: string[] = [];
  let index: string[] = [];
  file.withAll(path, (at, items) => {
    for (const [i, member] of members.entries()) {
      const place = `${path}/${member.name}`;
      let column: Column | null = null;
      if (member.type === H5Class.string) {
        const values = file.stringsAt(member, at + member.offset, items, meta.size);
        column = { kind: "string", values };
      } else if (
        member.type === H5Class.integer ||
        member.type === H5Class.float ||
        member.type === H5Class.enumeration
      ) {
        const values = file.memberNumbers(member, at + member.offset, items, meta.size, place);
        column =
          member.type === H5Class.enumeration
            ? enumeration(member, values)
            : { kind: "number", values, integer: member.type === H5Class.integer };
      }
      if (i === 0) index = columnAsText(column ?? { kind: "string", values: [] }).map((text) => text ?? "");
      else if (column === null) skipped.push(member.name);
      else columns.set(member.name, column);
    }
  });
  for (const [name, column] of columns) {
    const categories = oldCategories(file, name, column);
    if (categories !== null) columns.set(name, categories);
  }
  return { table: { length: index.length, index, columns }, skipped };
}

/** A column of codes whose names are in uns; obs and var share that place, so all codes must fit (as anndata asks). */
function oldCategories(file: Hdf5File, name: string, column: Column): Column | null {
  const path = `uns/${name}_categories`;
  if (column.kind !== "number" || !column.integer || file.kind(path) !== "dataset") return null;
  const meta = file.metadata(path);
  const categories =
    meta.type === H5Class.string
      ? file.strings(path)
      : Array.from(file.numbers(path), (value) => String(value));
  const fits = column.values.every((code) => code >= -1 && code < categories.length);
  if (!fits) return null;
  return { kind: "categorical", categories, codes: Int32Array.from(column.values), ordered: false };
}

function columnLength(column: Column): number {
  return column.kind === "categorical" ? column.codes.length : column.values.length;
}

/** Length of a column that may be a group (categorical or nullable). */
function elementLength(file: Hdf5File, path: string): number {
  if (file.kind(path) === "dataset") return file.shape(path)[0] ?? 0;
  const values = file.kind(`${path}/codes`) === null ? `${path}/values` : `${path}/codes`;
  return file.kind(values) === "dataset" ? (file.shape(values)[0] ?? 0) : 0;
}
