import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseRds } from "../../src/io/rds/parse.js";
import { openExpression } from "../../src/io/reader.js";
import { expectFile, type Frozen, refusal, using } from "./frozen.js";

const frozen = JSON.parse(readFileSync("test/fixtures/rds.json", "utf8")) as {
  files: Record<string, Frozen>;
};
const fixture = (name: string) => `test/fixtures/rds/${name}.rds`;

describe("an .rds of R equals what rdata reads, entry for entry", () => {
  for (const [path, expected] of Object.entries(frozen.files)) {
    it(path, () => expectFile(path, expected));
  }
});

describe("an .rds", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "cellhue-rds-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const put = (data: Uint8Array) => {
    const path = join(folder, "x.rds");
    writeFileSync(path, data);
    return path;
  };

  it("may lie the other way, and be uncompressed", async () => {
    const path = put(gunzipSync(readFileSync(fixture("matrix_with_dim_names"))));
    const wide = await using(path, { orientation: "samples-in-rows" }, (r) => ({
      m: r.readMatrix(),
      samples: [...r.obs().index],
    }));
    const tall = await using(path, {}, (r) => {
      expect(r.notes?.[0]).toMatch(/^genes in rows: a guess, as there are more rows/);
      return r.readMatrix();
    });
    expect([wide.m.rows, wide.m.cols, wide.samples[99]]).toEqual([100, 10, "row_100"]);
    if (wide.m.kind !== "csr" || tall.kind !== "csr") throw new Error("not sparse");
    const at = (m: typeof tall, i: number, j: number) => {
      for (let k = m.indptr[i]; k < m.indptr[i + 1]; k++) if (m.indices[k] === j) return m.values[k];
      return 0;
    };
    for (let i = 0; i < 100; i++) for (let j = 0; j < 10; j++) expect(at(wide.m, i, j)).toBe(at(tall, j, i));
  });
  it("of another kind is refused, with what R makes of it", async () => {
    const e = await refusal(() => openExpression(fixture("s4_matrix_dgt")));
    expect(e.parts.found).toBe("a matrix of class dgTMatrix");
    expect([e.parts.remedy].flat().join()).toContain("CsparseMatrix");
    expect((await refusal(() => openExpression(fixture("sumexpt"), { layer: "x" }))).message).toContain(
      "no layer",
    );
  });
  it("that is cut short or changed is refused, and the next one is read", async () => {
    const whole = gunzipSync(readFileSync(fixture("sumexpt")));
    for (const size of [14, 40, 200, whole.length >> 1]) {
      expect((await refusal(() => openExpression(put(whole.subarray(0, size))))).message).toContain(".rds");
    }
    await using(put(whole), {}, (reader) => expect(reader.genes).toBe(200));
  });
  it("that unpacks to a thousand times what it has is held once, and refused", async () => {
    const start = gunzipSync(readFileSync(fixture("sumexpt"))).subarray(0, 14);
    const piece = gzipSync(Buffer.alloc(2 ** 26), { level: 9 });
    const path = put(Buffer.concat([gzipSync(start), ...Array(8).fill(piece)]));
    const before = process.memoryUsage.rss();
    // 512 MiB of 0.5 MB are within what deflate can do, but are no object of R
    expect((await refusal(() => openExpression(path))).message).toContain(".rds");
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 29 + 2 ** 28);
  });
});

describe("ALTREP, as R 3.5 and later write it (made by hand, after R's serialize.c)", () => {
  const int = (...values: number[]) => {
    const out = Buffer.alloc(4 * values.length);
    values.forEach((v, i) => {
      out.writeInt32BE(v, 4 * i);
    });
    return out;
  };
  const double = (...values: number[]) => {
    const out = Buffer.alloc(8 * values.length);
    values.forEach((v, i) => {
      out.writeDoubleBE(v, 8 * i);
    });
    return out;
  };
  const header = Buffer.concat([Buffer.from("X\n"), int(3, 0x040300, 0x030500, 5), Buffer.from("UTF-8")]);
  const symbol = (name: string) => Buffer.concat([int(1, 0x40009, name.length), Buffer.from(name)]);
  const altrep = (name: string, state: Buffer) =>
    Buffer.concat([
      header,
      int(238, 2),
      symbol(name),
      int(2),
      symbol("base"),
      int(2, 13, 1, 13, 254),
      state,
      int(254),
    ]);
  const reals = (...values: number[]) => Buffer.concat([int(14, values.length), double(...values)]);
  const parse = (bytes: Buffer) => parseRds(bytes, "x.rds");

  it("sequences, texts not yet made, wrapped vectors", () => {
    expect(parse(altrep("compact_intseq", reals(5, 3, 1)))).toMatchObject({
      type: "integer",
      numbers: Int32Array.of(3, 4, 5, 6, 7),
    });
    expect(parse(altrep("compact_realseq", reals(3, 1, -1)))).toMatchObject({
      numbers: Float64Array.of(1, 0, -1),
    });
    const held = Buffer.concat([int(2, 13, 2, 7, -(2 ** 31)), int(254)]);
    expect(parse(altrep("deferred_string", held))).toMatchObject({ type: "text", texts: ["7", null] });
    const wrapped = Buffer.concat([int(19, 2), reals(0.5), int(13, 2, 0, 0)]);
    expect(parse(altrep("wrap_real", wrapped))).toMatchObject({
      type: "double",
      numbers: Float64Array.of(0.5),
    });
  });
  it("a Seurat object is refused, with what to make of it", async () => {
    const seurat = Buffer.concat([
      int(25 | 0x200, 2 | 0x400),
      symbol("class"),
      int(16, 1, 9, 6),
      Buffer.from("Seurat"),
      int(254),
    ]);
    const folder = mkdtempSync(join(tmpdir(), "cellhue-seurat-"));
    writeFileSync(join(folder, "x.rds"), Buffer.concat([header, seurat]));
    const e = await refusal(() => openExpression(join(folder, "x.rds")));
    rmSync(folder, { recursive: true });
    expect(e.parts.found).toBe("a Seurat object");
    expect([e.parts.remedy].flat().join()).toContain("as.SingleCellExperiment");
  });
  it("claims of 2^60, and classes that are not known, are refused", () => {
    expect(() => parse(altrep("compact_intseq", reals(2 ** 60, 1, 1)))).toThrow("cannot be read");
    expect(() => parse(altrep("mmap_real", reals(1)))).toThrow("cannot be read");
    expect(() => parse(Buffer.concat([header, int(14, -1, 2 ** 28, 0)]))).toThrow("cannot be read");
    expect(() => parse(Buffer.concat([header, ...Array(1000).fill(int(19, 1))]))).toThrow("cannot be read");
  });
});
