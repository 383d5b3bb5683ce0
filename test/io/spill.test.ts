/** A matrix that is written by rows first: the same, to the bit, as the held one, whatever the order of its entries. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { CellhueError, InterruptedError } from "../../src/errors.js";
import { matrixWithin, type OpenOptions, openExpression } from "../../src/io/reader.js";
import { blockRowsOf, columnsToRows, sortRows } from "../../src/io/sparse.js";
import { type Piece, type SpillSizes, spill } from "../../src/io/spill.js";
import { type CsrMatrix, type HeldMatrix, type Matrix, selectRows } from "../../src/matrix.js";
import { RandomState } from "../../src/random.js";
import { temporary } from "../cli/cellhue.js";
import { canMount, mountTiny, unmount } from "../tiny-disk.js";
import { refusal } from "./frozen.js";

const { path: folder, remove } = temporary();
afterAll(remove);
const usual = process.env.TMPDIR;
afterEach(() => {
  if (usual === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = usual;
});

const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString("hex");
/** All that a matrix is, to the bit. */
const bits = (m: HeldMatrix) =>
  m.kind === "dense"
    ? { ...m, data: bytes(m.data) }
    : { ...m, indptr: bytes(m.indptr), indices: bytes(m.indices), values: bytes(m.values) };

/** Blocks of every size are those of the held matrix. */
function expectSame(m: Matrix, held: HeldMatrix): void {
  if (m.kind !== "stored") throw new Error("the matrix is held");
  expect([m.rows, m.cols]).toEqual([held.rows, held.cols]);
  for (const height of [1, 3, Math.max(1, m.rows)])
    for (let first = 0; first === 0 || first < m.rows; first += height) {
      const count = Math.min(height, m.rows - first);
      const rows = Int32Array.from({ length: count }, (_, i) => first + i);
      expect(bits(m.read(first, count))).toEqual(bits(selectRows(held, rows)));
    }
}

type Triplets = [row: number, col: number, value: number][];
const entries = (triplets: Triplets): Extract<Piece, { kind: "entries" }> => ({
  kind: "entries",
  rows: Int32Array.from(triplets, ([row]) => row),
  cols: Int32Array.from(triplets, ([, col]) => col),
  values: Float32Array.from(triplets, ([, , value]) => value),
});

/** As the readers of held matrices do it. */
function held(rows: number, cols: number, triplets: Triplets): CsrMatrix {
  const byColumn = triplets.map((t, k) => [...t, k] as const).sort((a, b) => a[1] - b[1] || a[3] - b[3]);
  const indptr = new Float64Array(cols + 1);
  for (const [, col] of byColumn) indptr[col + 1]++;
  for (let j = 0; j < cols; j++) indptr[j + 1] += indptr[j];
  const indices = Int32Array.from(byColumn, ([row]) => row);
  const values = Float32Array.from(byColumn, ([, , value]) => value);
  return sortRows(columnsToRows({ rows, cols, indptr, indices, values }));
}

async function spilled(rows: number, cols: number, pieces: Piece[], sizes?: SpillSizes, claimed?: number) {
  const sparse = pieces[0]?.kind !== "dense";
  const found = pieces.reduce((sum, p) => sum + (p.kind === "entries" ? p.rows.length : 0), 0);
  return spill(
    pieces,
    { what: "X", rows, cols, entries: sparse ? (claimed ?? found) : null, limit: 0 },
    sizes,
  );
}

describe("entries in any order", () => {
  const random = new RandomState(3);
  const draw = (n: number) => Math.floor(n * random.random());
  const some = (count: number, row: () => number, col: () => number): Triplets =>
    Array.from({ length: count }, () => [row(), col(), draw(100) / 7 - 5]);
  const cases: [name: string, rows: number, cols: number, Triplets][] = [
    [
      "a few, many of one place",
      9,
      5,
      some(
        80,
        () => draw(9),
        () => draw(5),
      ),
    ],
    [
      "nearly all in two rows",
      50,
      40,
      some(
        300,
        () => (draw(10) === 0 ? draw(50) : draw(2)),
        () => draw(40),
      ),
    ],
    [
      "all of one place",
      6,
      3,
      some(
        200,
        () => 4,
        () => 1,
      ),
    ],
    [
      "empty rows first and last",
      30,
      8,
      some(
        60,
        () => 10 + draw(8),
        () => draw(8),
      ),
    ],
    ["none", 7, 3, []],
    ["no rows", 0, 3, []],
    ["no columns", 4, 0, []],
    [
      "one row",
      1,
      20,
      some(
        70,
        () => 0,
        () => draw(20),
      ),
    ],
    [
      "zeros of either sign, infinite and missing ones",
      3,
      4,
      [
        [1, 2, -0],
        [1, 2, -0],
        [0, 1, -0],
        [2, 3, Infinity],
        [2, 3, -Infinity],
        [2, 0, Number.NaN],
        [1, 0, 1e30],
        [1, 0, -1e30],
        [1, 0, 1],
      ],
    ],
  ];
  for (const [name, rows, cols, triplets] of cases)
    it(name, async () => {
      const orders: Triplets[] = [
        triplets,
        [...triplets].sort((a, b) => a[0] - b[0]),
        [...triplets].sort((a, b) => a[1] - b[1]),
      ];
      for (const order of orders)
        for (const sizes of [undefined, { bucket: 5, most: 12 }, { bucket: 1, most: 1 }])
          for (const claimed of [order.length, 1, 1000 * order.length]) {
            const pieces = [order.slice(0, 7), order.slice(7)].map(entries);
            const { matrix, close } = await spilled(rows, cols, pieces, sizes, claimed);
            expectSame(matrix, held(rows, cols, order));
            close();
          }
    });

  it("blocks of rows become lower where entries lie unevenly", () => {
    const even = Float64Array.from({ length: 1001 }, (_, i) => i * 50_000);
    const uneven = even.map((_, i) => (i < 900 ? i : 900 + (i - 900) * 499_000));
    expect(blockRowsOf(even)).toBe(167); // 64 MB
    expect(blockRowsOf(uneven)).toBeLessThan(34); // 128 MB of the heavy rows
    expect(blockRowsOf(Float64Array.of(0))).toBe(1);
    expect(blockRowsOf(Float64Array.of(0, 0, 0))).toBe(2);
    expect(blockRowsOf(Float64Array.of(0, 1e9))).toBe(1);
  });
});

it("rectangles of a dense matrix in any order", async () => {
  const [rows, cols] = [11, 7];
  const data = Float32Array.from({ length: rows * cols }, (_, p) => (p % 5 === 0 ? Number.NaN : p / 3));
  const cut = (row: number, col: number, height: number, width: number): Piece => ({
    ...{ kind: "dense", row, col, rows: height, cols: width },
    data: Float32Array.from(
      { length: height * width },
      (_, p) => data[(row + Math.floor(p / width)) * cols + col + (p % width)],
    ),
  });
  for (const pieces of [
    [cut(0, 0, 11, 7)],
    [cut(4, 0, 7, 7), cut(0, 0, 4, 7)],
    [cut(0, 5, 11, 2), cut(0, 0, 11, 5)],
    [cut(0, 0, 6, 3), cut(6, 0, 5, 3), cut(6, 3, 5, 4), cut(0, 3, 6, 4)],
  ]) {
    const { matrix, close } = await spilled(rows, cols, pieces);
    expectSame(matrix, { kind: "dense", rows, cols, data });
    close();
    expect(() => matrix.read(0, 1)).toThrow(/closed/);
  }
  await expect(spilled(rows, cols, [cut(0, 0, 10, 7)])).rejects.toThrow(RangeError);
});

const zarrs = ["whole_v2", "whole_v3", "chunks_v2", "chunks_v3", "types_v2", "empty_v2_0x4", "empty_v3_3x0"];
const files: [path: string, options?: OpenOptions][] = [
  ["test/fixtures/formats/mtx_v2"],
  ["test/fixtures/formats/mtx_v3"],
  ["test/fixtures/formats/small.loom"],
  ["test/fixtures/formats/unnamed.loom"],
  ["test/fixtures/formats/genes_rows.csv"],
  ["test/fixtures/formats/samples_rows.tsv"],
  ["test/fixtures/formats/annotated.csv"],
  ["test/fixtures/formats/blanks_r.txt"],
  ["test/fixtures/formats/series_matrix.txt"],
  ["test/fixtures/formats/utf16.txt.gz"],
  ...zarrs.map((name): [string] => [`test/fixtures/zarr/${name}.zarr.zip`]),
];

describe("every format that is not read by rows is the same as held", () => {
  const layersOf = async (path: string, options: OpenOptions = {}) => {
    const reader = await openExpression(path, { ...options, requireX: false });
    const { layers, x } = reader;
    reader.close();
    return [...(x.storage === "none" ? [] : [undefined]), ...layers];
  };
  const compare = async (path: string, options: OpenOptions): Promise<string> => {
    const whole = await openExpression(path, options);
    const expected = whole.readMatrix();
    const said = [whole.obs(), whole.var(), whole.x, whole.notes];
    whole.close();
    // a limit below zero, as a matrix without entries is within any other
    const reader = await openExpression(path, { ...options, limit: -1 });
    expect([reader.obs(), reader.var(), reader.x, reader.notes]).toEqual(said);
    const stored = reader.storedMatrix?.(-1) ?? null;
    const { matrix, close } = await matrixWithin(reader, -1);
    expectSame(matrix, expected);
    close();
    return stored === null ? "spilled" : "by rows";
  };
  for (const [path, options] of files)
    it(path, async () => {
      for (const layer of await layersOf(path, options))
        expect(await compare(path, { ...options, layer })).toBe("spilled");
    });
  it("CSC in HDF5", async () => {
    const how = [];
    for (const path of ["test/fixtures/h5ad/sparse.h5ad", "test/fixtures/h5ad/chunks.h5ad"])
      for (const layer of await layersOf(path)) how.push(await compare(path, { layer }));
    expect(new Set(how)).toEqual(new Set(["spilled", "by rows"]));
  });
  it("a matrix that was left unread says so", async () => {
    for (const path of ["test/fixtures/formats/mtx_v3", "test/fixtures/formats/genes_rows.csv"]) {
      const reader = await openExpression(path, { limit: 10 });
      expect(() => reader.readMatrix()).toThrow(/left unread/);
      reader.close();
    }
  });
});

describe("the temporary folder", () => {
  const path = "test/fixtures/formats/genes_rows.csv";
  const open = async (progress?: OpenOptions["progress"], signal?: AbortSignal) => {
    const reader = await openExpression(path, { limit: 10 });
    try {
      return await matrixWithin(reader, 10, { progress, signal });
    } catch (error) {
      reader.close();
      throw error;
    }
  };

  it("holds nothing while the matrix is read, nor afterwards", async () => {
    const place = join(folder, "empty");
    mkdirSync(place);
    process.env.TMPDIR = place;
    const { matrix, close } = await open();
    expect(readdirSync(place)).toEqual([]); // a kill now leaves nothing
    expect(matrix.kind).toBe("stored");
    close();
    close();
    expect(readdirSync(place)).toEqual([]);
  });
  it("that is not there, or is a file, is named with TMPDIR", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    for (const place of [join(folder, "nowhere"), file]) {
      process.env.TMPDIR = place;
      const error = await refusal(open);
      expect(error.describe()).toContain(place);
      expect(error.describe()).toMatch(/temporary folder[\s\S]*TMPDIR=[\s\S]*--memory/);
    }
  });
  it.skipIf(!canMount)("that is full is told of before, and in the middle", async () => {
    const place = join(folder, "full");
    mkdirSync(place);
    mountTiny(place, 64);
    try {
      process.env.TMPDIR = place;
      const many = Array.from(
        { length: 20 },
        (_, k): Piece => entries(Array.from({ length: 1000 }, (_, i) => [i, k, 1])),
      );
      for (const claimed of [20_000, 10]) {
        const error = (await spilled(1000, 20, many, { bucket: 500, most: 1000 }, claimed).catch(
          (e: unknown) => e,
        )) as CellhueError;
        expect(error).toBeInstanceOf(CellhueError);
        expect(error.describe()).toMatch(/full[\s\S]*ENOSPC, [\d.e-]+ GB free[\s\S]*TMPDIR=/);
        expect(error.message).toMatch(claimed === 10 ? /its disk is full/ : /not enough room/);
      }
      expect(readdirSync(place)).toEqual([]);
    } finally {
      unmount(place);
    }
  });
  it("is told of, and an abort ends it", async () => {
    const notes: string[] = [];
    const done: number[] = [];
    let total = 0;
    const progress = {
      task: (_: string, n: number) => {
        total = n;
        return {
          update: (k: number) => void done.push(k),
          end: (text?: string) => void notes.push(text ?? ""),
        };
      },
      note: (line: string) => void notes.push(line),
      warn() {},
    };
    (await open(progress)).close();
    expect(done.at(-1)).toBe(total);
    expect(notes[0]).toMatch(/more than the .* of --memory: it is written by rows to a temporary file/);
    expect(notes[1]).toMatch(/GB in \//);
    await expect(open(undefined, AbortSignal.abort())).rejects.toThrow(InterruptedError);
  });
});

it.skipIf(!existsSync("/proc/self/fd"))("closing gives the space back", async () => {
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  const { close } = await spilled(3, 3, [entries([[0, 0, 1]])]);
  expect(open()).toBe(before + 1);
  close();
  expect(open()).toBe(before);
  const failing = (async function* (): AsyncGenerator<Piece> {
    yield entries([[0, 0, 1]]);
    throw new Error("the file is damaged");
  })();
  await expect(spill(failing, { what: "X", rows: 3, cols: 3, entries: 4, limit: 0 })).rejects.toThrow(
    "damaged",
  );
  expect(open()).toBe(before);
});

it("a table of text that changes while it is read is refused", async () => {
  const path = join(folder, "changing.csv");
  const text = readFileSync("test/fixtures/formats/samples_rows.tsv", "utf8");
  writeFileSync(path, text);
  const reader = await openExpression(path, { limit: 10 });
  writeFileSync(path, text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1));
  const error = await refusal(() => matrixWithin(reader, 10));
  expect(error.message).toMatch(/has changed while it was read/);
  reader.close();
  rmSync(path);
});
