/**
 * Comma-separated text by RFC 4180: written with CRLF line ends and quotes where a cell needs them, read with CRLF or LF.
 * Text and nothing else; what a cell means is the caller's business.
 *
 * Formulas. A spreadsheet runs a cell that begins with = + - @, also where the cell is quoted, and labels and gene names
 * are data out of somebody's file. Such a TEXT cell is written with an apostrophe before it (OWASP, "CSV Injection"),
 * which a spreadsheet takes for "this is text"; numbers never are. parseCsv takes one apostrophe off again, and a text
 * that already has apostrophes before its formula gets one more, so every text reads back as it was.
 * A script that does not know this rule (pandas) sees 'X for X, so the rule spares whatever cannot be run: plain numbers
 * ("-5") and texts of signs alone ("-", "+/-", "--"), which is what real labels of this kind mostly are. The header
 * follows the same rule, so a label and the column named after it stay equal within a file.
 */
import { CellhueError } from "../errors.js";

const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const SIGNS_ALONE = /^[\s=+\-@/.]*$/;
/** The full-width signs are run as well by spreadsheets set to Japanese or Chinese. */
const FORMULA = /^(?:[\t\r\n]|\s*[=+\-@＝＋－＠])/;

function isFormula(text: string): boolean {
  return FORMULA.test(text) && !NUMBER.test(text) && !SIGNS_ALONE.test(text);
}

/**
 * @param header column names
 * @param rows cells; a number is written in the shortest form that reads back to it, null as an empty cell
 * @returns the text, each line ended by CRLF
 * @throws RangeError where a row has not as many cells as the header
 */
export function csvText(header: string[], rows: Iterable<(string | number | null)[]>): string {
  const lines = [line(header)];
  for (const row of rows) {
    if (row.length !== header.length)
      throw new RangeError(
        `csvText: row ${lines.length} has ${row.length} cells, the header ${header.length}`,
      );
    lines.push(line(row));
  }
  return lines.join("");
}

/** Rows that are made at a time: memory stays flat as they grow, and all may be longer than a string can be. */
const PIECE = 4096;

/**
 * The same text in pieces, encoded, for `writePieces`.
 * @param count rows; `row` is asked for each in turn
 */
export function csvPieces(
  header: string[],
  count: number,
  row: (i: number) => (string | number | null)[],
): (append: (bytes: Uint8Array) => Promise<void>) => Promise<void> {
  const head = csvText(header, []);
  return async (append) => {
    await append(Buffer.from(head));
    for (let from = 0; from < count; from += PIECE) {
      const rows = Array.from({ length: Math.min(PIECE, count - from) }, (_, i) => row(from + i));
      await append(Buffer.from(csvText(header, rows).slice(head.length)));
    }
  };
}

function line(cells: (string | number | null)[]): string {
  const text = cells.map(cell).join(",");
  // a lone empty cell would be a blank line, which readers skip
  return `${cells.length === 1 && text === "" ? '""' : text}\r\n`;
}

function cell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  const text = isFormula(value.replace(/^'+/, "")) ? `'${value}` : value;
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * @param text the whole file; a byte order mark is skipped, and so are blank lines
 * @returns rows of cells, the header being the first; rows may differ in length
 * @throws CellhueError where a quote is not closed, or text follows a closing quote
 */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  while (at < text.length) {
    const row: string[] = [];
    const start = at;
    for (;;) {
      const quoted = text[at] === '"';
      const end = quoted ? closingQuote(text, at) + 1 : endOfPlain(text, at);
      row.push(unguard(quoted ? text.slice(at + 1, end - 1).replaceAll('""', '"') : text.slice(at, end)));
      at = end;
      if (text[at] !== ",") break;
      at++;
    }
    const blank = at === start;
    const broken = at < text.length && text[at] !== "\n" && !text.startsWith("\r\n", at);
    if (broken)
      throw new CellhueError("text after a closing quote in CSV", {
        where: `line ${lineNumber(text, at)}`,
        found: JSON.stringify(text.slice(at, at + 20)),
        expected: "a comma or the end of the line",
        remedy: 'double every quote inside of a quoted cell ("")',
      });
    at += text[at] === "\r" ? 2 : 1;
    if (!blank) rows.push(row);
  }
  return rows;
}

/** Position of the quote that closes the one at `open`; doubled quotes are part of the cell. */
function closingQuote(text: string, open: number): number {
  for (let at = open + 1; ; at += 2) {
    at = text.indexOf('"', at);
    if (at < 0)
      throw new CellhueError("a quote in CSV is never closed", {
        where: `line ${lineNumber(text, open)}`,
        found: JSON.stringify(text.slice(open, open + 20)),
        expected: 'a closing "',
        remedy: "check that the file is complete, and double every quote inside of a quoted cell",
      });
    if (text[at + 1] !== '"') return at;
  }
}

/** End of an unquoted cell: the next comma or line end; a lone CR is part of the cell. */
function endOfPlain(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== "," && text[at] !== "\n" && !text.startsWith("\r\n", at)) at++;
  return at;
}

function unguard(cell: string): string {
  return cell.startsWith("'") && isFormula(cell.replace(/^'+/, "")) ? cell.slice(1) : cell;
}

function lineNumber(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}
