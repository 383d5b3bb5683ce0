/**
 * HDF5 files opened for writing: the few calls into h5wasm that columns of a table need, each checked. Datasets are
 * contiguous and not compressed, one-dimensional; strings are UTF-8 of variable length.
 */
import { type FileHandle, open } from "node:fs/promises";
import { H5Class } from "../hdf5/file.js";
import { HEADER_BYTES, withBooleanType } from "./boolean-type.js";

const H5T_REFERENCE = 7;

type Written = Int8Array | Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array;

export class Hdf5Writer {
  /** Headers of datasets that become booleans when the file is closed. */
  private readonly booleanHeaders: bigint[] = [];

  private constructor(
    private readonly path: string,
    private readonly module: typeof import("h5wasm/node")["Module"],
    private readonly id: bigint,
  ) {}

  /** Opens a file for `work`, and closes it whether or not that fails. */
  static async write(path: string, work: (file: Hdf5Writer) => void): Promise<void> {
    const module = await (await import("h5wasm/node")).ready;
    module.activate_throwing_error_handler(); // otherwise failures print to stderr and return -1
    const file = new Hdf5Writer(path, module, module.open(path, module.H5F_ACC_RDWR, false));
    let failed = true;
    try {
      work(file);
      failed = false;
    } finally {
      file.close(failed);
    }
    if (file.booleanHeaders.length > 0) await giveBooleanType(path, file.booleanHeaders);
  }

  private close(failed: boolean): void {
    try {
      if (this.module.close_file(this.id) < 0) throw new Error(`HDF5 could not close ${this.path}`);
    } catch (error) {
      if (!failed) throw error; // otherwise what went wrong first is what is to be told
    }
  }

  needGroup(path: string): void {
    if (this.module.get_type(this.id, path) !== this.module.H5G_GROUP)
      this.check(path, this.module.create_group(this.id, path, false));
  }

  numbers(path: string, values: Written, tracked = false): void {
    const type =
      values instanceof Float32Array || values instanceof Float64Array ? H5Class.float : H5Class.integer;
    const size = values.BYTES_PER_ELEMENT;
    const shape = [BigInt(values.length)];
    this.onHeap(values, (at) => {
      const { module, id } = this;
      const status = module.create_dataset(
        id,
        path,
        at,
        shape,
        shape,
        null,
        type,
        size,
        true,
        false,
        0,
        [],
        tracked,
      );
      this.check(path, status);
    });
  }

  /**
   * 0 and 1, of h5py's type of booleans once the file is closed. It may be given attributes only when it is opened
   * again, as the type takes the space in its header.
   */
  booleans(path: string, values: Uint8Array): void {
    // Tracked attributes make HDF5 write a header of version 2, whatever the file's own version.
    this.numbers(path, new Int8Array(values), true);
    const address = Uint8Array.from(this.module.create_object_reference(this.id, path));
    this.booleanHeaders.push(new DataView(address.buffer).getBigUint64(0, true));
  }

  /** @param growing whether the dataset may have another length later */
  strings(path: string, values: readonly string[], growing = false): void {
    const { module, id } = this;
    const shape = [BigInt(values.length)];
    const most = growing ? [0xffffffffffffffffn] : shape;
    const chunks = growing ? [BigInt(Math.max(1, values.length))] : null;
    this.check(
      path,
      module.create_vlen_str_dataset(
        id,
        path,
        values,
        shape,
        most,
        chunks,
        H5Class.string,
        4,
        false,
        true,
        false,
      ),
    );
  }

  overwriteNumbers(path: string, values: Written): void {
    const meta = this.module.get_dataset_metadata(this.id, path);
    const Type =
      meta.type === H5Class.float
        ? meta.size === 4
          ? Float32Array
          : Float64Array
        : meta.size === 1
          ? Int8Array
          : meta.size === 2
            ? Int16Array
            : Int32Array;
    this.onHeap(Type.from(values), (at) => {
      this.check(path, this.module.set_dataset_data(this.id, path, null, null, null, at));
    });
  }

  overwriteStrings(path: string, values: readonly string[]): void {
    const { module, id } = this;
    if (module.get_dataset_metadata(id, path).shape?.[0] !== values.length)
      this.check(path, module.resize_dataset(id, path, [BigInt(values.length)]));
    if (values.length === 0) return;
    const texts = values.map((text) => Buffer.from(`${text}\0`, "utf8"));
    const starts: number[] = [];
    let end = 0;
    for (const text of texts) {
      starts.push(end);
      end += text.length;
    }
    this.onHeap(Buffer.concat(texts), (first) => {
      const pointers = Uint32Array.from(starts, (start) => Number(first) + start);
      this.onHeap(pointers, (at) => {
        this.check(path, module.set_dataset_data(id, path, null, null, null, at));
      });
    });
  }

  encoding(path: string, type: "array" | "string-array" | "categorical"): void {
    this.text(path, "encoding-type", type);
    this.text(path, "encoding-version", "0.2.0");
  }

  replaceStrings(path: string, name: string, values: readonly string[]): void {
    const { module, id } = this;
    if (module.get_attribute_names(id, path).includes(name))
      this.check(path, module.delete_attribute(id, path, name));
    const shape = [BigInt(values.length)];
    this.check(
      path,
      module.create_vlen_str_attribute(id, path, name, values, shape, H5Class.string, 4, false, true),
    );
  }

  flag(path: string, name: string, value: 0 | 1): void {
    this.onHeap(Int8Array.of(value), (at) => {
      this.check(
        path,
        this.module.create_attribute(this.id, path, name, at, [], H5Class.integer, 1, true, false),
      );
    });
  }

  reference(path: string, name: string, target: string): void {
    const reference = Uint8Array.from(this.module.create_object_reference(this.id, target));
    this.onHeap(reference, (at) => {
      const { module, id } = this;
      this.check(
        path,
        module.create_attribute(id, path, name, at, [], H5T_REFERENCE, reference.length, false, false),
      );
    });
  }

  private text(path: string, name: string, value: string): void {
    const { module, id } = this;
    this.check(
      path,
      module.create_vlen_str_attribute(id, path, name, [value], [], H5Class.string, 4, false, true),
    );
  }

  private onHeap(values: Uint8Array | Written | Uint32Array, use: (at: bigint) => void): void {
    const at = this.module._malloc(Math.max(1, values.byteLength));
    if (at === 0) throw new Error(`no memory for ${values.byteLength} bytes`);
    try {
      this.module.HEAPU8.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
      use(BigInt(at));
    } finally {
      this.module._free(at);
    }
  }

  private check(path: string, status: number): void {
    if (status < 0) throw new Error(`HDF5 could not write ${path} of ${this.path}`);
  }
}

/** Turns int8 datasets, by the addresses of their headers, into h5py's booleans. */
async function giveBooleanType(path: string, addresses: readonly bigint[]): Promise<void> {
  const file = await open(path, "r+");
  try {
    const base = await baseAddress(file);
    for (const address of addresses) {
      const at = Number(address) + base;
      const header = new Uint8Array(HEADER_BYTES);
      const { bytesRead } = await file.read(header, 0, header.length, at);
      const typed = withBooleanType(header.subarray(0, bytesRead));
      await file.write(typed, 0, typed.length, at);
    }
  } finally {
    await file.close();
  }
}

/** Where HDF5 counts addresses from: its signature, at 0 or after a user block of 512, 1024, … bytes. */
async function baseAddress(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const probe = Buffer.alloc(8);
  for (let at = 0; at < size; at = at === 0 ? 512 : 2 * at) {
    await file.read(probe, 0, probe.length, at);
    if (probe.equals(Buffer.from("\x89HDF\r\n\x1a\n", "latin1"))) return at;
  }
  throw new Error("no HDF5 signature");
}
