/**
 * Text files in blocks of whole lines, unpacked where they are gzip: a block is in memory at a time, whatever the file
 * holds. UTF-8 with or without a byte order mark, UTF-16 with one; line ends LF or CRLF, or CR alone throughout.
 */
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { TextDecoder } from "node:util";
import { createGunzip } from "node:zlib";
import { CellhueError, throwIfAborted } from "../errors.js";

const LF = 10;
const CR = 13;
/** A line is held whole: one of a million samples has some 20 MB. */
export const MOST_LINE = 2 ** 28;
const PIECE = 1 << 20;

/**
 * @returns blocks as UTF-8, each of whole lines; only the last may lack its line end
 * @throws CellhueError damaged gzip, unreadable, a line over 256 MiB; InterruptedError
 */
export async function* wholeLines(path: string, gzip: boolean, signal?: AbortSignal): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let held = 0;
  for await (const piece of utf8(wholeBytes(path, gzip))) {
    throwIfAborted(signal);
    const end = piece.lastIndexOf(LF) + 1;
    if (end > 0) {
      yield rest.length === 0 ? piece.subarray(0, end) : Buffer.concat([...rest, piece.subarray(0, end)]);
      rest = [];
      held = 0;
    }
    if (end < piece.length) {
      // a copy: streams use their buffers again
      rest.push(Buffer.from(piece.subarray(end)));
      held += piece.length - end;
    }
    if (held > MOST_LINE) {
      throw new CellhueError("a line is too long", {
        where: path,
        found: `more than ${MOST_LINE} bytes without a line end`,
        expected: "a table of text",
      });
    }
  }
  if (held > 0) yield Buffer.concat(rest);
}

/** The bytes of a file in pieces, unpacked where it is gzip. @throws CellhueError damaged gzip, unreadable */
export async function* wholeBytes(path: string, gzip: boolean): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: PIECE });
  const stream: Readable = gzip ? file.pipe(createGunzip({ chunkSize: PIECE })) : file;
  file.on("error", (error) => {
    if (stream !== file) stream.destroy(error);
  });
  try {
    for await (const piece of stream) yield piece as Buffer;
  } catch (cause) {
    if (cause instanceof CellhueError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    const isGzip = code.startsWith("Z_");
    throw new CellhueError(isGzip ? "the gzip-compressed file is damaged" : "the file cannot be read", {
      where: path,
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: isGzip ? "copy or download the file again; it may be cut short" : "check its permissions",
      cause,
    });
  } finally {
    file.destroy();
    if (stream !== file) stream.destroy();
  }
}

/** The pieces as UTF-8 without byte order mark, CR alone turned into LF. */
async function* utf8(pieces: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let first = true;
  let decoder: TextDecoder | null = null;
  let crAlone = false;
  for await (let piece of pieces) {
    if (first && piece.length > 0) {
      first = false;
      if (piece[0] === 0xff && piece[1] === 0xfe) decoder = new TextDecoder("utf-16le");
      else if (piece[0] === 0xfe && piece[1] === 0xff) decoder = new TextDecoder("utf-16be");
      else if (piece[0] === 0xef && piece[1] === 0xbb && piece[2] === 0xbf) piece = piece.subarray(3);
      if (decoder === null) crAlone = piece.includes(CR) && !piece.includes(LF);
    }
    if (decoder !== null) piece = Buffer.from(decoder.decode(piece, { stream: true }));
    if (crAlone) piece = Buffer.from(piece.map((b) => (b === CR ? LF : b)));
    yield piece;
  }
}

/** Calls `use` with every line of a small file, its line end removed. */
export async function eachLine(
  path: string,
  gzip: boolean,
  use: (line: string, number: number) => void,
): Promise<void> {
  let number = 0;
  for await (const block of wholeLines(path, gzip)) {
    const lines = block.toString("utf8").split("\n");
    if (lines[lines.length - 1] === "") lines.pop();
    for (const line of lines) use(line.endsWith("\r") ? line.slice(0, -1) : line, ++number);
  }
}
