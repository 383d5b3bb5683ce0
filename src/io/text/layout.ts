/**
 * How a table of text is laid out, told from its first lines: delimiter, decimal point, header, which columns hold numbers
 * and which text. A delimiter counts where every line has as many cells, the header the same or (as R writes it) one
 * fewer; of several, that by which most cells are numbers.
 */
import { CellhueError } from "../../errors.js";
import { isMissing, numberOf } from "../numbers.js";
import { visible } from "../visible.js";
import { type Delimiter, delimiters, splitLine } from "./cells.js";

export interface Layout {
  delimiter: Delimiter;
  /** The decimal point: "." or "," */
  point: "." | ",";
  /** Cells of a line, an empty one at its end included. */
  cells: number;
  /** What stands above the names of the rows; "" where nothing does. */
  corner: string;
  /** Per column but the first: its name, and whether it holds text. */
  columns: { name: string; text: boolean }[];
  /** Lines before the first row of numbers, the header and comments among them. */
  before: number;
  /** Rows below the header that hold text only, such as a row of labels: the name, then a cell a column. */
  textRows: { name: string; values: string[] }[];
  /** The last column is an empty one (a delimiter at the end of each line). */
  emptyLast: boolean;
}

/** Lines that are looked at. */
export const LOOK = 60;
/** Lines of comments that may stand before the table (GEO's series matrices have some dozens). */
const COMMENT = /^[#!]/;

/** Cells of a line if all lines agree on them; null where they do not. */
export function agreedCells(lines: readonly string[], delimiter: Delimiter): number | null {
  const counts = lines.map((line) => splitLine(line, delimiter).length);
  const cells = counts.length > 1 ? counts[1] : counts[0];
  const agree = counts.every((n, i) => n === cells || (i === 0 && n === cells - 1));
  return agree && cells >= 2 ? cells : null;
}

/**
 * @param lines the first lines of the file, line ends removed
 * @throws CellhueError no table, lines of different length, no numbers, decimal commas that could be thousands
 */
export function layoutOf(lines: readonly string[], path: string): Layout {
  const isGct = lines[0]?.startsWith("#1.2") || lines[0]?.startsWith("#1.3");
  const table: { line: string; at: number }[] = [];
  lines.forEach((line, at) => {
    if (line.trim() !== "" && !COMMENT.test(line) && !(isGct && at === 1)) table.push({ line, at });
  });
  const texts = table.map((t) => t.line);
  if (texts.length < 2) {
    throw new CellhueError("the file holds no table", {
      where: path,
      found: texts.length === 0 ? "no line but comments" : `one line: ${visible(texts[0], 60)}`,
      expected: "a line of names, then lines of a name and numbers",
    });
  }
  const { delimiter, cells } = findDelimiter(texts, path);
  let rows = texts.map((line) => splitLine(line, delimiter));
  const emptyLast =
    cells > 2 && rows.every((row, i) => (row[cells - 1] ?? "") === "" && (i > 0 || row.length === cells));
  if (emptyLast) rows = rows.map((row) => row.slice(0, cells - 1));
  const width = emptyLast ? cells - 1 : cells;
  const [header, ...body] = rows;
  const corner = header.length === width ? header[0] : "";
  const names = header.length === width ? header.slice(1) : header;
  if (names.every((name) => numberOf(name) % 1 !== 0 && !isMissing(name) && !Number.isNaN(numberOf(name)))) {
    throw new CellhueError("the table has no line of names", {
      where: path,
      found: visible(texts[0], 80),
      expected: "the names of the columns in the first line",
      remedy: "put a line of names above the numbers",
    });
  }
  const point = decimalPoint(body, delimiter, path);
  const isNumber = (cell: string) => !Number.isNaN(numberOf(point === "," ? cell.replace(",", ".") : cell));
  const isText = (cell: string) => !isNumber(cell) && !isMissing(cell);
  let textRows = 0;
  while (textRows < body.length && body[textRows].slice(1).every((cell) => isText(cell))) textRows++;
  const numeric = body.slice(textRows);
  const featureCounts = corner === "Geneid" && names[0] === "Chr" && names[4] === "Length";
  const columns = names.map((name, k) => ({
    name,
    text: numeric.some((row) => isText(row[k + 1])) || (featureCounts && k < 5),
  }));
  if (numeric.length === 0 || columns.every((c) => c.text)) {
    throw new CellhueError("the table holds no column of numbers", {
      where: path,
      found: `${visible(texts[1], 80)}`,
      expected: "a name, then numbers, in every line below the first",
      remedy: "a table of labels is given by --labels, beside the expression file",
    });
  }
  return {
    delimiter,
    point,
    cells,
    corner: corner.trim(),
    columns,
    before: table[1 + textRows].at,
    textRows: body.slice(0, textRows).map(([name, ...values]) => ({ name, values })),
    emptyLast,
  };
}

function findDelimiter(lines: readonly string[], path: string): { delimiter: Delimiter; cells: number } {
  let best: { delimiter: Delimiter; cells: number; share: number } | null = null;
  for (const delimiter of delimiters) {
    const cells = agreedCells(lines, delimiter);
    if (cells === null) continue;
    let numbers = 0;
    for (const line of lines.slice(1)) {
      for (const cell of splitLine(line, delimiter).slice(1)) {
        if (isMissing(cell) || !Number.isNaN(numberOf(cell.replace(",", ".")))) numbers++;
      }
    }
    const share = numbers / ((lines.length - 1) * (cells - 1));
    if (best === null || share > best.share) best = { delimiter, cells, share };
  }
  if (best !== null) return best;
  const shown = delimiters
    .map((delimiter) => lines.map((line) => splitLine(line, delimiter).length))
    .sort((a, b) => b[1] - a[1])[0];
  const odd = shown.findIndex((n, i) => i > 1 && n !== shown[1]);
  throw new CellhueError("the lines of the table have different numbers of cells", {
    where: path,
    found:
      odd > 0
        ? `${shown[1]} in the second line of the table, ${shown[odd]} in line ${odd + 1}`
        : `${shown[0]} in the first line, ${shown[1] ?? 0} in the second`,
    expected: "as many in every line, by tab, semicolon, comma or blanks",
    remedy: "check that the file is complete, and quote names that hold the delimiter",
  });
}

/** "," where numbers are written with a comma; refused where it could as well part thousands. */
function decimalPoint(rows: readonly string[][], delimiter: Delimiter, path: string): "." | "," {
  if (delimiter === ",") return ".";
  const cells = rows.flatMap((row) => row.slice(1));
  const withComma = cells.filter((cell) => /^\s*[+-]?\d*,\d+(e[+-]?\d+)?\s*$/i.test(cell));
  if (withComma.length === 0) return ".";
  const withPoint = cells.some((cell) => /^\s*[+-]?\d*\.\d+/.test(cell));
  const isThousands = withComma.every((cell) => /^\s*[+-]?[1-9]\d{0,2},\d{3}\s*$/.test(cell));
  if (!withPoint && !isThousands) return ",";
  throw new CellhueError("numbers with a comma could mean two things", {
    where: path,
    found: `${visible(withComma[0], 30)}${withPoint ? ", and numbers with a point" : ""}`,
    expected: "a decimal point, and nothing between thousands",
    remedy: "save the table with decimal points and without separators of thousands",
  });
}
