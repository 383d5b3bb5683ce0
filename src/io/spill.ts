/**
 * A matrix that is larger than may be held and whose rows do not lie together (compressed columns, genes × cells, triplets,
 * zarr, text), written once by rows into a temporary file and read from there in blocks. Its reader hands it over in pieces, in
 * any order; memory is that of a few blocks, whatever the order and however unevenly the entries lie.
 * Entries go into buckets of neighbouring rows first, and each bucket is then put in order (an external bucket sort); what comes out is
 * that of `sortRows`: columns rise, entries of one place are added up in the order in which they came.
 * The file has no name as soon as it is open, so that a killed process leaves nothing; where a system does not allow that, it is
 * removed at exit.
 */
import { randomBytes } from "node:crypto";
import { closeSync, openSync, readSync, rmSync, statfsSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { breathe } from "../breathe.js";
import { CellhueError, throwIfAborted } from "../errors.js";
import type { StoredMatrix } from "../matrix.js";
import { type Progress, type ProgressTask, silent } from "../progress.js";
import { BLOCK_BYTES, blockRowsOf, sortRows } from "./sparse.js";

/** A part of a matrix: some entries, or a rectangle of a dense one (row-major) with its first row and column. */
export type Piece =
  | { kind: "entries"; rows: Int32Array; cols: Int32Array; values: Float32Array }
  | { kind: "dense"; row: number; col: number; rows: number; cols: number; data: Float32Array };

export interface Spilled {
  readonly matrix: StoredMatrix;
  /** Gives the space of the file back; the matrix cannot be read any more. */
  close(): void;
}

export interface SpillOptions {
  /** What is written, for messages: "X". */
  readonly what: string;
  readonly rows: number;
  readonly cols: number;
  /** About how many entries come; null: a dense matrix, whose pieces cover it. */
  readonly entries: number | null;
  /** See StoredMatrix. */
  readonly limit: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Entries of a bucket, and those that are put in order at once. */
export interface SpillSizes {
  readonly bucket: number;
  readonly most: number;
}

const usual: SpillSizes = { bucket: 4 << 20, most: 8 << 20 };
const MOST_BUCKETS = 2048;
/** Entries that wait in memory, of all buckets together. */
const WAITING = 2 << 20;

/**
 * @param sizes for tests
 * @throws CellhueError where the temporary folder cannot be written or is full; what the pieces throw; InterruptedError
 */
export async function spill(
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  options: SpillOptions,
  sizes = usual,
): Promise<Spilled> {
  const { entries, rows, cols } = options;
  const folder = resolve(tmpdir());
  const bytes = entries === null ? 4 * rows * cols : 20 * entries;
  const about = { what: options.what, folder, bytes };
  requireRoom(about);
  if (isInMemory(folder))
    options.progress?.warn(
      `the temporary folder ${folder} lies in memory; set TMPDIR to a folder on a disk, or ${options.what} takes memory all the same`,
    );
  const file = TemporaryFile.create(about);
  const task = (options.progress ?? silent).task(
    `writing ${options.what} by rows`,
    entries === null ? rows * cols : 2 * entries,
  );
  try {
    const spilled =
      entries === null
        ? await spillDense(file, pieces, options, task)
        : await spillEntries(file, pieces, { ...options, entries }, sizes, task, about);
    task.end(`${gigabytes(bytes)} GB in ${folder}`);
    return spilled;
  } catch (error) {
    task.end();
    file.close();
    throw error;
  }
}

/** Rectangles lie one after the other as they come, cut where blocks of rows begin; a block is put together when it is read. */
async function spillDense(
  file: TemporaryFile,
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  { rows, cols, limit, signal }: SpillOptions,
  task: ProgressTask,
): Promise<Spilled> {
  const height = Math.max(1, Math.min(rows, Math.floor(BLOCK_BYTES / Math.max(1, 4 * cols))));
  /** Of each block: first row, rows, first column, columns, place in the file; and so on. */
  const parts = Array.from({ length: Math.ceil(rows / height) }, (): number[] => []);
  let done = 0;
  for await (const piece of pieces) {
    throwIfAborted(signal);
    if (piece.kind !== "dense") throw new RangeError("spill: entries of a dense matrix");
    for (let row = piece.row; row < piece.row + piece.rows; ) {
      const block = Math.floor(row / height);
      const end = Math.min(piece.row + piece.rows, (block + 1) * height);
      const [from, to] = [row, end].map((r) => (r - piece.row) * piece.cols);
      parts[block].push(row, end - row, piece.col, piece.cols, file.append(piece.data.subarray(from, to)));
      row = end;
    }
    done += piece.rows * piece.cols;
    task.update(done);
    await breathe(signal);
  }
  if (done !== rows * cols) throw new RangeError(`spill: ${done} entries of ${rows} × ${cols}`);
  let scratch = new Float32Array(0);
  const read = (first: number, count: number) => {
    const data = new Float32Array(count * cols);
    const last = first + count - 1;
    for (let block = Math.floor(first / height); count > 0 && block <= Math.floor(last / height); block++) {
      const of = parts[block];
      for (let p = 0; p < of.length; p += 5) {
        const [row, tall, col, width, at] = of.slice(p, p + 5);
        const from = Math.max(row, first);
        const n = Math.min(row + tall, first + count) - from;
        if (n <= 0) continue;
        const place = at + 4 * width * (from - row);
        const to = (from - first) * cols + col;
        if (width === cols) {
          file.read(data.subarray(to, to + n * cols), place);
          continue;
        }
        if (scratch.length < n * width) scratch = new Float32Array(n * width);
        const part = scratch.subarray(0, n * width);
        file.read(part, place);
        for (let i = 0; i < n; i++) data.set(part.subarray(i * width, (i + 1) * width), to + i * cols);
      }
    }
    return { kind: "dense", rows: count, cols, data } as const;
  };
  return {
    matrix: { kind: "stored", rows, cols, blockRows: height, limit, read },
    close: () => file.close(),
  };
}

async function spillEntries(
  file: TemporaryFile,
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  { rows, cols, entries, limit, signal }: SpillOptions & { entries: number },
  sizes: SpillSizes,
  task: ProgressTask,
  about: About,
): Promise<Spilled> {
  const buckets = new Buckets(file, rows, entries, sizes.bucket);
  for await (const piece of pieces) {
    throwIfAborted(signal);
    if (piece.kind !== "entries") throw new RangeError("spill: a rectangle of a sparse matrix");
    buckets.add(piece);
    task.update(buckets.total);
    await breathe(signal);
  }
  buckets.end();
  const { counts, total, shift } = buckets;

  // Indices from the start on, values behind the place of the last index.
  const sorted = TemporaryFile.create(about);
  try {
    const indptr = new Float64Array(rows + 1);
    let stored = 0;
    let done = 0;
    const put = (indices: Int32Array, values: Float32Array) => {
      sorted.write(indices, 4 * stored);
      sorted.write(values, 4 * (total + stored));
      stored += indices.length;
    };
    for (let b = 0; b < buckets.count; b++) {
      const end = Math.min(rows, (b + 1) * 2 ** shift);
      for (let low = b * 2 ** shift; low < end; ) {
        throwIfAborted(signal);
        // as many rows as may be put in order at once; at least one
        let high = low + 1;
        let n = counts[low];
        while (high < end && n + counts[high] <= sizes.most) n += counts[high++];
        if (n > sizes.most) {
          const row = oneRow(buckets, b, low, cols);
          put(row.indices, row.values);
          indptr[high] = stored;
        } else {
          const part = someRows(buckets, b, low, high, cols);
          const before = stored;
          put(part.indices, part.values);
          for (let i = 1; i <= part.rows; i++) indptr[low + i] = before + part.indptr[i];
        }
        low = high;
        done += n;
        task.update(total + done);
        await breathe(signal);
      }
    }
    file.close();
    const read = (first: number, count: number) => {
      const from = indptr[first];
      const offsets = indptr.subarray(first, first + count + 1).map((offset) => offset - from);
      const indices = new Int32Array(offsets[count]);
      const values = new Float32Array(offsets[count]);
      sorted.read(indices, 4 * from);
      sorted.read(values, 4 * (total + from));
      return { kind: "csr", rows: count, cols, indptr: offsets, indices, values } as const;
    };
    return {
      matrix: { kind: "stored", rows, cols, blockRows: blockRowsOf(indptr), limit, read },
      close: () => sorted.close(),
    };
  } catch (error) {
    sorted.close();
    throw error;
  }
}

/** Rows low … high − 1 of a bucket, put in order. */
function someRows(buckets: Buckets, bucket: number, low: number, high: number, cols: number) {
  const rows = high - low;
  const indptr = new Float64Array(rows + 1);
  for (let i = 0; i < rows; i++) indptr[i + 1] = indptr[i] + buckets.counts[low + i];
  const next = indptr.slice(0, rows);
  const indices = new Int32Array(indptr[rows]);
  const values = new Float32Array(indptr[rows]);
  buckets.each(bucket, (row, col, value) => {
    if (row < low || row >= high) return;
    const to = next[row - low]++;
    indices[to] = col;
    values[to] = value;
  });
  return sortRows({ kind: "csr", rows, cols, indptr, indices, values });
}

/** A row of more entries than are put in order at once: many are of the same place. */
function oneRow(buckets: Buckets, bucket: number, wanted: number, cols: number) {
  const sums = new Float32Array(cols);
  const there = new Uint8Array(cols);
  buckets.each(bucket, (row, col, value) => {
    if (row !== wanted) return;
    sums[col] = there[col] === 0 ? value : sums[col] + value; // not 0 + value, which loses the sign of −0
    there[col] = 1;
  });
  const indices = Int32Array.from(sums.keys()).filter((col) => there[col] === 1);
  return { indices, values: Float32Array.from(indices, (col) => sums[col]) };
}

/** Entries by ranges of 2^shift rows, in the order in which they came; each bucket in parts all over the file. */
class Buckets {
  readonly shift: number;
  readonly count: number;
  /** Entries of each row. */
  readonly counts: Uint32Array;
  total = 0;
  private readonly room: number;
  private readonly rows: Int32Array;
  private readonly cols: Int32Array;
  private readonly values: Float32Array;
  private readonly waiting: Int32Array;
  /** Of each bucket: place in the file, entries; and so on. */
  private readonly parts: number[][];
  private readonly part: ArrayBuffer;

  constructor(
    private readonly file: TemporaryFile,
    rows: number,
    entries: number,
    perBucket: number,
  ) {
    let shift = Math.max(0, Math.min(30, Math.floor(Math.log2((rows * perBucket) / Math.max(1, entries)))));
    if (!(shift >= 0)) shift = 0; // no rows
    while (rows / 2 ** shift > MOST_BUCKETS) shift++;
    this.shift = shift;
    this.count = Math.ceil(rows / 2 ** shift);
    this.counts = new Uint32Array(rows);
    const { count } = this;
    this.room = Math.max(1, Math.min(perBucket, Math.floor(WAITING / Math.max(1, count))));
    this.rows = new Int32Array(count * this.room);
    this.cols = new Int32Array(count * this.room);
    this.values = new Float32Array(count * this.room);
    this.waiting = new Int32Array(count);
    this.parts = Array.from({ length: count }, () => []);
    this.part = new ArrayBuffer(12 * this.room);
  }

  add({ rows, cols, values }: Extract<Piece, { kind: "entries" }>): void {
    const { shift, room, waiting, counts } = this;
    for (let k = 0; k < rows.length; k++) {
      const row = rows[k];
      const b = row >> shift;
      if (waiting[b] === room) this.flush(b);
      const at = b * room + waiting[b]++;
      this.rows[at] = row;
      this.cols[at] = cols[k];
      this.values[at] = values[k];
      counts[row]++;
    }
    this.total += rows.length;
  }

  end(): void {
    for (let b = 0; b < this.count; b++) if (this.waiting[b] > 0) this.flush(b);
  }

  each(bucket: number, use: (row: number, col: number, value: number) => void): void {
    const of = this.parts[bucket];
    for (let p = 0; p < of.length; p += 2) {
      const n = of[p + 1];
      const [rows, cols, values] = this.arrays(n);
      this.file.read(new Uint8Array(this.part, 0, 12 * n), of[p]);
      for (let k = 0; k < n; k++) use(rows[k], cols[k], values[k]);
    }
  }

  private flush(b: number): void {
    const n = this.waiting[b];
    const from = b * this.room;
    const [rows, cols, values] = this.arrays(n);
    rows.set(this.rows.subarray(from, from + n));
    cols.set(this.cols.subarray(from, from + n));
    values.set(this.values.subarray(from, from + n));
    this.parts[b].push(this.file.append(new Uint8Array(this.part, 0, 12 * n)), n);
    this.waiting[b] = 0;
  }

  /** n entries as they lie in the file. */
  private arrays(n: number): [Int32Array, Int32Array, Float32Array] {
    const { part } = this;
    return [new Int32Array(part, 0, n), new Int32Array(part, 4 * n, n), new Float32Array(part, 8 * n, n)];
  }
}

/** What the file is for, for errors. */
interface About {
  what: string;
  folder: string;
  /** What is needed of the disk. */
  bytes: number;
}

/** Closes the files of matrices that nobody has closed, once nobody can read them. */
const forgotten = new FinalizationRegistry<() => void>((remove) => remove());

class TemporaryFile {
  private end = 0;
  private closed = false;

  private constructor(
    private readonly fd: number,
    private readonly remove: () => void,
    private readonly about: About,
  ) {
    forgotten.register(this, remove, this);
  }

  static create(about: About): TemporaryFile {
    const path = join(about.folder, `cellhue-${process.pid}-${randomBytes(6).toString("hex")}.tmp`);
    let fd: number;
    try {
      fd = openSync(path, "wx+", 0o600);
    } catch (error) {
      throw fault(error, about);
    }
    try {
      unlinkSync(path);
      return new TemporaryFile(fd, () => closeSync(fd), about);
    } catch {
      // Windows may keep the name while the file is open
      const remove = () => {
        process.removeListener("exit", remove);
        closeSync(fd);
        rmSync(path, { force: true });
      };
      process.once("exit", remove);
      return new TemporaryFile(fd, remove, about);
    }
  }

  /** @returns the place of its first byte */
  append(data: ArrayBufferView): number {
    const at = this.end;
    this.write(data, at);
    return at;
  }

  write({ buffer, byteOffset, byteLength }: ArrayBufferView, at: number): void {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    try {
      for (let done = 0; done < byteLength; )
        done += writeSync(this.fd, bytes, done, Math.min(byteLength - done, 1 << 30), at + done);
    } catch (error) {
      throw fault(error, this.about);
    }
    this.end = Math.max(this.end, at + byteLength);
  }

  read({ buffer, byteOffset, byteLength }: ArrayBufferView, at: number): void {
    if (this.closed) throw new Error(`the temporary file of ${this.about.what} is closed`);
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    try {
      for (let done = 0; done < byteLength; ) {
        const n = readSync(this.fd, bytes, done, Math.min(byteLength - done, 1 << 30), at + done);
        if (n === 0) throw new Error("the temporary file is shorter than was written");
        done += n;
      }
    } catch (error) {
      throw fault(error, this.about);
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    forgotten.unregister(this);
    this.remove();
  }
}

const reasons: Record<string, string> = {
  ENOSPC: "its disk is full",
  EDQUOT: "your disk quota is used up",
  EFBIG: "the file is larger than its file system or your limit (ulimit -f) allows",
  EROFS: "its file system is read-only",
  EACCES: "no permission to write there",
  EPERM: "no permission to write there",
  ENOENT: "there is no such folder",
  ENOTDIR: "it is not a folder",
  EIO: "its disk reports an error",
};

/** An error of the disk as one that users see; anything else as it is. */
function fault(error: unknown, about: About): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return Object.hasOwn(reasons, code) ? refusal(reasons[code], code, about, error) : error;
}

function refusal(
  reason: string,
  code: string,
  { what, folder, bytes }: About,
  cause?: unknown,
): CellhueError {
  const free = freeBytes(folder);
  return new CellhueError(`${what} cannot be written to the temporary folder: ${reason}`, {
    where: folder,
    found: free === undefined ? code : `${code}, ${gigabytes(free)} GB free`,
    expected: `a folder with room for ${gigabytes(bytes)} GB, as ${what} is larger than --memory and does not lie by rows`,
    remedy: [
      "set TMPDIR to another folder: TMPDIR=/path/to/folder cellhue …",
      "or --memory GB, where the machine has it",
    ],
    cause,
  });
}

/** Rather before an hour's work than in the middle of it. */
function requireRoom(about: About): void {
  const free = freeBytes(about.folder);
  if (free !== undefined && free < about.bytes)
    throw refusal("its disk has not enough room", "ENOSPC", about);
}

const TMPFS = 0x01021994;

function freeBytes(folder: string): number | undefined {
  try {
    const { blocks, bavail, bsize } = statfsSync(folder);
    return blocks > 0 ? bavail * bsize : undefined; // some file systems do not tell
  } catch {
    return undefined;
  }
}

function isInMemory(folder: string): boolean {
  try {
    return statfsSync(folder).type === TMPFS;
  } catch {
    return false;
  }
}

const gigabytes = (bytes: number) =>
  bytes < 2 ** 30 ? (bytes / 2 ** 30).toPrecision(2) : (bytes / 2 ** 30).toFixed(1);
