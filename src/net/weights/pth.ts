/**
 * torch state dicts (.pth, .pt, .bin) as data, in both formats: the zip archive (torch >= 1.6) and the legacy stream
 * of pickles and raw storages. Nothing in the file is executed (see pickle.ts). Sizes that the file claims are
 * compared with the bytes that are there before anything is allocated.
 * Reference: torch/serialization.py (`_save`, `_legacy_save`, `_load`, `_legacy_load`).
 */
import { type Unzipped, unzipSync } from "fflate";
import { CellhueError } from "../../errors.js";
import type { Tensor, Tensors } from "../tensors.js";
import { elementReader, itemSize } from "./dtypes.js";
import { type PickleValue, type StorageRef, TensorRef, unpickle } from "./pickle.js";
import { quoted, shapeText } from "./text.js";

const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;
/** Bounds on what a zip archive may unpack to and on its entries. */
const MAX_UNPACKED = 2 ** 30;
const MAX_ENTRIES = 100_000;
/** Names under which training scripts keep the state dict within a checkpoint. */
const WRAPPERS = ["state_dict", "model", "model_state_dict"];

const damaged = (where: string, found: string): CellhueError =>
  new CellhueError("cannot read this file as a torch state dict", {
    where,
    found,
    expected: "the state dict of a network, as torch.save(model.state_dict(), file) writes it",
    remedy: "download or save the file again; this copy may be cut short",
  });

const bigEndian = (where: string): CellhueError =>
  new CellhueError("big-endian weights are not read", {
    where,
    found: "a file written on a big-endian machine",
    remedy: "save the weights as .safetensors, which has one byte order",
  });

/** Whether the bytes begin as a zip archive. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/** Whether the bytes begin with a pickle of protocol 2 or later. */
export const isPickle = (bytes: Uint8Array): boolean => bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5;

/** A file's object and the bytes of each storage that its tensors may refer to. */
interface Contents {
  root: PickleValue;
  storageBytes: (ref: StorageRef) => Uint8Array | undefined;
}

function openZip(bytes: Uint8Array, where: string): Contents {
  let grown = 0;
  let stored = 0;
  const seen = new Set<string>();
  let files: Unzipped;
  try {
    files = unzipSync(bytes, {
      filter: ({ name, originalSize, size, compression }) => {
        if (seen.has(name)) throw damaged(where, `two entries named ${quoted(name)}`);
        if (seen.add(name).size > MAX_ENTRIES) throw damaged(where, `more than ${MAX_ENTRIES} entries`);
        // torch stores entries as they are, so together they fit into the file; deflate shrinks by 1032 at most.
        const most = compression === 0 ? size : Math.min(MAX_UNPACKED, 1032 * size + 64);
        grown += Math.max(0, originalSize - size);
        stored += size;
        if (originalSize > most || grown > MAX_UNPACKED || stored > bytes.length) {
          throw damaged(where, `entry ${quoted(name)} claims more bytes than the file can hold`);
        }
        return true;
      },
    });
  } catch (cause) {
    if (cause instanceof CellhueError) throw cause;
    throw damaged(where, "a zip archive that is damaged or cut short");
  }
  const entry = (name: string): Uint8Array | undefined =>
    Object.hasOwn(files, name) ? files[name] : undefined;
  const pickles = Object.keys(files).filter((name) => /(^|\/)data\.pkl$/.test(name));
  pickles.sort((a, b) => a.split("/").length - b.split("/").length);
  const pickleName = pickles[0];
  if (pickleName === undefined)
    throw damaged(where, "a zip archive without data.pkl, so not written by torch.save");
  const prefix = pickleName.slice(0, -"data.pkl".length);
  if (entry(`${prefix}constants.pkl`) !== undefined) {
    throw new CellhueError("a TorchScript program is no state dict", {
      where,
      found: "an archive of torch.jit.save, which holds code; nothing was run",
      remedy: "save the weights alone in Python: torch.save(torch.jit.load(file).state_dict(), other_file)",
    });
  }
  const order = entry(`${prefix}byteorder`);
  if (order !== undefined && new TextDecoder().decode(order) === "big") throw bigEndian(where);
  const { value } = unpickle(files[pickleName], 0, where);
  return { root: value, storageBytes: ({ key }) => entry(`${prefix}data/${key}`) };
}

function openLegacy(bytes: Uint8Array, where: string): Contents {
  const magic = unpickle(bytes, 0, where);
  if (magic.value !== LEGACY_MAGIC) throw damaged(where, "a pickle that torch.save did not write");
  const protocol = unpickle(bytes, magic.end, where);
  if (protocol.value !== LEGACY_PROTOCOL) throw damaged(where, "an unknown version of torch's legacy format");
  const system = unpickle(bytes, protocol.end, where);
  if (!(system.value instanceof Map)) throw damaged(where, "no description of the system that wrote it");
  if (system.value.get("little_endian") !== true) throw bigEndian(where);
  const object = unpickle(bytes, system.end, where);
  const keys = unpickle(bytes, object.end, where);
  if (!Array.isArray(keys.value)) throw damaged(where, "no list of storages");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const storages = new Map<string, Uint8Array>();
  let at = keys.end;
  for (const key of keys.value) {
    // Its element type, and so its length in bytes, stands in the references to it.
    const ref = typeof key === "string" ? object.storages.get(key) : undefined;
    if (ref === undefined) throw damaged(where, "a storage that nothing refers to");
    const numel = bytes.length - at >= 8 ? view.getBigInt64(at, true) : -1n;
    if (numel !== BigInt(ref.numel))
      throw damaged(where, `storage ${quoted(ref.key)} is missing or of another length`);
    const end = at + 8 + ref.numel * itemSize(ref.dtype);
    if (end > bytes.length) throw damaged(where, `storage ${quoted(ref.key)} ends behind the file's end`);
    storages.set(ref.key, bytes.subarray(at + 8, end));
    at = end;
  }
  return { root: object.value, storageBytes: ({ key }) => storages.get(key) };
}

/** The tensors by name in the object that was saved, itself a state dict or a checkpoint that wraps one. */
function stateDict(root: PickleValue, where: string): Map<string, TensorRef> {
  let dict = root;
  // One wrapper within another is still a checkpoint; more is not.
  for (let level = 0; level < 3 && dict instanceof Map; level++) {
    const found = new Map<string, TensorRef>();
    for (const [name, value] of dict) {
      if (value instanceof TensorRef && typeof name === "string") found.set(name, value);
    }
    if (found.size > 0) return found;
    const outer: Map<PickleValue, PickleValue> = dict;
    const wrapper = WRAPPERS.find((name) => outer.get(name) instanceof Map);
    if (wrapper === undefined) break;
    dict = outer.get(wrapper) as PickleValue;
  }
  if (dict instanceof Map && dict.size === 0 && dict === root) return new Map();
  const keys = dict instanceof Map ? [...dict.keys()].slice(0, 5).map((key) => quoted(String(key))) : [];
  throw damaged(
    where,
    dict instanceof Map
      ? `no tensors, but ${keys.join(", ") || "nothing"}`
      : "a saved object that is no dict",
  );
}

/** Copies a strided view of a storage into a dense float32 array. */
function materialise(ref: TensorRef, bytes: Uint8Array): Tensor {
  const { storage, dims, strides } = ref;
  const size = itemSize(storage.dtype);
  const read = elementReader(storage.dtype);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = new Float32Array(dims.reduce((n, d) => n * d, 1));
  const index = dims.map(() => 0);
  let at = storage.start + ref.offset;
  for (let i = 0; i < data.length; i++) {
    data[i] = read(view, at * size);
    // To the next element in row-major order: an odometer whose last wheel turns fastest.
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < dims[axis]) break;
      at -= strides[axis] * dims[axis];
      index[axis] = 0;
    }
  }
  return { dims: [...dims], data };
}

/**
 * Reads a torch state dict, or a checkpoint that wraps one as `state_dict`, `model` or `model_state_dict`.
 * @param where names the file in errors
 * @returns float32 tensors in the file's order (integers and other floats are converted); entries that are no tensors
 *   are left out
 * @throws CellhueError for a file that is no state dict, is damaged, claims more than it holds, or would run code
 */
export function readPth(bytes: Uint8Array, where: string): Tensors {
  if (!isZip(bytes) && !isPickle(bytes)) throw damaged(where, "neither a zip archive nor a pickle");
  const { root, storageBytes } = isZip(bytes) ? openZip(bytes, where) : openLegacy(bytes, where);
  const refs = stateDict(root, where);
  // Views may share or repeat a storage's elements; a small file still cannot ask for much memory.
  const limit = Math.min(2 ** 28, 16 * bytes.length + 2 ** 16);
  let total = 0;
  const tensors: Tensors = new Map();
  for (const [name, ref] of refs) {
    const { storage, dims, strides } = ref;
    const found = `tensor ${quoted(name)} of shape ${shapeText(dims)}`;
    const data = storageBytes(storage);
    if (data === undefined) throw damaged(where, `${found} without its storage ${quoted(storage.key)}`);
    if (data.length < storage.numel * itemSize(storage.dtype)) {
      throw damaged(
        where,
        `${found} in a storage of ${data.length} bytes that claims ${storage.numel} elements`,
      );
    }
    const count = dims.reduce((n, d) => n * d, 1);
    const last = dims.reduce((n, d, axis) => n + (d - 1) * strides[axis], storage.start + ref.offset);
    if (count > 0 && last >= storage.numel) throw damaged(where, `${found} that reaches beyond its storage`);
    total += count;
    if (!(total <= limit))
      throw damaged(where, `${found}: more values than a file of ${bytes.length} bytes can hold`);
    tensors.set(name, materialise(ref, data));
  }
  return tensors;
}
