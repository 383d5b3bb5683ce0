/**
 * R's serialization (saveRDS, versions 2 and 3, XDR) → plain data. Nothing is evaluated: functions, environments and
 * pointers are stepped over. A length is compared with the bytes that are left before anything is allocated.
 * Written here as scran.js's reader (rds2cpp) takes R's missing text for an empty one, and allocates what a file claims.
 * Format: R Internals, 1.8 "Serialization Formats"; R's src/main/serialize.c and altclasses.c.
 */
import { CellhueError } from "../../errors.js";

export interface RValue {
  readonly type: "null" | "boolean" | "integer" | "double" | "text" | "list" | "S4" | "symbol" | "other";
  /** Of boolean (NA as R's integer), integer, double. */
  readonly numbers?: Int32Array | Float64Array;
  /** Of text; null is NA. */
  readonly texts?: (string | null)[];
  /** Of a list. */
  readonly items?: RValue[];
  /** Attributes, and the slots of an S4 object. */
  readonly attributes: ReadonlyMap<string, RValue>;
}

/** R's missing integer. */
export const NA_INTEGER = -(2 ** 31);

const NONE: ReadonlyMap<string, RValue> = new Map();
const NULL: RValue = { type: "null", attributes: NONE };
const OTHER: RValue = { type: "other", attributes: NONE };
/** Lists within lists; real objects have some dozens. */
const MOST_DEPTH = 400;

/** @throws CellhueError where it is not what saveRDS writes, or is cut short */
export function parseRds(bytes: Buffer, path: string): RValue {
  return new Parser(bytes, path).whole();
}

interface Pair {
  tag: string;
  value: RValue;
}

class Parser {
  private at = 0;
  private depth = 0;
  /** Symbols and environments, which later places refer to by number. */
  private readonly seen: RValue[] = [];
  private readonly names = new Map<RValue, string>();

  constructor(
    private readonly bytes: Buffer,
    private readonly path: string,
  ) {}

  whole(): RValue {
    this.need(14);
    if (this.bytes.toString("latin1", 0, 2) !== "X\n") throw this.fault("another format than XDR");
    this.at = 2;
    const version = this.int();
    this.at += 8;
    if (version !== 2 && version !== 3) throw this.fault(`version ${version}`);
    if (version === 3) this.skip(this.int());
    return this.item();
  }

  private item(): RValue {
    if (++this.depth > MOST_DEPTH) throw this.fault(`lists within lists, ${MOST_DEPTH} deep`);
    try {
      const flags = this.int();
      return this.ofType(flags & 255, flags);
    } finally {
      this.depth--;
    }
  }

  private ofType(type: number, flags: number): RValue {
    switch (type) {
      case 254: // NULL
        return NULL;
      case 241: // base, empty, global environment, unbound, missing, base namespace
      case 242:
      case 250:
      case 251:
      case 252:
      case 253:
        return OTHER;
      case 255: {
        const number = flags >> 8 || this.int();
        const found = this.seen[number - 1];
        if (found === undefined) throw this.fault(`a reference to object ${number}`);
        return found;
      }
      case 1: {
        const symbol: RValue = { type: "symbol", attributes: NONE };
        this.names.set(symbol, this.char(this.int()) ?? "NA");
        this.seen.push(symbol);
        return symbol;
      }
      case 247: // persistent, package, namespace
      case 248:
      case 249: {
        this.int();
        for (let n = this.length(4); n > 0; n--) this.char(this.int());
        this.seen.push(OTHER);
        return OTHER;
      }
      case 4: // an environment
        this.int();
        this.seen.push(OTHER);
        for (let k = 0; k < 4; k++) this.item();
        return OTHER;
      case 2: // pairlists: also of calls, closures, promises
      case 3:
      case 5:
      case 6:
      case 17:
      case 239:
      case 240:
        return { type: "list", items: this.pairs(type, flags).map((p) => p.value), attributes: NONE };
      case 22: // pointers and weak references
      case 23:
        this.seen.push(OTHER);
        if (type === 22) for (let k = 0; k < 2; k++) this.item();
        this.attributes(flags);
        return OTHER;
      case 7: // built-in functions
      case 8:
        this.skip(this.length(1));
        return OTHER;
      case 9: {
        const text = this.charBody(flags);
        return { type: "text", texts: [text], attributes: this.attributes(flags) };
      }
      case 10:
      case 13: {
        const numbers = this.ints();
        return { type: type === 10 ? "boolean" : "integer", numbers, attributes: this.attributes(flags) };
      }
      case 14: {
        const numbers = this.doubles(1);
        return { type: "double", numbers, attributes: this.attributes(flags) };
      }
      case 15:
        this.doubles(2);
        return { type: "other", attributes: this.attributes(flags) };
      case 16: {
        const texts = Array.from({ length: this.length(4) }, () => this.char(this.int()));
        return { type: "text", texts, attributes: this.attributes(flags) };
      }
      case 19:
      case 20: {
        const items = Array.from({ length: this.length(4) }, () => this.item());
        return { type: "list", items, attributes: this.attributes(flags) };
      }
      case 24:
        this.skip(this.length(1));
        return { type: "other", attributes: this.attributes(flags) };
      case 25:
        return { type: "S4", attributes: this.attributes(flags) };
      case 238:
        return this.alternative();
      default:
        throw this.fault(`an object of type ${type}`);
    }
  }

  /** A pairlist, its rest taken in a loop as it may be long. */
  private pairs(first: number, flags: number): Pair[] {
    const out: Pair[] = [];
    let type = first;
    for (let f = flags; ; ) {
      if (f & 0x200 || type === 239 || type === 240) this.item();
      const tag = f & 0x400 ? this.item() : NULL;
      out.push({ tag: this.names.get(tag) ?? "", value: this.item() });
      f = this.int();
      type = f & 255;
      if (type === 254) return out;
      if (type !== 2 && type !== 6 && type !== 239 && type !== 240) {
        out.push({ tag: "", value: this.ofType(type, f) });
        return out;
      }
    }
  }

  private attributes(flags: number): ReadonlyMap<string, RValue> {
    if (!(flags & 0x200)) return NONE;
    return this.attributesAt(this.int());
  }

  private attributesAt(flags: number): ReadonlyMap<string, RValue> {
    const type = flags & 255;
    if (type === 254) return NONE;
    if (type !== 2 && type !== 239) throw this.fault(`attributes of type ${type}`);
    return new Map(this.pairs(type, flags).map(({ tag, value }) => [tag, value]));
  }

  /** ALTREP: a sequence, numbers not yet made into text, or a wrapper around a vector. */
  private alternative(): RValue {
    const info = this.int();
    if ((info & 255) !== 2) throw this.fault("an ALTREP object without its class");
    const [{ value: symbol }] = this.pairs(2, info);
    const name = this.names.get(symbol) ?? "";
    const state = this.item();
    const attributes = this.attributesAt(this.int());
    if (name === "compact_intseq" || name === "compact_realseq") {
      const [n, from, step] = state.numbers ?? [];
      // a claim without bytes behind it
      if (!(n >= 0 && n <= 2 ** 24 && Number.isInteger(n))) throw this.fault(`a sequence of ${n}`);
      const numbers = Float64Array.from({ length: n }, (_, i) => from + i * step);
      return name === "compact_intseq"
        ? { type: "integer", numbers: Int32Array.from(numbers), attributes }
        : { type: "double", numbers, attributes };
    }
    const [inner] = state.items ?? [];
    if (name === "deferred_string" && inner?.numbers !== undefined) {
      const isInteger = inner.type === "integer";
      const texts = Array.from(inner.numbers, (v) => (isInteger && v === NA_INTEGER ? null : String(v)));
      return { type: "text", texts, attributes };
    }
    if (/^wrap_(real|integer|logical|string|list)$/.test(name) && inner !== undefined) {
      return { ...inner, attributes };
    }
    throw this.fault(`an ALTREP object of class ${name || "none"}`);
  }

  private char(flags: number): string | null {
    if ((flags & 255) !== 9) throw this.fault("something else where text should be");
    return this.charBody(flags);
  }

  private charBody(flags: number): string | null {
    const length = this.int();
    if (length === -1) return null;
    this.need(length);
    const isLatin = (flags >> 12) & 4;
    const text = this.bytes.toString(isLatin ? "latin1" : "utf8", this.at, this.at + length);
    this.at += length;
    return text;
  }

  private ints(): Int32Array {
    const out = new Int32Array(this.length(4));
    for (let i = 0; i < out.length; i++, this.at += 4) out[i] = this.bytes.readInt32BE(this.at);
    return out;
  }

  private doubles(each: number): Float64Array {
    const out = new Float64Array(this.length(8 * each) * each);
    for (let i = 0; i < out.length; i++, this.at += 8) out[i] = this.bytes.readDoubleBE(this.at);
    return out;
  }

  /** A length that the bytes left can hold, `each` at least for an entry. */
  private length(each: number): number {
    let n = this.int();
    if (n === -1) n = this.int() * 2 ** 32 + (this.int() >>> 0);
    this.need(n * each);
    return n;
  }

  private int(): number {
    this.need(4);
    this.at += 4;
    return this.bytes.readInt32BE(this.at - 4);
  }

  private skip(length: number): void {
    this.need(length);
    this.at += length;
  }

  private need(length: number): void {
    if (!(length >= 0 && this.at + length <= this.bytes.length)) {
      throw this.fault(`${length} bytes wanted at byte ${this.at} of ${this.bytes.length}`);
    }
  }

  private fault(found: string): CellhueError {
    return new CellhueError("the .rds cannot be read", {
      where: this.path,
      found,
      expected: "what R's saveRDS writes, uncompressed or by gzip",
      remedy: "copy it again, or write it again in R: saveRDS(x, FILE)",
    });
  }
}
