import { describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { csvPieces, csvText, parseCsv } from "../../src/io/csv.js";
import { RandomState } from "../../src/random.js";

describe("csvText", () => {
  it("ends each line with CRLF and leaves null empty", () => {
    expect(
      csvText(
        ["sample", "p"],
        [
          ["a", 0.25],
          [null, null],
        ],
      ),
    ).toBe("sample,p\r\na,0.25\r\n,\r\n");
  });

  it("writes a header alone, and rows from any iterable", () => {
    expect(csvText(["a"], [])).toBe("a\r\n");
    expect(csvText(["a"], new Set([["x"], ["y"]]))).toBe("a\r\nx\r\ny\r\n");
  });

  it("quotes commas, quotes, line ends and outer spaces, as Python's csv reads them", () => {
    expect(csvText(["a", "b", "c", "d"], [["x,y", 'say "hi"', "two\nlines", " pad "]])).toBe(
      'a,b,c,d\r\n"x,y","say ""hi""","two\nlines"," pad "\r\n',
    );
  });

  it("writes numbers in the shortest form that reads back", () => {
    const numbers = [0.1 + 0.2, 1e-7, 1e21, -0, 5e-324, 2 ** 53, -1.5, Math.fround(0.1)];
    const [, row] = parseCsv(csvText(numbers.map(String), [numbers]));
    expect(row).toEqual([
      "0.30000000000000004",
      "1e-7",
      "1e+21",
      "-0",
      "5e-324",
      "9007199254740992",
      "-1.5",
      "0.10000000149011612",
    ]);
    row.forEach((text, i) => {
      expect(Number(text)).toBe(numbers[i]);
    });
  });

  it("refuses a row that does not fit the header", () => {
    expect(() => csvText(["a", "b"], [["x", 1], ["y"]])).toThrow(/row 2 has 1 cells/);
  });

  it.each([
    "=1+1",
    "=HYPERLINK('http://x')",
    "+CMD|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\tx",
    "\r=1",
    " =1+1",
    "＝1+1",
    "-ve",
    "'=1+1",
    "''=1",
    '=1,"2"',
  ])("disarms the formula %j with an apostrophe and reads it back", (text) => {
    const written = csvText([text], [[text]]);
    for (const cell of written.trimEnd().split(/\r\n(?=["']|$)/)) expect(cell).toMatch(/^"?'/);
    expect(parseCsv(written)).toEqual([[text], [text]]);
  });

  it.each([
    "-",
    "+",
    "+/-",
    "--",
    "=",
    "-5",
    "+1.5e-3",
    "-.5",
    "CD4+",
    "a=b",
    "'",
    "'x",
    "x-1",
    "5'-UTR",
    "−1",
  ])("leaves %j, which no spreadsheet can run, as it is", (text) => {
    expect(csvText(["h"], [[text]])).toBe(`h\r\n${text}\r\n`);
    expect(parseCsv(`h\r\n${text}\r\n`)).toEqual([["h"], [text]]);
  });

  it("never takes a negative number for a formula", () => {
    expect(csvText(["x"], [[-0.5], [-1e-9], [Number.NEGATIVE_INFINITY]])).toBe(
      "x\r\n-0.5\r\n-1e-9\r\n-Infinity\r\n",
    );
  });
});

describe("parseCsv", () => {
  it("reads CRLF, LF, a mark of byte order, and a last line with and without an end", () => {
    const rows = [
      ["a", "b"],
      ["1", "2"],
    ];
    for (const text of ["a,b\r\n1,2\r\n", "a,b\n1,2\n", "a,b\n1,2", "\uFEFFa,b\n1,2", '"a",b\n1,"2"'])
      expect(parseCsv(text)).toEqual(rows);
  });

  it("keeps empty cells, also at the end of the text", () => {
    expect(parseCsv(",a,\n,,\n,")).toEqual([
      ["", "a", ""],
      ["", "", ""],
      ["", ""],
    ]);
  });

  it("skips blank lines, but not a quoted empty cell", () => {
    expect(parseCsv("")).toEqual([]);
    expect(parseCsv("\n\r\n")).toEqual([]);
    expect(parseCsv('a\n\n""\nb\n\n')).toEqual([["a"], [""], ["b"]]);
  });

  it("reads quotes, commas and line ends inside of quotes", () => {
    expect(parseCsv('"a ""b"" c","x,y","1\r\n2"\n"""",5" tall,"""x"')).toEqual([
      ['a "b" c', "x,y", "1\r\n2"],
      ['"', '5" tall', '"x'],
    ]);
  });

  it.each([
    ["a quote that is never closed", 'a,b\n1,"2\n3', /line 2/],
    ["a doubled quote at the end", '"a""', /line 1/],
    ["text after a closing quote", 'a\n"b"c\n', /line 2/],
    ["CR alone after a closing quote", '"b"\rc', /line 1/],
  ])("refuses %s and names the line", (_name, text, where) => {
    expect(() => parseCsv(text)).toThrow(CellhueError);
    try {
      parseCsv(text);
    } catch (error) {
      expect((error as CellhueError).describe()).toMatch(where);
    }
  });

  it("reads back whatever csvText writes, 2,000 random tables", () => {
    const random = new RandomState(5);
    const pieces = [
      "",
      "a",
      "é",
      "💡",
      ",",
      '"',
      "\n",
      "\r",
      "\r\n",
      "'",
      "=",
      "+",
      "-",
      "@",
      "\t",
      " ",
      "1",
      "\uFEFF",
      "/",
    ];
    const text = () =>
      Array.from({ length: random.interval(5) }, () => pieces[random.interval(pieces.length - 1)]).join("");
    for (let i = 0; i < 2000; i++) {
      const cols = 1 + random.interval(3);
      const table = Array.from({ length: 1 + random.interval(3) }, () => Array.from({ length: cols }, text));
      expect(parseCsv(csvText(table[0], table.slice(1)))).toEqual(table);
    }
  });
});

describe("csvPieces", () => {
  for (const rows of [0, 1, 4095, 4096, 4097, 9001])
    it(`makes the same text of ${rows} rows, some thousands at a time`, async () => {
      const row = (i: number) => [`=s${i}`, i / 7, null];
      const pieces: Uint8Array[] = [];
      await csvPieces(
        ["sample", "p", "none"],
        rows,
        row,
      )(async (piece) => {
        pieces.push(piece);
      });
      expect(pieces.length).toBe(1 + Math.ceil(rows / 4096));
      const whole = csvText(
        ["sample", "p", "none"],
        Array.from({ length: rows }, (_, i) => row(i)),
      );
      expect(Buffer.concat(pieces).toString()).toBe(whole);
    });
});
