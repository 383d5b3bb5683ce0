/** Lines of a table of text as cells: which delimiter, and what stands between them. Quotes as in RFC 4180 and as R writes. */

/** " ": any run of white space. */
export type Delimiter = "\t" | ";" | "," | " ";
export const delimiters: readonly Delimiter[] = ["\t", ";", ",", " "];

/** The cells of one line, quotes taken off. */
export function splitLine(line: string, delimiter: Delimiter): string[] {
  if (!line.includes('"')) {
    return delimiter === " " ? line.trim().split(/\s+/) : line.split(delimiter);
  }
  const text = delimiter === " " ? line.trim() : line;
  const isEnd = (c: string) => (delimiter === " " ? c === " " || c === "\t" : c === delimiter);
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    let cell = "";
    if (text[at] === '"') {
      at++;
      while (at < text.length) {
        if (text[at] === '"') {
          if (text[at + 1] !== '"') break;
          at++;
        }
        cell += text[at++];
      }
      at++;
    }
    const from = at;
    while (at < text.length && !isEnd(text[at])) at++;
    cells.push(cell + text.slice(from, at));
    if (at >= text.length) return cells;
    at++;
    if (delimiter === " ") while (at < text.length && isEnd(text[at])) at++;
  }
}

/**
 * Bounds of the cells of a line in bytes: `bounds[2 k]` to `bounds[2 k + 1]`, quotes outside.
 * @returns how many cells there are; at most `most` + 1 are looked for
 */
export function findCells(
  bytes: Uint8Array,
  from: number,
  to: number,
  delimiter: Delimiter,
  bounds: Int32Array,
  most: number,
): number {
  const quote = 34;
  const comma = delimiter.charCodeAt(0);
  const blank = delimiter === " ";
  const isEnd = (b: number) => (blank ? b === 32 || b === 9 : b === comma);
  let end = to;
  let at = from;
  if (blank) {
    while (end > at && bytes[end - 1] <= 32) end--;
    while (at < end && bytes[at] <= 32) at++;
  }
  let found = 0;
  for (;;) {
    let begin = at;
    let close = -1;
    if (bytes[at] === quote && at < end) {
      begin = ++at;
      while (at < end && (bytes[at] !== quote || bytes[at + 1] === quote)) at += bytes[at] === quote ? 2 : 1;
      close = Math.min(at, end);
      at = close;
    }
    while (at < end && !isEnd(bytes[at])) at++;
    if (found > most) return found;
    bounds[2 * found] = begin;
    bounds[2 * found + 1] = close >= 0 ? close : at;
    found++;
    if (at >= end) return found;
    at++;
    if (blank) while (at < end && isEnd(bytes[at])) at++;
  }
}
