/**
 * A pickle machine for torch state dicts that runs nothing: a handful of opcodes build plain values, and the few
 * globals that a state dict needs are understood as data. Any other global or opcode is refused by its name.
 * Reference: Python's Lib/pickletools.py; torch/_weights_only_unpickler.py does the same in Python.
 */
import { CellhueError } from "../../errors.js";
import type { DType } from "./dtypes.js";
import { quoted } from "./text.js";

/** A name that the pickle refers to; only those in `knownGlobal` come into being. */
export class Global {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}
}

/** A flat run of `numel` elements that the file holds elsewhere, under `key`. */
export class StorageRef {
  constructor(
    readonly dtype: DType,
    readonly key: string,
    /** Elements of the whole storage. */
    readonly numel: number,
    /** First element of a legacy view into the storage; 0 otherwise. */
    readonly start: number,
  ) {}
}

/** A strided view of a storage; offset and strides count elements. */
export class TensorRef {
  constructor(
    readonly storage: StorageRef,
    readonly offset: number,
    readonly dims: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** Lists and tuples are arrays; dicts are maps. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Global
  | StorageRef
  | TensorRef;

/** Operations in one pickle; a state dict takes about 40 a tensor. Bounds stack, memo and memory alike. */
const MAX_OPERATIONS = 1_000_000;
/** Open marks at once: nesting of the containers under construction. */
const MAX_DEPTH = 1000;
/** torch's own bound on the dimensions of a tensor. */
const MAX_RANK = 64;

const STORAGES: Record<string, DType> = {
  DoubleStorage: "F64",
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

const CONSTRUCTORS = new Set([
  "collections.OrderedDict",
  "torch.Size",
  "torch._utils._rebuild_tensor",
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_parameter",
]);

function storageType(global: PickleValue): DType | undefined {
  if (!(global instanceof Global)) return undefined;
  if (global.module === "torch.storage" && global.name === "UntypedStorage") return "U8";
  return global.module === "torch" && Object.hasOwn(STORAGES, global.name)
    ? STORAGES[global.name]
    : undefined;
}

const isCount = (value: PickleValue): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

const isShape = (value: PickleValue): value is number[] =>
  Array.isArray(value) && value.length <= MAX_RANK && value.every(isCount);

/**
 * Runs one pickle from `start` on.
 * @returns its value, the offset behind its STOP, and the storages that it refers to by key
 * @throws CellhueError for a pickle that is cut short, malformed, too large, or that would run code
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  where: string,
): { value: PickleValue; end: number; storages: ReadonlyMap<string, StorageRef> } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const utf8 = new TextDecoder();
  const stack: PickleValue[] = [];
  const marks: number[] = [];
  const memo = new Map<number, PickleValue>();
  const storages = new Map<string, StorageRef>();
  let at = start;

  const fail: (found: string) => never = (found) => {
    throw new CellhueError("cannot read this file as a torch state dict", {
      where,
      found,
      expected: "the state dict of a network, as torch.save(model.state_dict(), file) writes it",
      remedy: "download or save the file again; this copy may be cut short",
    });
  };
  const take = (count: number): number => {
    if (!(count <= bytes.length - at)) fail(`a pickle that ends in the middle, at byte ${bytes.length}`);
    at += count;
    return at - count;
  };
  const takeBytes = (count: number): Uint8Array => {
    const from = take(count);
    return bytes.subarray(from, from + count);
  };
  const uint8 = () => view.getUint8(take(1));
  const uint32 = () => view.getUint32(take(4), true);
  const uint64 = () => Number(view.getBigUint64(take(8), true));
  const text = (count: number) => utf8.decode(takeBytes(count));
  const line = (): string => {
    const end = bytes.subarray(at, at + 1000).indexOf(10);
    if (end < 0) return fail("a name without an end");
    const found = text(end);
    at++;
    return found;
  };
  /** A two's complement integer of any length, little-endian. */
  const long = (count: number): number | bigint => {
    if (count > 16) return fail(`an integer of ${count} bytes`);
    let value = 0n;
    for (const byte of takeBytes(count).slice().reverse()) value = (value << 8n) | BigInt(byte);
    if (count > 0) value = BigInt.asIntN(count * 8, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  };
  const pop = (): PickleValue => {
    if (stack.length <= (marks.at(-1) ?? 0)) fail("a pickle that takes more values than it holds");
    return stack.pop() as PickleValue;
  };
  const top = (): PickleValue => {
    if (stack.length <= (marks.at(-1) ?? 0)) fail("a pickle that takes more values than it holds");
    return stack[stack.length - 1];
  };
  const popToMark = (): PickleValue[] => stack.splice(marks.pop() ?? fail("a pickle without its mark"));
  const setItems = (items: PickleValue[]): void => {
    const dict = top();
    if (!(dict instanceof Map) || items.length % 2 !== 0) fail("items that belong to no dict");
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  };
  const append = (items: PickleValue[]): void => {
    const list = top();
    if (!Array.isArray(list)) fail("items that belong to no list");
    for (const item of items) list.push(item);
  };
  const remember = (key: number): void => void memo.set(key, top());
  const recall = (key: number): PickleValue => {
    const value = memo.get(key);
    return value === undefined ? fail("a reference to nothing") : value;
  };

  const knownGlobal = (module: PickleValue, name: PickleValue): Global => {
    if (typeof module !== "string" || typeof name !== "string") return fail("a global without a name");
    const global = new Global(module, name);
    if (CONSTRUCTORS.has(`${module}.${name}`) || storageType(global) !== undefined) return global;
    if (module === "torch" && name.endsWith("Storage")) {
      return fail(`tensors of type ${quoted(`${module}.${name}`)}, which is not read`);
    }
    throw new CellhueError("this file would run code when loaded; nothing was run", {
      where,
      found: `the pickle refers to ${quoted(`${module}.${name}`)}`,
      expected: "tensors and their names only",
      remedy: [
        "where you trust its source, load it in Python and save only the weights: torch.save(model.state_dict(), file)",
        "or use a .safetensors file, which can hold no code",
      ],
    });
  };
  const storage = (id: PickleValue): StorageRef => {
    if (!Array.isArray(id) || id.length < 5 || id[0] !== "storage")
      return fail("a persistent id of no storage");
    const [, type, key, , numel, part] = id;
    const dtype = storageType(type);
    if (dtype === undefined || typeof key !== "string" || !isCount(numel)) return fail("an odd storage");
    const known = storages.get(key);
    if (known !== undefined && (known.dtype !== dtype || known.numel !== numel)) {
      return fail(`storage ${quoted(key)} of two types or lengths`);
    }
    const whole = known ?? new StorageRef(dtype, key, numel, 0);
    storages.set(key, whole);
    if (part === undefined || part === null) return whole;
    // Legacy files only: this storage is a part of another, (key of the view, offset, size).
    if (!Array.isArray(part) || !isCount(part[1]) || !isCount(part[2]) || part[1] + part[2] > numel) {
      return fail("an odd view of a storage");
    }
    return new StorageRef(dtype, key, numel, part[1]);
  };
  const call = (callee: PickleValue, args: PickleValue): PickleValue => {
    if (!(callee instanceof Global) || !Array.isArray(args))
      return fail("a call of something that is no function");
    switch (`${callee.module}.${callee.name}`) {
      case "collections.OrderedDict": {
        const dict = new Map<PickleValue, PickleValue>();
        const pairs = args[0] ?? [];
        if (!Array.isArray(pairs)) return fail("an odd OrderedDict");
        for (const pair of pairs) {
          if (!Array.isArray(pair) || pair.length !== 2) return fail("an odd OrderedDict");
          dict.set(pair[0], pair[1]);
        }
        return dict;
      }
      case "torch.Size":
        return isShape(args[0]) ? args[0] : fail("an odd torch.Size");
      case "torch._utils._rebuild_parameter":
        return args[0] instanceof TensorRef ? args[0] : fail("a parameter without a tensor");
      case "torch._utils._rebuild_tensor":
      case "torch._utils._rebuild_tensor_v2": {
        const [from, offset, dims, strides] = args;
        if (!(from instanceof StorageRef) || !isCount(offset) || !isShape(dims) || !isShape(strides)) {
          return fail("a tensor without a valid storage, offset, shape or strides");
        }
        if (dims.length !== strides.length) return fail("a tensor with more dimensions than strides");
        return new TensorRef(from, offset, dims, strides);
      }
      default:
        return fail(`a call of ${quoted(`${callee.module}.${callee.name}`)}`);
    }
  };

  for (let operations = 0; ; operations++) {
    if (operations === MAX_OPERATIONS) fail(`a pickle of more than ${MAX_OPERATIONS} operations`);
    if (marks.length > MAX_DEPTH) fail(`containers nested more than ${MAX_DEPTH} deep`);
    const op = uint8();
    switch (op) {
      case 0x80: // PROTO
        if (uint8() > 5) fail("a pickle of an unknown protocol");
        break;
      case 0x95: // FRAME
        take(8);
        break;
      case 0x2e: // STOP
        return { value: pop(), end: at, storages };
      case 0x28: // MARK
        marks.push(stack.length);
        break;
      case 0x30: // POP
        pop();
        break;
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x4a: // BININT
        stack.push(view.getInt32(take(4), true));
        break;
      case 0x4b: // BININT1
        stack.push(uint8());
        break;
      case 0x4d: // BININT2
        stack.push(view.getUint16(take(2), true));
        break;
      case 0x8a: // LONG1
        stack.push(long(uint8()));
        break;
      case 0x8b: // LONG4
        stack.push(long(uint32()));
        break;
      case 0x47: // BINFLOAT
        stack.push(view.getFloat64(take(8), false));
        break;
      case 0x58: // BINUNICODE
      case 0x54: // BINSTRING (Python 2)
        stack.push(text(uint32()));
        break;
      case 0x8c: // SHORT_BINUNICODE
      case 0x55: // SHORT_BINSTRING (Python 2)
        stack.push(text(uint8()));
        break;
      case 0x8d: // BINUNICODE8
        stack.push(text(uint64()));
        break;
      case 0x42: // BINBYTES
        stack.push(takeBytes(uint32()));
        break;
      case 0x43: // SHORT_BINBYTES
        stack.push(takeBytes(uint8()));
        break;
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        stack.push([]);
        break;
      case 0x61: // APPEND
        append([pop()]);
        break;
      case 0x65: // APPENDS
        append(popToMark());
        break;
      case 0x6c: // LIST
      case 0x74: // TUPLE
        stack.push(popToMark());
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: {
        // TUPLE3
        const items: PickleValue[] = [];
        for (let i = op - 0x84; i > 0; i--) items.unshift(pop());
        stack.push(items);
        break;
      }
      case 0x7d: // EMPTY_DICT
        stack.push(new Map());
        break;
      case 0x64: {
        // DICT
        const items = popToMark();
        stack.push(new Map());
        setItems(items);
        break;
      }
      case 0x73: {
        // SETITEM
        const value = pop();
        setItems([pop(), value]);
        break;
      }
      case 0x75: // SETITEMS
        setItems(popToMark());
        break;
      case 0x71: // BINPUT
        remember(uint8());
        break;
      case 0x72: // LONG_BINPUT
        remember(uint32());
        break;
      case 0x94: // MEMOIZE
        remember(memo.size);
        break;
      case 0x68: // BINGET
        stack.push(recall(uint8()));
        break;
      case 0x6a: // LONG_BINGET
        stack.push(recall(uint32()));
        break;
      case 0x63: {
        // GLOBAL
        const module = line();
        stack.push(knownGlobal(module, line()));
        break;
      }
      case 0x93: {
        // STACK_GLOBAL
        const name = pop();
        stack.push(knownGlobal(pop(), name));
        break;
      }
      case 0x51: // BINPERSID
        stack.push(storage(pop()));
        break;
      case 0x52: {
        // REDUCE
        const args = pop();
        stack.push(call(pop(), args));
        break;
      }
      case 0x62: // BUILD: attributes of a dict, such as a state dict's _metadata, are not needed
        pop();
        if (!(top() instanceof Map)) fail("attributes of something that is no dict");
        break;
      default:
        fail(
          `the pickle operation 0x${op.toString(16).padStart(2, "0")} at byte ${at - 1}, which no state dict needs`,
        );
    }
  }
}
