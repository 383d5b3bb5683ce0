/**
 * obs and var of AnnData → Table, whatever wrote them:
 * - anndata ≥ 0.8 (dataframe 0.2.0): a group; categoricals and nullable columns are groups of their own
 * - anndata 0.7 (dataframe 0.1.0): a group; a categorical is its codes with a reference to `__categories/<column>`
 * - anndata < 0.7: one compound dataset; a categorical is its codes, the names are in `uns/<column>_categories`
 */
import { CellhueError } from "../../errors.js";
import type { Column, Table } from "../../table.js";
import { columnAsText } from "../labels.js";
import type { AnnDataStore } from "./store.js";

export interface ReadTable {
  table: Table;
  /** Columns that hold something else than numbers, booleans, text or categories, and were left out. */
  skipped: string[];
}

/** Rows of obs or var, without reading it. null where there is none. */
export function tableLength(store: AnnDataStore, path: string): number | null {
  const kind = store.kind(path);
  if (kind === null) return null;
  if (kind === "dataset") return store.shape(path)[0] ?? 0;
  const index = `${path}/${indexName(store, path)}`;
  if (store.kind(index) === null) return null;
  return elementLength(store, index);
}

/** Reads obs or var; `uns` is where anndata < 0.7 keeps the categories. */
export function readTable(store: AnnDataStore, path: string): ReadTable {
  return store.kind(path) === "dataset" ? readRecords(store, path) : readGroup(store, path);
}

function indexName(store: AnnDataStore, path: string): string {
  const name = store.attribute(path, "_index");
  if (typeof name === "string") return name;
  return store.kind(`${path}/_index`) === null ? "index" : "_index";
}

function readGroup(store: AnnDataStore, path: string): ReadTable {
  const indexPath = `${path}/${indexName(store, path)}`;
  if (store.kind(indexPath) === null) {
    throw new CellhueError(`${path} has no index`, {
      where: store.path,
      found: store.keys(path).join(", ") || "an empty group",
      expected: `${indexPath}, the names of its rows`,
    });
  }
  const indexColumn = readColumn(store, indexPath);
  if (indexColumn === null) throw new CellhueError(`the index of ${path} is not text`, { where: store.path });
  const index = columnAsText(indexColumn).map((text) => text ?? "");
  const order = store.attribute(path, "column-order");
  const names =
    typeof order === "string"
      ? [order]
      : Array.isArray(order)
        ? order.filter((name): name is string => typeof name === "string")
        : store.keys(path).filter((name) => name !== "__categories" && `${path}/${name}` !== indexPath);
  const columns = new Map<string, Column>();
  const skipped: string[] = [];
  for (const name of names) {
    const column = store.kind(`${path}/${name}`) === null ? null : readColumn(store, `${path}/${name}`);
    if (column === null) {
      skipped.push(name);
      continue;
    }
    const length = columnLength(column);
    if (length !== index.length) {
      throw new CellhueError(`${path}/${name} has another length than its table`, {
        where: store.path,
        found: `${length} values`,
        expected: `${index.length}, as many as ${indexPath}`,
      });
    }
    columns.set(name, column);
  }
  return { table: { length: index.length, index, columns }, skipped };
}

/** One column: a dataset or a group. null where its kind is not one that a Table holds. */
function readColumn(store: AnnDataStore, path: string): Column | null {
  if (store.kind(path) === "dataset") {
    if (store.shape(path).length !== 1) return null;
    const categories = store.categoriesOf(path);
    if (categories !== undefined) return readCategorical(store, path, categories, categories);
    return store.column(path);
  }
  const keys = new Set(store.keys(path));
  if (keys.has("codes") && keys.has("categories")) {
    return readCategorical(store, `${path}/codes`, `${path}/categories`, path);
  }
  if (keys.has("values") && keys.has("mask")) {
    const values = readColumn(store, `${path}/values`);
    return values === null ? null : withMask(values, numbersOf(store, `${path}/mask`));
  }
  return null;
}

/** A dataset of numbers or flags. */
function numbersOf(store: AnnDataStore, path: string): ArrayLike<number> {
  const column = store.kind(path) === "dataset" ? store.column(path) : null;
  if (column?.kind === "number" || column?.kind === "boolean") return column.values;
  throw new CellhueError(`${path} does not hold numbers`, { where: store.path });
}

function readCategorical(
  store: AnnDataStore,
  codesPath: string,
  categoriesPath: string,
  orderedAt: string,
): Column | null {
  const names = readColumn(store, categoriesPath);
  if (names === null) return null;
  const categories = columnAsText(names).map((text) => text ?? "");
  return {
    kind: "categorical",
    categories,
    codes: checkedCodes(store, codesPath, numbersOf(store, codesPath), categories.length),
    ordered: Boolean(store.attribute(orderedAt, "ordered")),
  };
}

function checkedCodes(
  store: AnnDataStore,
  path: string,
  codes: ArrayLike<number>,
  categories: number,
): Int32Array {
  const out = new Int32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (!(code >= -1 && code < categories)) {
      throw new CellhueError(`${path} holds a code without a category`, {
        where: store.path,
        found: `code ${code} in row ${i}`,
        expected: `-1 (missing) to ${categories - 1}`,
      });
    }
    out[i] = code;
  }
  return out;
}

/** A nullable column of pandas: where the mask is set, the value is missing. */
function withMask(column: Column, mask: ArrayLike<number>): Column {
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
function readRecords(store: AnnDataStore, path: string): ReadTable {
  const members = store.records(path);
  if (members === null) {
    throw new CellhueError(`${path} is not a table`, {
      where: store.path,
      found: `a dataset of ${store.dtype(path)}, shape ${store.shape(path).join(" × ") || "()"}`,
      expected: "a data frame as anndata writes it",
    });
  }
  const columns = new Map<string, Column>();
  const skipped: string[] = [];
  const [first, ...rest] = members;
  const index = columnAsText(first.column ?? { kind: "string", values: [] }).map((text) => text ?? "");
  for (const { name, column } of rest) {
    if (column === null) skipped.push(name);
    else columns.set(name, oldCategories(store, name, column) ?? column);
  }
  return { table: { length: index.length, index, columns }, skipped };
}

/** A column of codes whose names are in uns; obs and var share that place, so all codes must fit (as anndata asks). */
function oldCategories(store: AnnDataStore, name: string, column: Column): Column | null {
  const path = `uns/${name}_categories`;
  if (column.kind !== "number" || !column.integer || store.kind(path) !== "dataset") return null;
  const names = store.column(path);
  if (names === null) return null;
  const categories = columnAsText(names).map((text) => text ?? "");
  const fits = column.values.every((code) => code >= -1 && code < categories.length);
  if (!fits) return null;
  return { kind: "categorical", categories, codes: Int32Array.from(column.values), ordered: false };
}

function columnLength(column: Column): number {
  return column.kind === "categorical" ? column.codes.length : column.values.length;
}

/** Length of a column that may be a group (categorical or nullable). */
function elementLength(store: AnnDataStore, path: string): number {
  if (store.kind(path) === "dataset") return store.shape(path)[0] ?? 0;
  const values = store.kind(`${path}/codes`) === null ? `${path}/values` : `${path}/codes`;
  return store.kind(values) === "dataset" ? (store.shape(values)[0] ?? 0) : 0;
}
