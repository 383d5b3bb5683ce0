/** Files made to fill the memory, or the stack: refused in words, quickly, within the bounds of docs/formats.md. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, createGzip, gzipSync } from "node:zlib";
import { strToU8, zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.js";
import { CellhueError } from "../../src/errors.js";
import { openExpression } from "../../src/io/reader.js";
import { readStateDict } from "../../src/net/weights/read.js";

let folder = "";
/** 400 MiB of one byte, packed: some 400 kB. */
let spaces: Buffer;
let zeros: Buffer;

async function packed(byte: number): Promise<Buffer> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  const out: Buffer[] = [];
  gzip.on("data", (piece: Buffer) => void out.push(piece));
  const ended = new Promise((resolve) => gzip.on("end", resolve));
  const block = Buffer.alloc(2 ** 22, byte);
  for (let i = 0; i < 100; i++)
    if (!gzip.write(block)) await new Promise((resolve) => gzip.once("drain", resolve));
  gzip.end();
  await ended;
  return Buffer.concat(out);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cellhue-bombs-"));
  [spaces, zeros] = [await packed(0x31), await packed(0)];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, data: Uint8Array | string) => {
  const path = join(folder, name);
  writeFileSync(path, data);
  return path;
};
/** The refusal, and that it took neither the memory nor 20 s. */
async function refusal(work: () => unknown): Promise<CellhueError> {
  const [start, before] = [performance.now(), process.memoryUsage.rss()];
  const error = await Promise.resolve()
    .then(work)
    .catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CellhueError);
  expect(performance.now() - start).toBeLessThan(20_000);
  expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 30);
  return error as CellhueError;
}
const opened = async (path: string, layer?: string) => {
  const reader = await openExpression(path, { layer });
  try {
    reader.readMatrix();
  } finally {
    reader.close();
  }
};

describe("bombs of gzip", () => {
  it("a table of one endless line", async () => {
    expect((await refusal(() => opened(file("a.csv.gz", spaces)))).message).toMatch(/line is too long|table/);
  });
  it("an .rds that goes on for ever", async () => {
    const head = gzipSync(Buffer.from("580a000000030004030000030500000000", "hex"));
    await refusal(() => opened(file("a.rds", Buffer.concat([head, zeros]))));
  });
  it("a matrix of Matrix Market without an end of line", async () => {
    const head = gzipSync(Buffer.from("%%MatrixMarket matrix coordinate integer general\n"));
    await refusal(() => opened(file("matrix.mtx.gz", Buffer.concat([head, spaces]))));
  });
});

describe("claims", () => {
  it("HDF5: a shape of 2^60, and a chunk of 1.6 GB for 221 entries", async () => {
    const path = "test/fixtures/hdf5/refused_claims.h5";
    expect((await refusal(() => opened(path))).message).toMatch(/chunks that are far bigger/);
    expect((await refusal(() => opened(path, "shape"))).message).toMatch(/does not fit/);
    expect((await refusal(() => opened(path, "rows"))).message).toMatch(/does not fit/);
  });
  it("Matrix Market: 2^30 × 2^30", async () => {
    const text =
      "%%MatrixMarket matrix coordinate integer general\n1073741824 1073741824 1152921504606846976\n1 1 1\n";
    await refusal(() => opened(file("claims.mtx", text)));
  });
});

describe("nesting", () => {
  const deep = (n: number) => "[".repeat(n) + "]".repeat(n);
  it("of JSON and YAML", async () => {
    await refusal(() => readConfig(file("deep.json", deep(400_000))));
    await refusal(() => readConfig(file("deep.yaml", deep(400_000))));
    await refusal(() => readConfig(file("deep2.yaml", "- ".repeat(200_000))));
  });
  it("of the header of safetensors, of zarr's metadata and of a pickle", async () => {
    const header = Buffer.from(`{"a":${deep(1_000_000)}}`);
    const size = Buffer.from(BigUint64Array.of(BigInt(header.length)).buffer);
    await refusal(() => readStateDict(new Uint8Array(Buffer.concat([size, header])), "x"));
    const group = strToU8('{"zarr_format":2}');
    const zip = zipSync({
      ".zgroup": group,
      "X/.zarray": strToU8(deep(1_000_000)),
      "X/.zattrs": strToU8("{}"),
    });
    await refusal(() => opened(file("deep.zarr.zip", zip)));
    const pickle = Buffer.concat([
      Buffer.from("\x80\x02", "latin1"),
      Buffer.from("](".repeat(200_000)),
      Buffer.from("."),
    ]);
    await refusal(() => readStateDict(zipSync({ "a/data.pkl": new Uint8Array(pickle) }, { level: 0 }), "x"));
  });
});
