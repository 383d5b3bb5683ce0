/**
 * AnnData in zarr 2 and 3, as a folder or a zip archive. Metadata are read at once; the chunks of obs, var and X (unless it is
 * larger than may be held) are fetched when the store is opened, as zarrita decodes them asynchronously.
 * Formats: zarr-specs v2 and v3; anndata's on-disk specification.
 */
import { CellhueError } from "../../errors.js";
import type { HeldMatrix } from "../../matrix.js";
import { type Progress, silent } from "../../progress.js";
import type { Column } from "../../table.js";
import { AnnDataReader } from "../anndata/reader.js";
import { entriesToRead } from "../anndata/source.js";
import type { AnnDataStore, MatrixSource } from "../anndata/store.js";
import { requirePlausible } from "../limits.js";
import { type ExpressionReader, heldBytes, leftUnread, type OpenOptions } from "../reader.js";
import type { Piece } from "../spill.js";
import { type ArrayInfo, matrixPieces, readMatrix, readNumbers, readStrings } from "./arrays.js";
import { FolderKeys, type Keys, ZipKeys } from "./keys.js";

/** Opens a folder or a zip archive. See `openExpression` for the errors. */
export async function openZarr(path: string, options: OpenOptions, zip: boolean): Promise<ExpressionReader> {
  const store = new ZarrStore(zip ? ZipKeys.open(path) : new FolderKeys(path));
  try {
    await store.fetchTables(["obs", options.useRaw ? "raw/var" : "var"]);
    const reader = new AnnDataReader(store, options);
    const { withoutMatrix = false, limit = Infinity } = options;
    if (reader.source !== null && !withoutMatrix && heldBytes(reader) <= limit)
      await store.fetchMatrix(reader.source, options);
    return reader;
  } catch (error) {
    store.close();
    throw error;
  }
}

type Json = { readonly [key: string]: unknown };
interface Node {
  kind: "group" | "dataset";
  attributes: Json;
  array: ArrayInfo | null;
}

/** Metadata of one array or group are never longer. */
const MOST_METADATA = 2 ** 26;
/** Groups within obs or var: a column, its parts. */
const MOST_DEPTH = 4;

class ZarrStore implements AnnDataStore {
  readonly path: string;
  readonly format: string;
  private readonly version: 2 | 3;
  private readonly nodes = new Map<string, Node | null>();
  private readonly columns = new Map<string, Column | null>();
  private matrix: { at: string; matrix: HeldMatrix } | undefined;

  constructor(private readonly data: Keys) {
    this.path = data.path;
    this.version = data.get("zarr.json") === undefined ? 2 : 3;
    this.format = `zarr ${this.version}`;
  }

  kind(at: string): "group" | "dataset" | null {
    return this.node(at)?.kind ?? null;
  }

  keys(group: string): string[] {
    const at = group.replace(/^\/+/, "");
    return this.data.below(at).filter((name) => this.node(at === "" ? name : `${at}/${name}`) !== null);
  }

  attribute(at: string, name: string): unknown {
    const attributes = this.node(at)?.attributes;
    return attributes !== undefined && Object.hasOwn(attributes, name) ? attributes[name] : undefined;
  }

  shape(at: string): readonly number[] {
    return this.node(at)?.array?.shape ?? [];
  }

  dtype(at: string): string {
    return this.node(at)?.array?.dtype ?? "none";
  }

  categoriesOf(at: string): string | undefined {
    const relative = this.attribute(at, "categories");
    if (typeof relative !== "string") return undefined;
    return `${at.slice(0, at.lastIndexOf("/"))}/${relative}`;
  }

  column(at: string): Column | null {
    return this.columns.get(at) ?? null;
  }

  records(): null {
    return null;
  }

  read(source: MatrixSource): HeldMatrix {
    if (this.matrix?.at !== source.path) {
      throw new RangeError(leftUnread(this.path));
    }
    return this.matrix.matrix;
  }

  pieces(source: MatrixSource): AsyncIterable<Piece> {
    return matrixPieces((at) => this.array(at), this.data, source);
  }

  close(): void {
    this.matrix = undefined;
    this.data.close();
  }

  /** Fetches every one-dimensional array of these tables. */
  async fetchTables(tables: readonly string[]): Promise<void> {
    for (const table of tables) await this.fetchBelow(table, 0);
  }

  async fetchMatrix(
    source: MatrixSource,
    { progress = silent, signal }: { progress?: Progress; signal?: AbortSignal },
  ): Promise<void> {
    const task = progress.task(`reading ${source.path}`, entriesToRead(source));
    try {
      const matrix = await readMatrix((at) => this.array(at), this.data, source, task, signal);
      this.matrix = { at: source.path, matrix };
    } finally {
      task.end();
    }
  }

  private async fetchBelow(at: string, depth: number): Promise<void> {
    const node = this.node(at);
    if (node?.array) this.columns.set(at, await this.fetchColumn(at, node.array));
    if (node?.kind !== "group" || depth === MOST_DEPTH) return;
    for (const name of this.keys(at)) await this.fetchBelow(`${at}/${name}`, depth + 1);
  }

  /** null: of a kind that a Table does not hold. */
  private async fetchColumn(at: string, array: ArrayInfo): Promise<Column | null> {
    if (array.shape.length !== 1) return null;
    requirePlausible(8 * array.shape[0], this.data.bytes, at, this.path);
    if (array.isText) return { kind: "string", values: await readStrings(array, this.data) };
    if (!/^(u?int|float|bool)/.test(array.dtype)) return null;
    const values = await readNumbers(array, this.data);
    if (array.dtype === "bool") return { kind: "boolean", values: Int8Array.from(values, Number) };
    return { kind: "number", values, integer: array.dtype.includes("int") };
  }

  private array(at: string): ArrayInfo {
    const array = this.node(at)?.array;
    if (!array) throw this.damaged(at, "no array", "an array");
    return array;
  }

  private node(path: string): Node | null {
    const at = path.replace(/^\/+/, "");
    let node = this.nodes.get(at);
    if (node === undefined) {
      node = this.version === 3 ? this.node3(at) : this.node2(at);
      this.nodes.set(at, node);
    }
    return node;
  }

  private node2(at: string): Node | null {
    const array = this.json(at, ".zarray");
    const group = array ?? this.json(at, ".zgroup");
    if (group === null) return null;
    const attributes = this.json(at, ".zattrs") ?? {};
    if (array === null) return { kind: "group", attributes, array: null };
    const type = String(array.dtype);
    const filters = Array.isArray(array.filters) ? (array.filters as Json[]) : [];
    const known = /^[<>|](?:([biuf])(\d+)|([SU])\d+)$/.exec(type);
    const isObjects = type === "|O";
    const dtype = isObjects
      ? `object of ${filters.map((f) => String(f?.id)).join(", ") || "no codec"}`
      : known?.[3] !== undefined
        ? "string"
        : known
          ? known[1] === "b"
            ? "bool"
            : `${{ i: "int", u: "uint", f: "float" }[known[1]]}${8 * Number(known[2])}`
          : typeof array.dtype === "string"
            ? type
            : "compound";
    const isText = dtype === "string" || (isObjects && filters.some((f) => f?.id === "vlen-utf8"));
    return {
      kind: "dataset",
      attributes,
      array: {
        ...this.shapes(at, array.shape, array.chunks),
        at,
        version: 2,
        dtype,
        isText,
        metadata: array,
      },
    };
  }

  private node3(at: string): Node | null {
    const found = this.json(at, "zarr.json");
    if (found === null) return null;
    const attributes = isJson(found.attributes) ? found.attributes : {};
    if (found.node_type !== "array") return { kind: "group", attributes, array: null };
    const grid = isJson(found.chunk_grid) ? found.chunk_grid : {};
    const configuration = isJson(grid.configuration) ? grid.configuration : {};
    if (grid.name !== "regular")
      throw this.damaged(at, `chunks of kind ${String(grid.name)}`, "regular ones");
    const type = found.data_type;
    const dtype = typeof type === "string" ? type : isJson(type) ? String(type.name) : "none";
    return {
      kind: "dataset",
      attributes,
      array: {
        ...this.shapes(at, found.shape, configuration.chunk_shape),
        at,
        version: 3,
        dtype,
        isText: dtype === "string",
        metadata: found,
      },
    };
  }

  private shapes(at: string, shape: unknown, chunks: unknown): { shape: number[]; chunks: number[] } {
    const isSizes = (value: unknown, least: number): value is number[] =>
      Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && Number(n) >= least);
    // zarr 2 writes chunks of 0 for an array that is empty
    if (!isSizes(shape, 0) || !isSizes(chunks, 0) || shape.length !== chunks.length) {
      throw this.damaged(at, `shape ${JSON.stringify(shape)}, chunks ${JSON.stringify(chunks)}`, "sizes");
    }
    return { shape, chunks };
  }

  private json(at: string, file: string): Json | null {
    const key = at === "" ? file : `${at}/${file}`;
    const bytes = this.data.get(key);
    if (bytes === undefined) return null;
    let value: unknown;
    try {
      if (bytes.length <= MOST_METADATA) value = JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      // told below
    }
    if (!isJson(value)) throw this.damaged(key, `${bytes.length} bytes`, "metadata in JSON");
    return value;
  }

  private damaged(at: string, found: string, expected: string): CellhueError {
    return new CellhueError(`${at} is not as zarr writes it`, {
      where: this.path,
      found,
      expected,
      remedy: "write the store again with anndata, or copy it again if it was cut short",
    });
  }
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
