/**
 * HDF5 files read from disk, a block at a time: a thin layer over h5wasm's calls into the HDF5 C library. A block is
 * read into one buffer on the wasm heap and handed out as a view, so a big dataset is never held twice; every status
 * is checked, because HDF5 leaves the buffer as it was (zeros) where a read fails.
 * Compression: gzip, szip, shuffle and checksums are built in; lzf comes from assets/hdf5, zstd, blosc and others from
 * h5wasm-plugins; HDF5 loads each by itself on the first chunk that needs it.
 */
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CellhueError } from "../../errors.js";
import { float16 } from "../float16.js";
import { requirePlausible, SMALL } from "../limits.js";

type H5wasm = typeof import("h5wasm/node");
type Module = H5wasm["Module"];
export type Metadata = import("h5wasm/node").Metadata;
export type Numbers =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** H5T_class_t. */
export const H5Class = {
  integer: 0,
  float: 1,
  string: 3,
  compound: 6,
  enumeration: 8,
} as const;

/** Names of the registered filters that turn up in the field; 1–6 are built into HDF5. */
const filterNames: Record<number, string> = {
  1: "gzip",
  2: "shuffle",
  3: "fletcher32",
  4: "szip",
  5: "nbit",
  6: "scaleoffset",
  307: "bzip2",
  32000: "lzf",
  32001: "blosc",
  32004: "lz4",
  32008: "bitshuffle",
  32013: "zfp",
  32015: "zstd",
  32026: "blosc2",
};

/** How often the library was lost to a trap inside of it (a damaged file can do that); each time a new copy is loaded. */
let lost = 0;
let library: Promise<H5wasm> | undefined;
let current: H5wasm | undefined;

async function loadLibrary(): Promise<H5wasm> {
  const h5wasm: H5wasm =
    lost === 0 ? await import("h5wasm/node") : await import(`${import.meta.resolve("h5wasm/node")}?${lost}`);
  const module = await h5wasm.ready;
  module.activate_throwing_error_handler(); // otherwise failures print to stderr and return -1
  const plugins = createRequire(import.meta.url).resolve("h5wasm-plugins");
  module.insert_plugin_search_path(join(dirname(plugins), "plugins"), 0);
  module.insert_plugin_search_path(fileURLToPath(new URL("../../../assets/hdf5", import.meta.url)), 0);
  current = h5wasm;
  return h5wasm;
}

let crossed: () => void = () => {};
/** Calls `tell` whenever a call into HDF5 begins and whenever it ends: a sign of life for who watches this thread. */
export function onCall(tell: () => void): void {
  crossed = tell;
}

/** What the library's heap has grown to. */
export const heapBytes = (): number => current?.Module.HEAPU8.length ?? 0;

/** A failure of the WebAssembly itself: out of bounds, unreachable, aborted. */
const isTrap = (error: unknown) => error instanceof Error && error.name === "RuntimeError";

/** After a trap the heap is in an unknown state: files that are opened from now on get another copy of the library. */
function forget(broken: H5wasm): void {
  if (broken !== current) return;
  current = undefined;
  library = undefined;
  lost++;
}

/** The innermost lines of an HDF5 error stack, where the reason stands. */
function innermost(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const reasons = [...text.matchAll(/^ {2}#\d+: .*? line \d+ in \w+\(\): (.*)$/gm)].map((m) => m[1]);
  return reasons.at(-1) ?? text.split("\n")[0];
}

export class Hdf5File {
  private scratch = 0;
  private scratchBytes = 0;
  /** Holds one decoded block after the other: a new array each would wait for the garbage collector. */
  private decoded = new Float64Array(0);
  private closed = false;
  private readonly known = new Map<string, Metadata>();
  private readonly checked = new Set<string>();

  private constructor(
    readonly path: string,
    /** Size of the file. */
    readonly bytes: number,
    private readonly h5wasm: H5wasm,
    private readonly module: Module,
    private readonly id: bigint,
  ) {}

  /** Opens for reading. The caller has checked that the file exists and carries HDF5's signature. */
  static async open(path: string): Promise<Hdf5File> {
    library ??= loadLibrary();
    const h5wasm = await library;
    const module = await h5wasm.ready;
    let id = -1n;
    let cause: unknown;
    try {
      id = module.open(path, module.H5F_ACC_RDONLY, false);
    } catch (error) {
      cause = error;
      if (isTrap(error)) forget(h5wasm);
    }
    if (id < 0n) {
      const reason = innermost(cause);
      const short = /truncated file: eof = (\d+),.*stored_eof = (\d+)/.exec(reason);
      throw new CellhueError(short ? "the file is truncated" : "the HDF5 file cannot be opened", {
        where: path,
        found: short ? `${short[1]} bytes` : reason,
        expected: short ? `${short[2]} bytes, as the file's own header says` : "a whole HDF5 file",
        remedy: "copy or download the file again",
        cause,
      });
    }
    return new Hdf5File(path, statSync(path).size, h5wasm, module, id);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.scratch !== 0) this.module._free(this.scratch);
    this.module.close_file(this.id);
  }

  /** What is at a path; null where there is nothing (or a broken link). */
  kind(path: string): "group" | "dataset" | null {
    const type = this.guard(path, () => this.module.get_type(this.id, path));
    if (type === this.module.H5G_GROUP) return "group";
    return type === this.module.H5G_DATASET ? "dataset" : null;
  }

  keys(group: string): string[] {
    return this.guard(group, () => this.module.get_names(this.id, group, false));
  }

  /** An attribute as numbers, strings, booleans or arrays of them; undefined where there is none. */
  attribute(path: string, name: string): unknown {
    return this.guard(path, () => {
      const names: string[] = this.module.get_attribute_names(this.id, path);
      if (!names.includes(name)) return undefined;
      return new this.h5wasm.Group(this.id, path).get_attribute(name, true) as unknown;
    });
  }

  /** The path of the object that a reference attribute points to. */
  referenced(path: string, name: string): string | undefined {
    return this.guard(path, () => {
      const names: string[] = this.module.get_attribute_names(this.id, path);
      if (!names.includes(name)) return undefined;
      const value: unknown = new this.h5wasm.Group(this.id, path).get_attribute(name, false);
      const reference: unknown = Array.isArray(value) ? value[0] : value;
      if (!(reference instanceof this.h5wasm.Reference)) return undefined;
      return this.module.get_referenced_name(this.id, reference.ref_data, true);
    });
  }

  /** Type and shape of a dataset. */
  metadata(path: string): Metadata {
    let found = this.known.get(path);
    if (found === undefined) {
      found = this.guard(path, () => this.module.get_dataset_metadata(this.id, path));
      this.known.set(path, found);
    }
    return found;
  }

  /** Shape of a dataset; [] for a scalar and for an empty dataspace. */
  shape(path: string): readonly number[] {
    return this.metadata(path).shape ?? [];
  }

  /** Names of a dataset's compression filters. */
  filters(path: string): string[] {
    return this.module
      .get_dataset_filters(this.id, path)
      .map((f) => filterNames[f.id] ?? `${f.name || "filter"} (${f.id})`);
  }

  /**
   * What HDF5 would not survive is refused before it comes to that: compressors of blosc that the plugin lacks (a trap), and
   * chunks that unpack to far more than the dataset has (HDF5 unpacks a whole chunk for one entry of it).
   */
  private requireReadable(path: string): void {
    if (this.checked.has(path)) return;
    this.checked.add(path);
    const { chunks, shape, size } = this.metadata(path);
    const bytes = (sides: readonly number[]) => sides.reduce((product, side) => product * side, size);
    if (chunks && bytes(chunks) > Math.max(SMALL, 2 * bytes(shape ?? []))) {
      throw new CellhueError(`${path} is stored in chunks that are far bigger than itself`, {
        where: this.path,
        found: `chunks of ${chunks.join(" × ")}, ${bytes(chunks)} bytes; ${path} has ${bytes(shape ?? [])}`,
        expected: `chunks of at most ${SMALL} bytes, or twice the whole`,
        remedy: "the file is damaged, or made to fill the memory: write it again with the tool that made it",
      });
    }
    for (const { id, cd_values } of this.module.get_dataset_filters(this.id, path)) {
      const isBlosc = id === 32001 || id === 32026;
      const missing = isBlosc ? { 3: "snappy", 4: "zlib" }[Number(cd_values[6])] : undefined;
      if (missing === undefined) continue;
      throw new CellhueError(`${path} is compressed with a filter that cellhue cannot read`, {
        where: this.path,
        found: `${filterNames[id]} with ${missing}`,
        expected: "gzip, lzf, zstd, blosc with lz4, blosclz or zstd, lz4, bzip2, szip or none",
        remedy: "in Python: anndata.read_h5ad(file).write_h5ad(copy, compression='gzip')",
      });
    }
  }

  /**
   * Reads one block (hyperslab) and passes its address on the wasm heap to `use`. The address and views of it hold
   * only until `use` returns.
   */
  withBlock<T>(path: string, start: readonly number[], count: readonly number[], use: (at: number) => T): T {
    const meta = this.metadata(path);
    const items = count.reduce((a, b) => a * b, 1);
    const at = this.reserve(items * meta.size, path);
    if (items > 0) {
      this.requireReadable(path);
      this.guard(path, () => {
        const status = this.module.get_dataset_data(
          this.id,
          path,
          meta.shape?.length ? count.map(BigInt) : null,
          meta.shape?.length ? start.map(BigInt) : null,
          meta.shape?.length ? count.map(() => 1n) : null,
          BigInt(at),
        );
        if (status < 0) throw new Error(`HDF5 could not read ${path}`);
      });
    }
    try {
      return use(at);
    } finally {
      if (meta.vlen && items > 0) this.freeStrings(at, items, meta.size);
      else if (meta.type === H5Class.compound) {
        for (const m of meta.compound_type?.members ?? [])
          if (m.vlen) this.freeStrings(at + m.offset, items, meta.size);
      }
    }
  }

  /** All of a one-dimensional or scalar dataset through `withBlock`. */
  withAll<T>(path: string, use: (at: number, items: number) => T): T {
    const meta = this.metadata(path);
    if (meta.shape === null) return use(0, 0);
    const items = meta.shape.reduce((a, b) => a * b, 1);
    requirePlausible(items * meta.size, this.bytes, path, this.path);
    return this.withBlock(
      path,
      meta.shape.map(() => 0),
      meta.shape,
      (at) => use(at, items),
    );
  }

  /** A dataset of numbers, whole, as float64 (int64 beyond 2^53 is rounded). */
  numbers(path: string): Float64Array {
    const meta = this.metadata(path);
    return this.withAll(path, (at, items) => Float64Array.from(this.numberView(meta, at, items, path)));
  }

  /** A dataset of strings, whole. */
  strings(path: string): string[] {
    const meta = this.metadata(path);
    return this.withAll(path, (at, items) => this.stringsAt(meta, at, items, meta.size));
  }

  /**
   * Numbers on the heap as a typed array: a view without a copy where JavaScript has the type, decoded for 64-bit
   * integers and float16. Holds until the next call or read.
   */
  numberView(meta: Metadata, at: number, items: number, path: string): Numbers {
    const { buffer } = this.module.HEAPU8;
    const isInteger = meta.type === H5Class.integer || meta.type === H5Class.enumeration;
    if (isInteger && meta.size === 1)
      return meta.signed ? new Int8Array(buffer, at, items) : new Uint8Array(buffer, at, items);
    if (isInteger && meta.size === 2)
      return meta.signed ? new Int16Array(buffer, at, items) : new Uint16Array(buffer, at, items);
    if (isInteger && meta.size === 4)
      return meta.signed ? new Int32Array(buffer, at, items) : new Uint32Array(buffer, at, items);
    const words = isInteger && meta.size === 8;
    if (words || (meta.type === H5Class.float && meta.size === 2)) {
      if (this.decoded.length < items) this.decoded = new Float64Array(items);
      const out = this.decoded.subarray(0, items);
      if (words) decodeInt64(new Int32Array(buffer, at, 2 * items), meta.signed, out);
      else {
        const bits = new Uint16Array(buffer, at, items);
        for (let i = 0; i < items; i++) out[i] = float16(bits[i]);
      }
      return out;
    }
    if (meta.type === H5Class.float && meta.size === 4) return new Float32Array(buffer, at, items);
    if (meta.type === H5Class.float && meta.size === 8) return new Float64Array(buffer, at, items);
    throw new CellhueError(`${path} does not hold numbers that can be read`, {
      where: this.path,
      found: dtypeName(meta),
      expected: "integers of 8 to 64 bits or floats of 16 to 64 bits",
    });
  }

  /** Strings on the heap, `stride` bytes apart: pointers to text, or text of a fixed size. Read as UTF-8. */
  stringsAt(meta: Metadata, at: number, items: number, stride: number): string[] {
    const { HEAPU8 } = this.module;
    const out = new Array<string>(items);
    if (meta.vlen) {
      const pointers = new DataView(HEAPU8.buffer);
      for (let i = 0; i < items; i++)
        out[i] = this.module.UTF8ToString(pointers.getUint32(at + i * stride, true));
      return out;
    }
    const decoder = new TextDecoder();
    const spacePadded = meta.strpad === 2;
    for (let i = 0; i < items; i++) {
      const from = at + i * stride;
      let length = 0;
      while (length < meta.size && HEAPU8[from + length] !== 0) length++;
      if (spacePadded) while (length > 0 && HEAPU8[from + length - 1] === 32) length--;
      out[i] = decoder.decode(HEAPU8.subarray(from, from + length));
    }
    return out;
  }

  /** One member of compound records on the heap, gathered into an array of its own. */
  memberNumbers(member: Metadata, at: number, items: number, stride: number, path: string): Float64Array {
    const { size } = member;
    const bytes = new Uint8Array(items * size);
    const heap = this.module.HEAPU8;
    for (let i = 0; i < items; i++) {
      for (let b = 0; b < size; b++) {
        // HDF5 leaves the byte order of members as it is in the file
        const from = member.littleEndian || size === 1 ? b : size - 1 - b;
        bytes[i * size + b] = heap[at + i * stride + from];
      }
    }
    const held = this.module._malloc(Math.max(1, bytes.length));
    try {
      this.module.HEAPU8.set(bytes, held);
      return Float64Array.from(this.numberView(member, held, items, path));
    } finally {
      this.module._free(held);
    }
  }

  /** Turns any failure inside HDF5 into an error that names the file and the place in it. */
  private guard<T>(path: string, work: () => T): T {
    if (this.closed) throw new Error(`${this.path} is closed`);
    crossed();
    try {
      return work();
    } catch (error) {
      if (error instanceof CellhueError) throw error;
      if (isTrap(error)) forget(this.h5wasm);
      const reason = innermost(error);
      const missingFilter = /filter '(.*?)(?:;.*)?' is not registered/.exec(
        error instanceof Error ? error.message : "",
      );
      if (/bad version number/.test(reason)) {
        throw new CellhueError(`${path} is written in a way that this HDF5 library does not know`, {
          where: this.path,
          found: `${reason}: HDF5 2 with libver='latest'`,
          expected: "what HDF5 1.14 and earlier read",
          remedy: "write the file again without libver='latest', or with h5py's libver=('earliest', 'v114')",
          cause: error,
        });
      }
      throw new CellhueError(
        missingFilter
          ? `${path} is compressed with a filter that cellhue cannot read`
          : `${path} cannot be read`,
        {
          where: this.path,
          found: missingFilter ? missingFilter[1] : reason,
          expected: missingFilter ? "gzip, lzf, zstd, blosc, lz4, bzip2, szip or none" : "a whole HDF5 file",
          remedy: missingFilter
            ? "in Python: anndata.read_h5ad(file).write_h5ad(copy, compression='gzip')"
            : "the file is damaged here: copy or download it again",
          cause: error,
        },
      );
    } finally {
      crossed();
    }
  }

  private reserve(bytes: number, path: string): number {
    if (bytes <= this.scratchBytes) return this.scratch;
    if (this.scratch !== 0) this.module._free(this.scratch);
    this.scratch = 0;
    this.scratchBytes = 0;
    const at = bytes < this.module.MAXIMUM_MEMORY ? this.module._malloc(bytes) : 0;
    if (at === 0) {
      throw new CellhueError(`${path} is too big to be read`, {
        where: this.path,
        found: `a block of ${bytes} bytes`,
        expected: `at most ${this.module.MAXIMUM_MEMORY} bytes at once`,
      });
    }
    this.scratch = at;
    this.scratchBytes = bytes;
    return at;
  }

  /** Frees the texts that HDF5 allocated for variable-length strings (H5Dread mallocs each). */
  private freeStrings(at: number, items: number, stride: number): void {
    const pointers = new DataView(this.module.HEAPU8.buffer);
    for (let i = 0; i < items; i++) {
      const pointer = pointers.getUint32(at + i * stride, true);
      if (pointer !== 0) this.module._free(pointer);
    }
  }
}

/** Pairs of little-endian 32-bit words → numbers. */
function decodeInt64(words: Int32Array, signed: boolean, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    const high = words[2 * i + 1];
    out[i] = (signed ? high : high >>> 0) * 4294967296 + (words[2 * i] >>> 0);
  }
}

/** numpy's name of a type: float32, int64, bool, string … */
export function dtypeName(meta: Metadata): string {
  if (meta.type === H5Class.integer) return `${meta.signed ? "" : "u"}int${8 * meta.size}`;
  if (meta.type === H5Class.float) return `float${8 * meta.size}`;
  if (meta.type === H5Class.string) return "string";
  if (meta.type === H5Class.compound) return "compound";
  if (meta.type === H5Class.enumeration) return isBoolean(meta) ? "bool" : "enum";
  return `HDF5 type class ${meta.type}`;
}

/** h5py's boolean: an enumeration of FALSE = 0 and TRUE = 1. */
export function isBoolean(meta: Metadata): boolean {
  const members = meta.enum_type?.members;
  return members !== undefined && members.FALSE === 0 && members.TRUE === 1;
}
