import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CellhueError, InterruptedError } from "../../src/errors.js";
import { byCodePoint } from "../../src/io/labels.js";
import { type OpenOptions, openExpression, requireSize } from "../../src/io/reader.js";
import { sortRows } from "../../src/io/sparse.js";
import { expectFile, type Frozen, freezeMatrix, refusal, using } from "./frozen.js";

const oracle = (name: string) =>
  JSON.parse(readFileSync(`test/fixtures/${name}.json`, "utf8")) as {
    files: Record<string, Frozen>;
    superblocks?: Record<string, number>;
  };
const frozen = oracle("h5ad");
const hdf5 = oracle("hdf5");
const fixture = (name: string) => `test/fixtures/h5ad/${name}`;

const opening = (path: string, options: OpenOptions = {}) => refusal(() => openExpression(path, options));

describe("an .h5ad equals what anndata reads, entry for entry", () => {
  for (const [path, expected] of Object.entries({ ...frozen.files, ...hdf5.files })) {
    it.skipIf(!existsSync(path))(path, async () => {
      await expectFile(path, expected);
    });
  }

  it("of every superblock that HDF5 has", () => {
    expect([...new Set(Object.values(hdf5.superblocks ?? {}))].sort()).toEqual([0, 1, 2, 3]);
  });

  it.each([
    ["vector_one_gene.h5", 5, 1],
    ["vector_one_sample.h5", 1, 5],
  ])("X as a vector (anndata < 0.7): %s is %i × %i", async (name, rows, cols) => {
    await using(fixture(name), {}, (reader) => {
      const data = Float32Array.of(1, 2, 3, 4, 5);
      expect(reader.readMatrix()).toEqual({ kind: "dense", rows, cols, data });
    });
  });

  it("keeps several files open at once", async () => {
    const a = await openExpression(fixture("small.h5ad"));
    const b = await openExpression(fixture("chunks.h5ad"));
    a.close();
    a.close();
    expect(b.readMatrix().rows).toBe(13);
    expect(() => a.readMatrix()).toThrow("closed");
    b.close();
  });

  it("tells progress up to the end, and stops when asked to", async () => {
    await using(fixture("sparse.h5ad"), {}, (reader) => {
      const told: number[] = [];
      let total = 0;
      const progress = {
        task: (_: string, n: number) => {
          total = n;
          return { update: (done: number) => told.push(done), end() {} };
        },
        note() {},
        warn() {},
      };
      reader.readMatrix({ progress });
      expect(total).toBeGreaterThan(0);
      expect(told.at(-1)).toBe(total);
      expect(() => reader.readMatrix({ signal: AbortSignal.abort() })).toThrow(InterruptedError);
    });
  });
});

describe("sortRows", () => {
  it("returns sorted rows as they are", () => {
    const m = {
      kind: "csr",
      rows: 2,
      cols: 3,
      indptr: Float64Array.of(0, 2, 3),
      indices: Int32Array.of(0, 2, 1),
      values: Float32Array.of(1, 2, 3),
    } as const;
    expect(sortRows(m)).toBe(m);
  });
  it("sorts and adds up what stands twice", () => {
    const m = sortRows({
      kind: "csr",
      rows: 3,
      cols: 5,
      indptr: Float64Array.of(0, 4, 4, 6),
      indices: Int32Array.of(4, 0, 4, 2, 1, 1),
      values: Float32Array.of(1, 2, 3, 4, 5, 6),
    });
    expect([...m.indptr]).toEqual([0, 3, 3, 4]);
    expect([...m.indices]).toEqual([0, 2, 4, 1]);
    expect([...m.values]).toEqual([2, 4, 4, 11]);
  });
});

describe("what cannot be read is refused, with the remedy", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "cellhue-h5ad-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const put = (name: string, data: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, data);
    return path;
  };

  it("no such file: names the near ones", async () => {
    const e = await opening(fixture("smal.h5ad"));
    expect(e.message).toBe("no such file");
    expect(e.exitCode).toBe(2);
    expect(e.describe()).toContain(fixture("small.h5ad"));
    expect((await opening("no/such/folder/x.h5ad")).message).toBe("no such file");
  });
  it("a folder: names the files in it", async () => {
    const e = await opening("test/fixtures/h5ad");
    expect(e.message).toContain("folder");
    expect(e.describe()).toContain("chunks.h5ad");
  });
  it.each([
    ["an empty file", "", "an empty file"],
    ["noise in gzip", gzipSync(Uint8Array.of(0, 1, 2)), "compressed by gzip"],
    ["a web page", "<!DOCTYPE html><html></html>", "web page"],
    ["an LFS pointer", "version https://git-lfs.github.com/spec/v1\n", "LFS"],
    ["noise", Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), "0001020304050607"],
  ])("no format that is read: %s", async (_, data, found) => {
    const e = await opening(put("not.h5ad", data));
    expect(e.message).toContain("not an expression file");
    expect(e.parts.found).toContain(found);
  });
  it("HDF5, but not AnnData: says what it holds", async () => {
    expect((await opening(fixture("empty.h5"))).message).toContain("not AnnData");
    expect((await opening(fixture("empty.h5"))).parts.found).toContain("nothing");
  });
  it("truncated: how many bytes there are and should be", async () => {
    const whole = readFileSync(fixture("small.h5ad"));
    const e = await opening(put("cut.h5ad", whole.subarray(0, whole.length >> 1)));
    expect(e.message).toContain("truncated");
    expect(e.parts.found).toBe(`${whole.length >> 1} bytes`);
    expect(e.parts.expected).toContain(`${whole.length} bytes`);
    for (const size of [8, 50, 100, 1000]) {
      const short = await opening(put("cut.h5ad", whole.subarray(0, size)));
      expect(short.message).toMatch(/truncated|cannot be opened/);
    }
  });
  it("64 damaged bytes anywhere: refused, or the checked data come out whole", async () => {
    const bytes = readFileSync(fixture("chunks.h5ad"));
    const whole = frozen.files[fixture("chunks.h5ad")].layers.sums.sha;
    let refused = 0;
    for (let at = 2000; at < bytes.length - 64; at += 977) {
      const copy = Uint8Array.from(bytes);
      copy.fill(0xff, at, at + 64);
      const path = put("damaged.h5ad", copy);
      for (const layer of [undefined, "lzf", "sums", "csr", "csc"]) {
        try {
          await using(path, { layer }, (r) => {
            r.obs();
            r.var();
            const m = r.readMatrix();
            if (layer === "sums") expect(freezeMatrix(m).sha, `byte ${at}`).toBe(whole);
          });
        } catch (error) {
          refused++;
          expect(error).toBeInstanceOf(CellhueError);
        }
      }
    }
    expect(refused).toBeGreaterThan(10);
  });
  it("what this HDF5 library cannot read: how to write it again", async () => {
    const path = "test/fixtures/hdf5/refused_blosc.h5";
    const e = await refusal(() => using(path, {}, (r) => r.readMatrix()));
    expect(e.message).toContain("filter that cellhue cannot read");
    expect(e.parts.found).toBe("blosc with zlib");
    const second = await refusal(() => using(path, { layer: "blosc2" }, (r) => r.readMatrix()));
    expect(second.parts.found).toBe("blosc2 with zlib");
    const later = await refusal(() =>
      using("test/fixtures/hdf5/refused.h5", { layer: "gzip" }, (r) => r.readMatrix()),
    );
    expect(later.parts.found).toContain("HDF5 2");
  });
  it("no X: offers the layers and raw", async () => {
    const e = await opening(fixture("no_x.h5ad"));
    expect(e.message).toBe("the file has no X");
    expect(e.parts.remedy).toEqual(["--layer counts", "--layer 'log norm'", "--use-raw"]);
    await using(fixture("no_x.h5ad"), { requireX: false }, (r) =>
      expect(() => r.readMatrix()).toThrow("no X"),
    );
  });
  it("no such layer: names them", async () => {
    const e = await opening(fixture("no_x.h5ad"), { layer: "count" });
    expect(e.parts.found).toBe("layers: counts, log norm");
    expect(e.parts.remedy).toContain("--layer counts");
    expect((await opening(fixture("columns.h5ad"), { layer: "../X" })).message).toContain("no layer");
  });
  it("no raw, or a layer and raw at once", async () => {
    expect((await opening(fixture("small.h5ad"), { useRaw: true })).parts.remedy).toContain("--layer log");
    expect((await opening(fixture("small.h5ad"), { useRaw: true, layer: "log" })).message).toContain(
      "exclude",
    );
  });
  it("fewer than 3 samples or genes", () => {
    expect(() => requireSize(2, 9, "f")).toThrow("too few samples");
    expect(() => requireSize(9, 2, "f")).toThrow("too few genes");
    expect(() => requireSize(3, 3, "f")).not.toThrow();
  });
});

it("byCodePoint sorts as Python does", () => {
  expect(["\u{1f600}", "\uff5e", "z", "é", "a", "aa", ""].sort(byCodePoint)).toEqual([
    "",
    "a",
    "aa",
    "z",
    "é",
    "\uff5e",
    "\u{1f600}",
  ]);
});
