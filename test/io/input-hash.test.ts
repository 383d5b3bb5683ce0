import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CellhueError, InterruptedError } from "../../src/errors.js";
import { hashInput, stampInput } from "../../src/io/input-hash.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cellhue-hash-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const sha = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");

it("of a file: its bytes", async () => {
  const path = "test/fixtures/h5ad/small.h5ad";
  const bytes = readFileSync(path);
  expect(await hashInput(path)).toEqual({ sha256: sha(bytes), bytes: bytes.length });
});
it("of a folder: names, sizes and bytes of all files, in order of their names", async () => {
  mkdirSync(join(folder, "z/b"), { recursive: true });
  writeFileSync(join(folder, "z/b/1"), "one");
  writeFileSync(join(folder, "z/a"), "");
  const expected = { sha256: sha("a\x000\0b/1\x003\0one"), bytes: 3 };
  expect(await hashInput(join(folder, "z"))).toEqual(expected);
  writeFileSync(join(folder, "z/b/1"), "two");
  expect((await hashInput(join(folder, "z"))).sha256).not.toBe(expected.sha256);
});
it("of a matrix.mtx: that of its folder, where nothing else is in it", async () => {
  for (const name of ["mtx_v2/matrix.mtx", "mtx_v3/GSM1_matrix.mtx.gz"]) {
    const path = join("test/fixtures/formats", name);
    expect(await hashInput(path)).toEqual(await hashInput(join(path, "..")));
  }
});
it("stops when asked to", async () => {
  await expect(hashInput("package.json", AbortSignal.abort())).rejects.toThrow(InterruptedError);
});
it("of a file that is gone: an error for users", async () => {
  const error = await hashInput(join(folder, "gone")).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CellhueError);
  expect((error as CellhueError).parts.found).toMatch(/ENOENT/);
});
it("a stamp changes with the files, and is absent where one is gone", () => {
  const path = join(folder, "s");
  mkdirSync(path);
  writeFileSync(join(path, "a"), "1");
  const before = stampInput(path);
  expect(stampInput(path)).toBe(before);
  writeFileSync(join(path, "b"), "1");
  expect(stampInput(path)).not.toBe(before);
  expect(stampInput(join(folder, "gone"))).toBeUndefined();
});
