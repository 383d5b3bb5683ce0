/** Columns added to obs, read back by our own reader; anndata is asked by test/oracles/predict_obs.py. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CellhueError, InterruptedError } from "../../src/errors.js";
import { withBooleanType } from "../../src/io/h5ad/boolean-type.js";
import { lookup3 } from "../../src/io/h5ad/lookup3.js";
import { checkObsColumns, type ObsColumn, writeObsColumns } from "../../src/io/h5ad/write-obs.js";
import { Hdf5File } from "../../src/io/hdf5/file.js";
import { openExpression } from "../../src/io/reader.js";
import type { HeldMatrix } from "../../src/matrix.js";
import type { Column } from "../../src/table.js";
import { temporary } from "../cli/cellhue.js";
import { canMount, mountTiny, unmount } from "../tiny-disk.js";

let folder = "";
let remove = () => {};
beforeEach(() => {
  ({ path: folder, remove } = temporary());
});
afterEach(() => remove());

const range = <T>(n: number, f: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => f(i));
const columnsOf = (n: number, categories: string[], shift = 0): ObsColumn[] => [
  {
    name: "cellhue_predicted",
    kind: "categorical",
    categories,
    codes: Int32Array.from(range(n, (i) => ((i + shift) % (categories.length + 1)) - 1)),
  },
  { name: "cellhue_confidence", kind: "number", values: Float32Array.from(range(n, (i) => (i + shift) / 7)) },
  { name: "cellhue_distance", kind: "number", values: Float64Array.from(range(n, (i) => (i + shift) / 7)) },
  { name: "cellhue_outlier", kind: "boolean", values: Uint8Array.from(range(n, (i) => (i + shift) % 2)) },
  {
    name: "cellhue_label_set",
    kind: "string",
    values: range(n, (i) => ["", "é", "é😀", "a\nb"][(i + shift) % 4]),
  },
];
const asRead = (column: ObsColumn): Column => {
  if (column.kind === "categorical")
    return {
      kind: "categorical",
      categories: column.categories,
      codes: column.codes,
      ordered: false,
    };
  if (column.kind === "number")
    return { kind: "number", values: Float64Array.from(column.values), integer: false };
  if (column.kind === "boolean") return { kind: "boolean", values: Int8Array.from(column.values) };
  return column.kind === "string" ? { kind: "string", values: column.values } : column;
};

/** A long array compared element by element takes vitest a minute. */
const digest = (m: HeldMatrix) =>
  (m.kind === "dense" ? [m.data] : [m.indptr, m.indices, m.values]).map((a) =>
    createHash("sha256")
      .update(new Uint8Array(a.buffer, a.byteOffset, a.byteLength))
      .digest("hex"),
  );

async function contents(path: string): Promise<{ columns: Map<string, Column>; rest: unknown }> {
  const reader = await openExpression(path);
  try {
    const { columns, index } = reader.obs();
    return {
      columns: new Map(columns),
      rest: {
        index,
        genes: reader.var(),
        layers: reader.layers,
        raw: reader.hasRaw,
        x: reader.x,
        entries: digest(reader.readMatrix()),
      },
    };
  } finally {
    reader.close();
  }
}

async function expectAdded(source: string, target: string, added: ObsColumn[]): Promise<void> {
  const [before, after] = [await contents(source), await contents(target)];
  const kept = [...before.columns].filter(([name]) => !name.startsWith("cellhue_"));
  expect([...after.columns.keys()]).toEqual([...kept.map(([name]) => name), ...added.map((c) => c.name)]);
  for (const [name, column] of kept) expect(after.columns.get(name), name).toEqual(column);
  for (const column of added) expect(after.columns.get(column.name), column.name).toEqual(asRead(column));
  expect(after.rest).toEqual(before.rest);
}

const refusal = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(CellhueError);
  return (error as CellhueError).describe();
};

describe("writeObsColumns", () => {
  it.each([
    ["today's, dense", "test/fixtures/cli.h5ad", 36],
    ["today's, sparse", "test/fixtures/h5ad/small.h5ad", 40],
    ["every kind of column", "test/fixtures/h5ad/columns.h5ad", 12],
    ["anndata 0.7's, with __categories", "assets/demo/infercnvpy_oligodendroglioma.h5ad", 184],
    ["HDF5's newest layout behind a user block", "test/fixtures/predict/latest.h5ad", 5],
    ["no samples", "test/fixtures/h5ad/dense_0x4.h5ad", 0],
    ["one sample", "test/fixtures/h5ad/csr_1x4.h5ad", 1],
  ])("%s: adds columns, and replaces them the next time", async (_, source, n) => {
    const bytes = readFileSync(source);
    const [first, second] = [join(folder, "first.h5ad"), join(folder, "second.h5ad")];
    const columns = columnsOf(n, ["x", "y/z"]);
    await writeObsColumns(source, first, columns);
    await expectAdded(source, first, columns);
    const fewer = columnsOf(n, ["ü", "x", "😀", ""], 5).slice(0, 4);
    await writeObsColumns(first, second, fewer);
    await expectAdded(source, second, fewer);
    // the first prediction's file may be written again
    await writeObsColumns(source, first, fewer);
    await expectAdded(source, first, fewer);
    expect(readFileSync(source).equals(bytes)).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(["first.h5ad", "second.h5ad"]);
  });

  it.each([127, 128, 32767, 32768])("takes the smallest codes that %i categories need", async (k) => {
    const target = join(folder, "out.h5ad");
    const categories = range(k, String);
    const codes = Int32Array.of(0, k - 1, -1, 1, k - 2);
    await writeObsColumns("test/fixtures/predict/latest.h5ad", target, [
      { name: "cellhue_predicted", kind: "categorical", categories, codes },
    ]);
    const file = await Hdf5File.open(target);
    expect(file.metadata("obs/cellhue_predicted/codes").size).toBe(k <= 127 ? 1 : k <= 32767 ? 2 : 4);
    file.close();
    const { columns } = await contents(target);
    expect(columns.get("cellhue_predicted")).toEqual({
      kind: "categorical",
      categories,
      codes,
      ordered: false,
    });
  });

  it("refuses obs of anndata < 0.7, and what is no .h5ad, before it copies", async () => {
    const target = join(folder, "out.h5ad");
    for (const work of [
      checkObsColumns,
      (a: string, b: string) => writeObsColumns(a, b, columnsOf(6, ["a"])),
    ]) {
      expect(await refusal(work("test/fixtures/h5ad/records.h5ad", target))).toMatch(
        /columns cannot be added[\s\S]*before 0\.7[\s\S]*write_h5ad/,
      );
      expect(await refusal(work("package.json", target))).toMatch(/not an expression file/);
      expect(await refusal(work("nowhere.h5ad", target))).toMatch(/no such file/);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it("refuses the input as output, by any name, and a file that is no prediction", async () => {
    const source = join(folder, "in.h5ad");
    copyFileSync("test/fixtures/cli.h5ad", source);
    symlinkSync(source, join(folder, "link.h5ad"));
    linkSync(source, join(folder, "hard.h5ad"));
    for (const name of ["in.h5ad", "./in.h5ad", "link.h5ad", "hard.h5ad"])
      expect(await refusal(writeObsColumns(source, join(folder, name), columnsOf(36, ["a"])))).toMatch(
        /the one that is read/,
      );
    copyFileSync("test/fixtures/h5ad/small.h5ad", join(folder, "atlas.h5ad"));
    writeFileSync(join(folder, "thesis.doc"), "text");
    for (const name of ["atlas.h5ad", "thesis.doc"])
      expect(await refusal(writeObsColumns(source, join(folder, name), columnsOf(36, ["a"])))).toMatch(
        /no prediction of cellhue/,
      );
    expect(readFileSync(join(folder, "thesis.doc"), "utf8")).toBe("text");
  });

  it("refuses to write over a column that does not fit, and leaves nothing", async () => {
    const [first, second] = [join(folder, "first.h5ad"), join(folder, "second.h5ad")];
    const [categorical, number, , boolean, text] = columnsOf(36, ["a"]);
    await writeObsColumns("test/fixtures/cli.h5ad", first, [categorical, number, boolean, text]);
    const other = (column: ObsColumn, as: ObsColumn) => ({ ...as, name: column.name });
    for (const column of [
      other(categorical, number),
      other(number, boolean),
      other(boolean, text),
      other(text, categorical),
      other(number, categorical),
      // codes of int8 cannot hold them
      { ...categorical, categories: range(128, String) } as ObsColumn,
    ])
      expect(await refusal(writeObsColumns(first, second, [column]))).toMatch(
        new RegExp(
          `'${column.name}' that cannot be written over[\\s\\S]*first\\.h5ad[\\s\\S]*del adata\\.obs`,
        ),
      );
    expect(readdirSync(folder)).toEqual(["first.h5ad"]);
  });

  it("refuses other names and lengths as misuse", async () => {
    const target = join(folder, "out.h5ad");
    const [column] = columnsOf(35, ["a"]);
    for (const bad of [column, { ...column, name: "type" }, { ...column, name: "cellhue_a/b" }])
      await expect(writeObsColumns("test/fixtures/cli.h5ad", target, [bad])).rejects.toThrow(RangeError);
    await expect(writeObsColumns("test/fixtures/cli.h5ad", target, [])).rejects.toThrow(RangeError);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("takes a read-only input, and stops when asked to", async () => {
    const source = join(folder, "in.h5ad");
    copyFileSync("test/fixtures/cli.h5ad", source);
    chmodSync(source, 0o444);
    const target = join(folder, "out.h5ad");
    await expect(
      writeObsColumns(source, target, columnsOf(36, ["a"]), AbortSignal.abort()),
    ).rejects.toBeInstanceOf(InterruptedError);
    expect(existsSync(target)).toBe(false);
    await writeObsColumns(source, target, columnsOf(36, ["a"]));
    expect(statSync(target).mode & 0o777).toBe(0o644);
    expect(readdirSync(folder).sort()).toEqual(["in.h5ad", "out.h5ad"]);
  });

  it("makes the folder of the target", async () => {
    const target = join(folder, "deep", "er", "out.h5ad");
    await writeObsColumns("test/fixtures/cli.h5ad", target, columnsOf(36, ["a"]));
    expect(readdirSync(join(folder, "deep", "er"))).toEqual(["out.h5ad"]);
  });

  it("says where a file is cut short", async () => {
    const source = join(folder, "cut.h5ad");
    copyFileSync("test/fixtures/cli.h5ad", source);
    truncateSync(source, 20_000);
    expect(await refusal(writeObsColumns(source, join(folder, "out.h5ad"), columnsOf(36, ["a"])))).toMatch(
      /truncated/,
    );
  });

  it.skipIf(!canMount).each([32, 64, 96])(
    "says where a disk of %i kB is full, and leaves nothing",
    async (kB) => {
      const small = join(folder, "small");
      mkdirSync(small);
      mountTiny(small, kB);
      try {
        // the copy does not fit, or the columns do not
        const many = range(40, (k) => ({
          ...columnsOf(36, ["a"])[2],
          name: `cellhue_${k}_${"x".repeat(900)}`,
        }));
        const text = await refusal(writeObsColumns("test/fixtures/cli.h5ad", join(small, "out.h5ad"), many));
        expect(text).toMatch(/cannot write out\.h5ad: the disk is full[\s\S]*--write/);
        expect(readdirSync(small)).toEqual([]);
      } finally {
        unmount(small);
      }
    },
  );
});

describe("withBooleanType", () => {
  const { message } = JSON.parse(readFileSync("test/fixtures/predict/boolean_type.json", "utf8")) as {
    message: number[];
  };
  const int8 = [0x10, 0x08, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0];

  /** A header of version 2 out of messages; `flags` as HDF5 writes them where attributes are tracked, without times. */
  function header(messages: [type: number, body: number[]][], flags = 0x04): Uint8Array {
    const tracked = (flags & 4) !== 0;
    const body = messages.flatMap(([type, data]) => [
      type,
      data.length,
      0,
      0,
      ...(tracked ? [7, 0] : []),
      ...data,
    ]);
    const bytes = new Uint8Array([0x4f, 0x48, 0x44, 0x52, 2, flags, body.length, ...body, 0, 0, 0, 0]);
    new DataView(bytes.buffer).setUint32(bytes.length - 4, lookup3(bytes.subarray(0, -4)), true);
    return bytes;
  }
  const nil = (n: number): [number, number[]] => [0, range(n, () => 0)];

  it("puts h5py's type in place of int8, takes its space from the empty message and keeps all else", () => {
    for (const flags of [0x04, 0])
      for (const space of [26, 40]) {
        const before = header([[1, [9, 8, 7]], [3, int8], [5, [1, 2]], nil(space), [8, [4, 4, 4]]], flags);
        const after = header(
          [[1, [9, 8, 7]], [3, message], [5, [1, 2]], nil(space - 26), [8, [4, 4, 4]]],
          flags,
        );
        expect(withBooleanType(before)).toEqual(after);
        // what follows in the file is not the header's
        expect(withBooleanType(new Uint8Array([...before, 1, 2, 3]))).toEqual(after);
      }
  });

  it("refuses any other header", () => {
    const fine = header([[3, int8], nil(40)]);
    const changed = (at: number, value: number) => fine.map((b, i) => (i === at ? value : b));
    expect(() => withBooleanType(new Uint8Array(0))).toThrow(/version 2/);
    expect(() => withBooleanType(changed(0, 0))).toThrow(/version 2/);
    expect(() => withBooleanType(changed(4, 1))).toThrow(/version 2/);
    expect(() => withBooleanType(changed(9, 1))).toThrow(/checksum/);
    expect(() => withBooleanType(fine.subarray(0, -1))).toThrow(/size/);
    expect(() => withBooleanType(header([[3, int8], nil(25)]))).toThrow(/no space/);
    expect(() => withBooleanType(header([[3, message], nil(40)]))).toThrow(/int8/);
    expect(() => withBooleanType(header([[3, int8.with(1, 0)], nil(40)]))).toThrow(/int8/);
    expect(() => withBooleanType(header([nil(40)]))).toThrow(/int8/);
  });
});

describe("lookup3", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  it("gives the values of the reference (driver5 of lookup3.c)", () => {
    expect(lookup3(bytes(""))).toBe(0xdeadbeef);
    expect(lookup3(bytes("Four score and seven years ago"))).toBe(0x17770551);
  });

  it("gives the checksums that the HDF5 library has written", () => {
    // superblock of version 3: 44 bytes, then their checksum
    const file = readFileSync("test/fixtures/predict/latest.h5ad").subarray(1024);
    expect(file[8]).toBe(3);
    expect(lookup3(file.subarray(0, 44))).toBe(file.readUInt32LE(44));
  });

  it.each(range(26, (n) => n))("depends on each of %i bytes and on their number", (n) => {
    const zeros = new Uint8Array(n);
    const sums = new Set([lookup3(zeros), lookup3(new Uint8Array(n + 1))]);
    for (let i = 0; i < n; i++) sums.add(lookup3(zeros.with(i, 200)));
    expect(sums.size).toBe(n + 2);
  });
});
