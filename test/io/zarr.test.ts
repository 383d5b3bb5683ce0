import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { unzipSync, zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InterruptedError } from "../../src/errors.js";
import { openExpression } from "../../src/io/reader.js";
import { expectFile, type Frozen, refusal, using } from "./frozen.js";

const frozen = JSON.parse(readFileSync("test/fixtures/zarr.json", "utf8")) as {
  files: Record<string, Frozen>;
};
const fixture = (name: string) => `test/fixtures/zarr/${name}.zarr.zip`;

describe("a zarr store equals what anndata reads, entry for entry", () => {
  for (const [path, expected] of Object.entries(frozen.files)) {
    it.skipIf(!existsSync(path))(path, () => expectFile(path, expected));
  }
});

describe("a zarr store", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "cellhue-zarr-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A fixture with some of its files changed (undefined: removed), as an archive. */
  const changed = (
    name: string,
    change: Record<string, string | Uint8Array | undefined>,
    level: 0 | 6 = 0,
  ) => {
    const files: Record<string, Uint8Array> = unzipSync(readFileSync(fixture(name)));
    for (const [key, value] of Object.entries(change)) {
      if (value === undefined) delete files[key];
      else files[key] = typeof value === "string" ? new TextEncoder().encode(value) : value;
    }
    const path = join(folder, "changed.zarr.zip");
    writeFileSync(path, zipSync(files, { level }));
    return path;
  };
  const metadata = (name: string, key: string) =>
    JSON.parse(new TextDecoder().decode(unzipSync(readFileSync(fixture(name)))[key]));

  it("is read from its folder within an archive as well", async () => {
    const files = unzipSync(readFileSync(fixture("whole_v2")));
    const path = join(folder, "nested.zip");
    writeFileSync(
      path,
      zipSync(Object.fromEntries(Object.entries(files).map(([k, v]) => [`a b/x.zarr/${k}`, v]))),
    );
    await expectFile(path, frozen.files[fixture("whole_v2")]);
  });
  it("leaves the matrix unread where it will not be asked for", async () => {
    const path = changed("whole_v3", { "X/data/c/0": "damaged" });
    await using(path, { withoutMatrix: true }, (reader) => {
      expect(reader.obs().length).toBe(12);
      expect(() => reader.readMatrix()).toThrow(RangeError);
    });
    await refusal(() => openExpression(path));
  });
  it("tells progress up to the end, and stops when asked to", async () => {
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
    await using(fixture("whole_v3"), { progress }, () => undefined);
    expect(told.at(-1)).toBe(total);
    await expect(openExpression(fixture("whole_v3"), { signal: AbortSignal.abort() })).rejects.toThrow(
      InterruptedError,
    );
  });
  it("that is not AnnData says what it holds", async () => {
    const path = join(folder, "other.zip");
    writeFileSync(
      path,
      zipSync({ "zarr.json": new TextEncoder().encode('{"zarr_format":3,"node_type":"group"}') }),
    );
    expect((await refusal(() => openExpression(path))).message).toContain("zarr, but not AnnData");
    writeFileSync(path, zipSync({ "xl/workbook.xml": new Uint8Array(3) }));
    expect((await refusal(() => openExpression(path))).parts.found).toBe("an Excel workbook");
    writeFileSync(path, zipSync({ "a.txt": new Uint8Array(3), "../../b": new Uint8Array(1) }));
    expect((await refusal(() => openExpression(path))).parts.found).toContain("a.txt, ../../b");
  });

  it.each([
    ["a codec that is not read", { compressor: { id: "snappy3" } }, /compressed in a way/],
    ["a shape of 2^60", { shape: [2 ** 30, 2 ** 30], chunks: [1, 1] }, /does not fit/],
    ["a chunk of 2^60", { chunks: [2 ** 30, 2 ** 30] }, /claims more/],
    ["sizes that are none", { shape: [-1, "x"] }, /not as zarr writes/],
    ["chunks of 0", { chunks: [0, 4] }, /cannot be read/],
    ["a type that is none", { dtype: "<x9" }, /cannot be read|does not hold numbers/],
  ])("%s is refused", async (_, change, message) => {
    const key = "layers/gzip/.zarray";
    const path = changed("chunks_v2", {
      [key]: JSON.stringify({ ...metadata("chunks_v2", key), ...change }),
    });
    const e = await refusal(() => openExpression(path, { layer: "gzip" }));
    expect(e.message).toMatch(message);
  });
  it("obs of 2^60 rows is refused", async () => {
    const key = "obs/_index/.zarray";
    const path = changed("chunks_v2", {
      [key]: JSON.stringify({ ...metadata("chunks_v2", key), shape: [2 ** 50] }),
    });
    expect((await refusal(() => openExpression(path, { requireX: false }))).message).toMatch(/claims more/);
  });
  it.each([
    ["gzip", gzipSync(new Uint8Array(2 ** 27))],
    ["zlib", deflateSync(new Uint8Array(2 ** 27))],
    ["blosc_lz4_1", Uint8Array.of(2, 1, 1, 4, 0, 0, 0, 127, 0, 0, 0, 1, 16, 0, 0, 0)],
    ["lz4", Uint8Array.of(0, 0, 0, 127, 0, 0)],
    ["zstd", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 127, 0, 0, 0, 0)],
  ])("a chunk that unpacks to more than its shape is refused, unpacked or not: %s", async (layer, bomb) => {
    const before = process.memoryUsage.rss();
    const e = await refusal(() =>
      openExpression(changed("chunks_v2", { [`layers/${layer}/0.0`]: bomb }), { layer }),
    );
    expect(e.message).toBe(`layers/${layer} cannot be read`);
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 26);
  });
  it("a chunk that is too short is refused", async () => {
    for (const layer of ["none", "gzip", "zlib", "zstd", "lz4", "blosc_lz4_1"]) {
      const path = changed("chunks_v2", { [`layers/${layer}/0.0`]: new Uint8Array(7) });
      expect((await refusal(() => openExpression(path, { layer }))).message).toMatch(/cannot be read/);
    }
  });
  it("a zip entry that unpacks to more than it says is refused", async () => {
    const path = changed("chunks_v2", { "layers/none/0.0": new Uint8Array(2 ** 24) }, 6);
    const bytes = readFileSync(path);
    // what the directory says of its size
    const at = bytes.lastIndexOf("layers/none/0.0");
    bytes.writeUInt32LE(80, at - 46 + 24);
    writeFileSync(path, bytes);
    const e = await refusal(() => openExpression(path, { layer: "none" }));
    expect(e.parts.found).toContain("does not unpack to the 80 bytes");
  });
  it("a zip that is cut short or damaged is refused", async () => {
    const whole = readFileSync(fixture("whole_v2"));
    const path = join(folder, "cut.zip");
    for (const size of [4, 100, whole.length >> 1, whole.length - 5]) {
      writeFileSync(path, whole.subarray(0, size));
      expect((await refusal(() => openExpression(path))).message).toMatch(/zip archive is damaged/);
    }
    const copy = Uint8Array.from(whole);
    copy[whole.indexOf("X/data/0") + "X/data/0".length + 20] ^= 1;
    writeFileSync(path, copy);
    expect((await refusal(() => openExpression(path))).parts.found).toMatch(/differs from its checksum/);
  });
  it("keys do not lead out of the folder", async () => {
    for (const [name, file] of Object.entries(unzipSync(readFileSync(fixture("whole_v2"))))) {
      const at = join(folder, "store", name);
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, file);
    }
    const attributes = join(folder, "store/obs/.zattrs");
    const old = JSON.parse(readFileSync(attributes, "utf8"));
    mkdirSync(join(folder, "secret"));
    writeFileSync(join(folder, "secret/.zarray"), "{}");
    writeFileSync(attributes, JSON.stringify({ ...old, "column-order": ["../../secret", "flag", ".."] }));
    await using(join(folder, "store"), {}, (reader) => {
      expect([...reader.obs().columns.keys()]).toEqual(["flag"]);
      expect(reader.skippedColumns).toEqual(["obs/../../secret", "obs/.."]);
    });
  });
});
