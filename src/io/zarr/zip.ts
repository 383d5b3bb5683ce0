/**
 * Random access to a zip archive, read-only and in memory: the central directory is read once, an entry when it is asked
 * for. Entries may be stored or deflated; zip64 is understood; of two entries of one name the last counts, as in Python's
 * zipfile (anndata's archives hold metadata that was written again). Nothing is ever written to disk.
 * Format: PKWARE's APPNOTE 6.3.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import { CellhueError } from "../../errors.js";
import { requirePlausible } from "../limits.js";

interface Entry {
  method: number;
  packed: number;
  size: number;
  crc: number;
  at: number;
  encrypted: boolean;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const U32 = 0xffffffff;

export class ZipFile {
  private readonly entries = new Map<string, Entry>();
  private closed = false;

  private constructor(
    readonly path: string,
    private readonly fd: number,
    readonly bytes: number,
  ) {}

  /** @throws CellhueError: no zip, cut short */
  static open(path: string): ZipFile {
    const fd = openSync(path, "r");
    const zip = new ZipFile(path, fd, fstatSync(fd).size);
    try {
      zip.readDirectory();
    } catch (error) {
      zip.close();
      throw error;
    }
    return zip;
  }

  names(): Iterable<string> {
    return this.entries.keys();
  }

  /** An entry, whole; undefined where there is none. @throws CellhueError where it is damaged */
  read(name: string): Uint8Array<ArrayBuffer> | undefined {
    const entry = this.entries.get(name);
    if (entry === undefined) return undefined;
    if (entry.encrypted || (entry.method !== 0 && entry.method !== 8)) {
      throw new CellhueError(`${name} cannot be read out of the zip archive`, {
        where: this.path,
        found: entry.encrypted ? "an encrypted entry" : `compression method ${entry.method}`,
        expected: "entries that are stored or deflated",
        remedy: "unpack the archive, and give the folder",
      });
    }
    requirePlausible(entry.size, this.bytes, name, this.path);
    const header = this.bytesAt(entry.at, 30);
    if (header.readUInt32LE(0) !== LOCAL) throw this.damaged(`no header of ${name} where it should be`);
    const from = entry.at + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    const packed = this.bytesAt(from, entry.packed);
    let data: Buffer<ArrayBuffer> = packed;
    if (entry.method === 8) {
      try {
        // one byte more than said would do: too long an entry then shows
        data = inflateRawSync(packed, { maxOutputLength: entry.size + 1 });
      } catch {
        throw this.damaged(`${name} does not unpack to the ${entry.size} bytes that it says`);
      }
    }
    if (data.length !== entry.size) throw this.damaged(`${name} has ${data.length} bytes, not ${entry.size}`);
    if (crc32(data) !== entry.crc) throw this.damaged(`${name} differs from its checksum`);
    // a copy of its own: decoders look at the whole buffer
    return new Uint8Array(data);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.fd);
  }

  private readDirectory(): void {
    const tailLength = Math.min(this.bytes, 65557);
    const tail = this.bytesAt(this.bytes - tailLength, tailLength);
    let end = tail.length - 22;
    while (end >= 0 && tail.readUInt32LE(end) !== END) end--;
    if (end < 0) throw this.damaged("no directory at its end");
    let count = tail.readUInt16LE(end + 10);
    let length = tail.readUInt32LE(end + 12);
    let start = tail.readUInt32LE(end + 16);
    if (end >= 20 && tail.readUInt32LE(end - 20) === END64_LOCATOR) {
      const end64 = this.bytesAt(this.number64(tail, end - 12), 56);
      if (end64.readUInt32LE(0) !== END64) throw this.damaged("no zip64 directory where it should be");
      count = this.number64(end64, 32);
      length = this.number64(end64, 40);
      start = this.number64(end64, 48);
    }
    const directory = this.bytesAt(start, length);
    let at = 0;
    for (let i = 0; i < count; i++) {
      if (at + 46 > directory.length || directory.readUInt32LE(at) !== CENTRAL) {
        throw this.damaged(`entry ${i} of ${count} is not in the directory`);
      }
      at = this.readEntry(directory, at);
    }
  }

  /** @returns where the next one begins */
  private readEntry(directory: Buffer, at: number): number {
    const nameLength = directory.readUInt16LE(at + 28);
    const extraLength = directory.readUInt16LE(at + 30);
    const next = at + 46 + nameLength + extraLength + directory.readUInt16LE(at + 32);
    if (next > directory.length) throw this.damaged("a directory that is cut short");
    const name = directory.toString("utf8", at + 46, at + 46 + nameLength);
    let packed = directory.readUInt32LE(at + 20);
    let size = directory.readUInt32LE(at + 24);
    let local = directory.readUInt32LE(at + 42);
    const extraEnd = at + 46 + nameLength + extraLength;
    for (let e = at + 46 + nameLength; e + 4 <= extraEnd; e += 4 + directory.readUInt16LE(e + 2)) {
      if (directory.readUInt16LE(e) !== 1) continue;
      let field = e + 4;
      const wide = (value: number) => {
        if (value !== U32 || field + 8 > extraEnd) return value;
        field += 8;
        return this.number64(directory, field - 8);
      };
      size = wide(size);
      packed = wide(packed);
      local = wide(local);
    }
    this.entries.set(name, {
      method: directory.readUInt16LE(at + 10),
      packed,
      size,
      crc: directory.readUInt32LE(at + 16),
      at: local,
      encrypted: (directory.readUInt16LE(at + 8) & 1) === 1,
    });
    return next;
  }

  private number64(from: Buffer, at: number): number {
    const value = Number(from.readBigUInt64LE(at));
    if (value > this.bytes * 2048) throw this.damaged(`a size of ${value} bytes`);
    return value;
  }

  /** Bytes of the file; never more than it has. */
  private bytesAt(at: number, length: number): Buffer<ArrayBuffer> {
    if (this.closed) throw new Error(`${this.path} is closed`);
    if (at < 0 || at + length > this.bytes) throw this.damaged(`bytes ${at} to ${at + length} are not in it`);
    const out = Buffer.alloc(length);
    let got = 0;
    while (got < length) {
      const n = readSync(this.fd, out, got, length - got, at + got);
      if (n === 0) throw this.damaged(`it ends at byte ${at + got}`);
      got += n;
    }
    return out;
  }

  private damaged(found: string): CellhueError {
    return new CellhueError("the zip archive is damaged", {
      where: this.path,
      found,
      expected: `a whole archive; it has ${this.bytes} bytes`,
      remedy: "copy or download the file again",
    });
  }
}

const crcTable = Int32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

/** CRC-32 (ISO 3309), as zip and gzip use it. Node has its own from 22 on only. */
function crc32(data: Uint8Array): number {
  let c = -1;
  for (let i = 0; i < data.length; i++) c = (c >>> 8) ^ crcTable[(c ^ data[i]) & 255];
  return (c ^ -1) >>> 0;
}
