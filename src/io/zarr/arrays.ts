/**
 * Arrays of a zarr store → columns and matrices, chunk by chunk through zarrita, so that nothing is held twice.
 * zarrita's gaps are filled by what it is told of an array: float16 (which Node 20 has no array for) is read as uint16 and
 * decoded here, bool as uint8, and a fill value of null is 0, as zarr-python has it.
 */
import * as zarr from "zarrita";
import { CellhueError, throwIfAborted } from "../../errors.js";
import type { CsrMatrix, DenseMatrix, HeldMatrix } from "../../matrix.js";
import type { ProgressTask } from "../../progress.js";
import { damaged } from "../anndata/source.js";
import type { MatrixSource } from "../anndata/store.js";
import { float16 } from "../float16.js";
import { allocate, requirePlausible, SMALL } from "../limits.js";
import { columnsToRows, faultOfOffsets, sortRows } from "../sparse.js";
import type { Piece } from "../spill.js";
import { boundCodecs } from "./codecs.js";
import type { Keys } from "./keys.js";

export interface ArrayInfo {
  readonly at: string;
  readonly version: 2 | 3;
  readonly shape: readonly number[];
  readonly chunks: readonly number[];
  /** numpy's name. */
  readonly dtype: string;
  readonly isText: boolean;
  /** The array's own metadata: .zarray or zarr.json. */
  readonly metadata: { readonly [key: string]: unknown };
}

interface Chunk {
  data: ArrayLike<unknown>;
  stride: number[];
  /** Its first row (and column) in the array, and how many of it are within the array. */
  start: readonly number[];
  count: readonly number[];
}

/** Every chunk, one after the other. */
async function* chunksOf(info: ArrayInfo, keys: Keys): AsyncGenerator<Chunk> {
  if (info.shape.some((n) => n === 0)) return;
  boundCodecs(zarr.registry);
  const fail = (cause: unknown): CellhueError => {
    if (cause instanceof CellhueError) return cause;
    const deeper = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    const unknown = cause instanceof zarr.UnknownCodecError || deeper instanceof zarr.UnknownCodecError;
    return new CellhueError(
      unknown ? `${info.at} is compressed in a way that is not read` : `${info.at} cannot be read`,
      {
        where: keys.path,
        found: deeper instanceof Error ? deeper.message : String(deeper),
        expected: unknown ? "blosc, zstd, lz4, gzip, zlib or none" : "a whole zarr array",
        remedy: unknown
          ? "in Python: anndata.read_zarr(STORE).write_h5ad(NEW)"
          : "the store is damaged here: copy or download it again",
        cause,
      },
    );
  };
  try {
    const location = new zarr.Location(new ToldStore(keys, info), `/${encodedPath(info.at)}`);
    const array = await (info.version === 3 ? zarr.open.v3 : zarr.open.v2)(location, { kind: "array" });
    const shape = array.chunks;
    const items = shape.reduce((a, b) => a * b, 1);
    if (!(items > 0)) throw new Error(`chunks of ${shape.join(" × ")}`);
    if (shape.length !== info.shape.length) throw new Error("chunks and shape differ in dimensions");
    // one chunk may be bigger than what is read of it
    requirePlausible(8 * items, Math.max(keys.bytes, SMALL / 200), `a chunk of ${info.at}`, keys.path);
    const grid = info.shape.map((n, d) => Math.ceil(n / shape[d]));
    const at = grid.map(() => 0);
    for (;;) {
      const { data, stride } = (await array.getChunk(at)) as unknown as Pick<Chunk, "data" | "stride">;
      if (data.length < items) {
        throw new Error(`chunk ${at.join(".")} has ${data.length} entries, not ${items}`);
      }
      const start = at.map((c, d) => c * shape[d]);
      yield { data, stride, start, count: start.map((s, d) => Math.min(shape[d], info.shape[d] - s)) };
      let d = grid.length - 1;
      while (d >= 0 && ++at[d] === grid[d]) at[d--] = 0;
      if (d < 0) return;
    }
  } catch (cause) {
    throw fail(cause);
  }
}

/** zarrita resolves keys as URLs: what a URL would take for syntax (% ? #) must be encoded. */
const encodedPath = (at: string) => at.split("/").map(encodeURIComponent).join("/");

/** The store as zarrita sees it: bytes, and the metadata of one array as they are told. */
class ToldStore {
  constructor(
    private readonly keys: Keys,
    private readonly info: ArrayInfo,
  ) {}

  async get(key: string): Promise<Uint8Array | undefined> {
    const name = key.slice(1);
    const file = this.info.version === 3 ? "zarr.json" : ".zarray";
    if (name === `${this.info.at}/${file}`) return new TextEncoder().encode(JSON.stringify(told(this.info)));
    return this.keys.get(name);
  }

  async getRange(
    key: string,
    range: { offset: number; length: number } | { suffixLength: number },
  ): Promise<Uint8Array | undefined> {
    if ("suffixLength" in range)
      return this.keys.range(key.slice(1), -range.suffixLength, range.suffixLength);
    const { offset, length } = range;
    if (!(offset >= 0 && length >= 0)) throw new Error(`bytes ${offset} to ${offset + length}`);
    return this.keys.range(key.slice(1), offset, length);
  }
}

function told({ version, dtype, isText, metadata }: ArrayInfo): { [key: string]: unknown } {
  const type = version === 3 ? "data_type" : "dtype";
  const out: { [key: string]: unknown } = { ...metadata };
  if (out.fill_value === null && !isText) out.fill_value = 0;
  if (dtype === "bool") {
    out[type] = version === 3 ? "uint8" : "|u1";
    out.fill_value = out.fill_value === true ? 1 : 0;
  }
  if (dtype === "float16") {
    if (out.fill_value !== 0) throw new Error(`a fill value of ${String(out.fill_value)} in float16`);
    out[type] = version === 3 ? "uint16" : String(metadata.dtype).replace("f2", "u2");
  }
  return out;
}

/** Numbers, or bits of float16, out of a chunk. */
function decoder({ dtype, at }: ArrayInfo): (data: ArrayLike<unknown>) => (i: number) => number {
  if (dtype === "float16") return (data) => (i) => float16(data[i] as number);
  if (/^u?int64$/.test(dtype)) return (data) => (i) => Number(data[i] as bigint);
  if (/^(u?int(8|16|32)|float(32|64)|bool)$/.test(dtype)) return (data) => (i) => data[i] as number;
  throw new CellhueError(`${at} does not hold numbers that can be read`, {
    found: dtype,
    expected: "integers of 8 to 64 bits or floats of 16 to 64 bits",
  });
}

/** A one-dimensional array of numbers, whole, as float64. */
export async function readNumbers(info: ArrayInfo, keys: Keys): Promise<Float64Array> {
  requirePlausible(8 * info.shape[0], keys.bytes, info.at, keys.path);
  const out = allocate(info.shape[0], info.at, keys.path, (n) => new Float64Array(n));
  for await (const { start, count, value } of numbersOf(info, keys))
    for (let i = 0; i < count; i++) out[start + i] = value(i);
  return out;
}

/** A one-dimensional array of numbers, a chunk at a time. */
async function* numbersOf(
  info: ArrayInfo,
  keys: Keys,
): AsyncGenerator<{ start: number; count: number; value: (i: number) => number }> {
  const decode = decoder(info);
  for await (const { data, start, count } of chunksOf(info, keys))
    yield { start: start[0], count: count[0], value: decode(data) };
}

/** A one-dimensional array of text, whole; a chunk that is not there holds empty texts. */
export async function readStrings(info: ArrayInfo, keys: Keys): Promise<string[]> {
  const out = new Array<string>(info.shape[0]).fill("");
  for await (const { data, start, count } of chunksOf(info, keys)) {
    const get = "get" in data ? (i: number) => (data as { get(i: number): unknown }).get(i) : undefined;
    for (let i = 0; i < count[0]; i++) {
      const value = get === undefined ? data[i] : get(i);
      if (typeof value === "string") out[start[0] + i] = value;
    }
  }
  return out;
}

/** Finds an array of the store. */
type Arrays = (at: string) => ArrayInfo;

/** Reads X, a layer or raw. */
export async function readMatrix(
  array: Arrays,
  keys: Keys,
  source: MatrixSource,
  task: ProgressTask,
  signal?: AbortSignal,
): Promise<HeldMatrix> {
  return source.storage === "dense"
    ? readDense(array(source.path), keys, source, task, signal)
    : readSparse(array, keys, source, task, signal);
}

/** The same in pieces, a chunk each. */
export function matrixPieces(array: Arrays, keys: Keys, source: MatrixSource): AsyncGenerator<Piece> {
  return source.storage === "dense"
    ? densePieces(array(source.path), keys)
    : sparsePieces(array, keys, source);
}

async function readDense(
  info: ArrayInfo,
  keys: Keys,
  { rows, cols, path }: MatrixSource,
  task: ProgressTask,
  signal?: AbortSignal,
): Promise<DenseMatrix> {
  requirePlausible(4 * rows * cols, keys.bytes, path, keys.path);
  const out = allocate(rows * cols, path, keys.path, (n) => new Float32Array(n));
  let done = 0;
  for await (const { row, col, rows: height, cols: width, data } of densePieces(info, keys)) {
    throwIfAborted(signal);
    for (let i = 0; i < height; i++)
      out.set(data.subarray(i * width, (i + 1) * width), (row + i) * cols + col);
    done += height * width;
    task.update(done);
  }
  return { kind: "dense", rows, cols, data: out };
}

async function* densePieces(info: ArrayInfo, keys: Keys): AsyncGenerator<Extract<Piece, { kind: "dense" }>> {
  requirePlausible(4 * info.shape.reduce((a, b) => a * b, 1), keys.bytes, info.at, keys.path);
  const decode = decoder(info);
  for await (const { data, stride, start, count } of chunksOf(info, keys)) {
    const value = decode(data);
    const [row, col] = start.length === 1 ? [0, start[0]] : start;
    const [rows, cols] = count.length === 1 ? [1, count[0]] : count;
    const [down, across] = stride.length === 1 ? [0, stride[0]] : stride;
    const out = new Float32Array(rows * cols);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < cols; j++) out[i * cols + j] = value(i * down + j * across);
    yield { kind: "dense", row, col, rows, cols, data: out };
  }
}

/** The parts of a sparse matrix, checked, data and indices as long as the offsets say (they may leave a rest unused). */
async function sparseParts(array: Arrays, keys: Keys, { path, storage, rows, cols, stored }: MatrixSource) {
  const [major, minor] = storage === "csr" ? [rows, cols] : [cols, rows];
  const [dataInfo, indexInfo, offsetInfo] = ["data", "indices", "indptr"].map((p) => array(`${path}/${p}`));
  for (const info of [dataInfo, indexInfo, offsetInfo]) {
    if (info.shape.length !== 1)
      throw damaged(keys.path, info.at, `${info.shape.length} dimensions`, "one dimension");
  }
  if (offsetInfo.shape[0] !== major + 1)
    throw damaged(keys.path, offsetInfo.at, `${offsetInfo.shape[0]} offsets`, `${major + 1}`);
  const indptr = await readNumbers(offsetInfo, keys);
  const fault = faultOfOffsets(indptr, major, Math.min(stored ?? 0, indexInfo.shape[0]));
  if (fault !== null) throw damaged(keys.path, offsetInfo.at, ...fault);
  const shape = [indptr[major]];
  requirePlausible(8 * indptr[major], keys.bytes, path, keys.path);
  const requireIndex = (index: number, at: number) => {
    if (!(index >= 0 && index < minor))
      throw damaged(keys.path, indexInfo.at, `index ${index} at entry ${at}`, `0 to ${minor - 1}`);
  };
  return { indptr, data: { ...dataInfo, shape }, index: { ...indexInfo, shape }, requireIndex };
}

async function readSparse(
  array: Arrays,
  keys: Keys,
  source: MatrixSource,
  task: ProgressTask,
  signal?: AbortSignal,
): Promise<CsrMatrix> {
  const { path, storage, rows, cols } = source;
  const { indptr, data, index, requireIndex } = await sparseParts(array, keys, source);
  const [n] = data.shape;
  const indices = allocate(n, path, keys.path, (k) => new Int32Array(k));
  const values = allocate(n, path, keys.path, (k) => new Float32Array(k));
  for await (const { start, count, value } of numbersOf(data, keys)) {
    throwIfAborted(signal);
    for (let i = 0; i < count; i++) values[start + i] = value(i);
    task.update(start + count);
  }
  for await (const { start, count, value } of numbersOf(index, keys)) {
    throwIfAborted(signal);
    for (let i = 0; i < count; i++) {
      const found = value(i);
      requireIndex(found, start + i);
      indices[start + i] = found;
    }
    task.update(n + start + count);
  }
  return storage === "csr"
    ? sortRows({ kind: "csr", rows, cols, indptr, indices, values })
    : sortRows(columnsToRows({ rows, cols, indptr, indices, values }));
}

/** Entries of a piece. */
const PIECE = 1 << 20;

async function* sparsePieces(array: Arrays, keys: Keys, source: MatrixSource): AsyncGenerator<Piece> {
  const { indptr, data, index, requireIndex } = await sparseParts(array, keys, source);
  const values = inSteps(numbersOf(data, keys), PIECE);
  const indices = inSteps(numbersOf(index, keys), PIECE);
  const [n] = data.shape;
  let line = 0;
  try {
    for (let start = 0; start < n; start += PIECE) {
      const found = (await indices.next()).value ?? new Float64Array(0);
      const piece = (await values.next()).value ?? found;
      const major = new Int32Array(found.length);
      for (let k = 0; k < found.length; k++) {
        requireIndex(found[k], start + k);
        while (start + k >= indptr[line + 1]) line++;
        major[k] = line;
      }
      const minor = new Int32Array(found);
      const [rows, cols] = source.storage === "csr" ? [major, minor] : [minor, major];
      yield { kind: "entries", rows, cols, values: new Float32Array(piece) };
    }
  } finally {
    await indices.return();
    await values.return();
  }
}

/** Numbers that come a chunk at a time, as arrays of `step` each (the last may be shorter), whatever the chunks. */
async function* inSteps(
  chunks: ReturnType<typeof numbersOf>,
  step: number,
): AsyncGenerator<Float64Array, void> {
  let out = new Float64Array(step);
  let filled = 0;
  for await (const { count, value } of chunks)
    for (let i = 0; i < count; i++) {
      out[filled++] = value(i);
      if (filled < step) continue;
      yield out;
      out = new Float64Array(step);
      filled = 0;
    }
  if (filled > 0) yield out.subarray(0, filled);
}
