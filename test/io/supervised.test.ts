/** HDF5 in a thread of its own (the built code): the same as in this one; no damaged file hangs, and a thread is used again. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import type { CellhueError } from "../../src/errors.js";
import { openInThread } from "../../src/io/hdf5/open.js";
import type { ExpressionReader, OpenOptions } from "../../src/io/reader.js";
import type { Piece } from "../../src/io/spill.js";
import { root, temporary } from "../cli/cellhue.js";

const built = async (): Promise<(path: string, options?: OpenOptions) => Promise<ExpressionReader>> =>
  (await import(pathToFileURL(join(root, "dist", "io", "reader.js")).href)).openExpression;

it.each([
  ["h5ad/sparse.h5ad"],
  ["h5ad/columns.h5ad"],
  ["hdf5/v114.h5ad"],
  ["formats/tenx_v3.h5"],
  ["formats/small.loom"],
])("%s comes over whole", async (name) => {
  const path = `test/fixtures/${name}`;
  const open = await built();
  const [there, here] = [await open(path), await openInThread(path, {})];
  for (const key of ["samples", "genes", "format", "x", "layers", "hasRaw"] as const)
    expect(there[key]).toEqual(here[key]);
  expect(there.obs()).toEqual(here.obs());
  expect(there.var()).toEqual(here.var());
  expect(there.obs()).toBe(there.obs());
  const steps: number[] = [];
  const task = { update: (done: number) => void steps.push(done), end: () => void steps.push(-1) };
  const progress = { task: () => task, note() {}, warn() {} };
  expect(there.readMatrix({ progress })).toEqual(here.readMatrix());
  expect(steps.at(-1)).toBe(-1);
  // the arrays are given away, not the file: it can be read again
  expect(there.readMatrix()).toEqual(here.readMatrix());
  expect(there.skippedColumns).toEqual(here.skippedColumns);
  there.close();
  there.close();
  expect(() => there.readMatrix()).toThrow(/closed/);
  here.close();
});

it.each([
  ["h5ad/chunks.h5ad", "csc"],
  ["h5ad/sparse.h5ad", "csc"],
  ["formats/small.loom", undefined],
])("%s comes over in pieces as well", async (name, layer) => {
  const path = `test/fixtures/${name}`;
  const layers = (await openInThread(path, {})).layers;
  const options = { layer: layer === undefined ? undefined : layers.find((l) => l.includes(layer)) };
  const [there, here] = [await (await built())(path, options), await openInThread(path, options)];
  const all = async (reader: ExpressionReader) => {
    const pieces: Piece[] = [];
    for await (const piece of reader.pieces?.() ?? []) pieces.push(piece);
    return pieces;
  };
  const expected = await all(here);
  expect(expected.length).toBeGreaterThan(0);
  expect(await all(there)).toEqual(expected);
  expect(await all(there)).toEqual(expected);
  there.close();
  here.close();
});

it("a refusal comes over with all that it says; the next file is read", async () => {
  const open = await built();
  const refused = await open("test/fixtures/h5ad/empty.h5").catch((e: unknown) => e as CellhueError);
  const expected = await openInThread("test/fixtures/h5ad/empty.h5", {}).catch(
    (e: unknown) => e as CellhueError,
  );
  expect(refused).toMatchObject({ message: (expected as CellhueError).message, exitCode: 2 });
  const { cause: _, ...parts } = (expected as CellhueError).parts;
  expect((refused as CellhueError).parts).toMatchObject(parts);
  const reader = await open("test/fixtures/h5ad/small.h5ad");
  expect(reader.samples).toBe(40);
  reader.close();
});

it("a file in which HDF5 goes round for ever is given up", async () => {
  const { path: folder, remove } = temporary();
  try {
    // a heap of texts whose object 0 says that it has no bytes: the library looks for the next one at the same place
    const path = join(folder, "round.h5ad");
    copyFileSync("test/fixtures/h5ad/small.h5ad", path);
    const bytes = readFileSync(path);
    const heap = bytes.indexOf("GCOL");
    expect(heap).toBeGreaterThan(0);
    // its head, then object 1 ("anndata", 16 + 8 bytes), then the head of object 2
    bytes.fill(0, heap + 40, heap + 56);
    writeFileSync(path, bytes);
    const open = await built();
    const start = performance.now();
    const read = async () => {
      const reader = await open(path);
      try {
        reader.obs();
        reader.var();
      } finally {
        reader.close();
      }
    };
    const error = await read().catch((e: unknown) => e as CellhueError);
    expect((error as CellhueError).describe()).toMatch(/HDF5 stands still in it[\s\S]*10 seconds/);
    expect(performance.now() - start).toBeLessThan(60_000);
    const reader = await open("test/fixtures/h5ad/small.h5ad");
    expect(reader.obs().length).toBe(40);
    reader.close();
  } finally {
    remove();
  }
});
