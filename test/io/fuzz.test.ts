/**
 * Mutated small real files of every format: each case opens (and then reads obs, var and the matrix) or is refused by a
 * CellhueError, within a second or so and without memory beyond a bound. Seeded; a failure names the case.
 * FUZZ_CASES: cases a file (90 by default, some 2,000 in all); FUZZ_SEED: the seed; FUZZ_KEEP: a folder that failing cases are written to.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { unzipSync, zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { openExpression } from "../../src/io/reader.js";
import { RandomState } from "../../src/random.js";

const CASES = Number(process.env.FUZZ_CASES ?? 90);
const SEED = Number(process.env.FUZZ_SEED ?? 1);
/** Beyond what the process had before; 256 MiB may be unpacked at once, and the collector is lazy. */
const MOST_MEMORY = 2 ** 30;
const MOST_MS = 20_000;

const files = [
  ...["chunks", "columns", "records", "small", "sparse"].map((name) => `test/fixtures/h5ad/${name}.h5ad`),
  "test/fixtures/hdf5/filters.h5ad",
  "test/fixtures/hdf5/earliest.h5ad",
  "test/fixtures/hdf5/v114.h5ad",
  "test/fixtures/zarr/whole_v2.zarr.zip",
  "test/fixtures/zarr/whole_v3.zarr.zip",
  "test/fixtures/zarr/chunks_v2.zarr.zip",
  "test/fixtures/zarr/chunks_v3.zarr.zip",
  "test/fixtures/formats/tenx_v2.h5",
  "test/fixtures/formats/tenx_v3.h5",
  "test/fixtures/formats/small.loom",
  "test/fixtures/formats/mtx_v2/matrix.mtx",
  "test/fixtures/formats/mtx_v2/genes.tsv",
  "test/fixtures/formats/mtx_v3/GSM1_matrix.mtx.gz",
  "test/fixtures/formats/annotated.csv",
  "test/fixtures/formats/blanks_r.txt",
  "test/fixtures/formats/series_matrix.txt",
  "test/fixtures/formats/utf16.txt.gz",
  "test/fixtures/formats/labels.tsv",
  "test/fixtures/rds/matrix_with_dim_names.rds",
  "test/fixtures/rds/lists_df_rownames.rds",
  "test/fixtures/rds/sumexpt.rds",
];

/** Numbers that claims are made of. */
const NASTY = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** One to a few changes: bits, bytes, numbers, runs, pieces moved, cut or put in; at the head more often than not. */
function mutate(data: Buffer, random: RandomState, text: boolean): Buffer {
  const pick = (n: number) => random.interval(Math.max(0, n - 1));
  let out = Buffer.from(data);
  const place = () => pick(pick(2) === 0 ? Math.min(2048, out.length) : out.length);
  for (let changes = 1 + pick(4); changes > 0; changes--) {
    const at = place();
    switch (pick(8)) {
      case 0:
        if (at < out.length) out[at] ^= 1 << pick(8);
        break;
      case 1:
        if (at < out.length) out[at] = pick(256);
        break;
      case 2:
        if (at + 4 <= out.length) out.writeUInt32LE(NASTY[pick(NASTY.length)], at);
        break;
      case 3:
        if (at + 8 <= out.length) out.writeBigUInt64LE(1n << BigInt(pick(63)), at);
        break;
      case 4:
        out.fill(pick(2) === 0 ? 0xff : 0, at, Math.min(out.length, at + 1 + pick(64)));
        break;
      case 5:
        out = out.subarray(0, at);
        break;
      case 6: {
        const piece = out.subarray(at, at + 1 + pick(64));
        const to = place();
        out = Buffer.concat([out.subarray(0, to), piece, out.subarray(to)]);
        break;
      }
      default: {
        // text within metadata: another number, or a word of the format put elsewhere
        const words = text
          ? ["\t", ",", '"', "\n", "1e999", "-", "9".repeat(20), "1152921504606846976", "#", "\0", "é"]
          : ["1152921504606846976", "-1", "null", "[]", '"', "/../..", "}"];
        const word = Buffer.from(words[pick(words.length)]);
        out =
          pick(2) === 0
            ? Buffer.concat([out.subarray(0, at), word, out.subarray(at)])
            : Buffer.concat([out.subarray(0, at), word, out.subarray(at + word.length)]);
      }
    }
  }
  return out;
}

/** The archive with its content (of a zip, one entry of it) changed; null where the file is no archive. */
function rewrap(
  original: Buffer,
  file: string,
  change: (data: Buffer) => Buffer,
  random: RandomState,
): Uint8Array | null {
  if (/\.(gz|rds)$/.test(file)) return gzipSync(change(gunzipSync(original)));
  if (!file.endsWith(".zip")) return null;
  const entries = unzipSync(original);
  const names = Object.keys(entries).sort();
  const name = names[random.interval(names.length - 1)];
  return zipSync({ ...entries, [name]: new Uint8Array(change(Buffer.from(entries[name]))) }, { level: 0 });
}

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cellhue-fuzz-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Opens and reads all; what it came to. */
async function attempt(
  path: string,
  options: { layer?: string; labels?: string },
): Promise<"read" | "refused"> {
  try {
    const reader = await openExpression(path, { ...options, requireX: false });
    try {
      const [obs, genes] = [reader.obs(), reader.var()];
      expect(obs.index.length).toBe(obs.length);
      expect(genes.index.length).toBe(genes.length);
      if (reader.x.storage !== "none") {
        const m = reader.readMatrix();
        expect([m.rows, m.cols]).toEqual([reader.samples, reader.genes]);
        if (m.kind === "csr") expect(m.indptr[m.rows]).toBe(m.indices.length);
      }
    } finally {
      reader.close();
    }
    return "read";
  } catch (error) {
    if (error instanceof CellhueError) return "refused";
    throw error;
  }
}

describe("mutated files are read or refused, never worse", () => {
  for (const [f, file] of files.entries()) {
    it(`${basename(dirname(file))}/${basename(file)}`, { timeout: CASES * MOST_MS }, async () => {
      const original = readFileSync(file);
      const isText = !/\.(h5ad|h5|loom|zip|rds)$/.test(file);
      const isLabels = basename(file) === "labels.tsv";
      const isFolder = file.includes("/mtx_");
      const layers = file.includes("chunks") || file.includes("filters") ? await layersOf(file) : [undefined];
      let refused = 0;
      for (let k = 0; k < CASES; k++) {
        const random = new RandomState([SEED, f, k]);
        // an archive: what is inside more often than the wrapping, which checks itself
        const wrapped =
          k % 3 !== 0 ? rewrap(original, file, (data) => mutate(data, random, true), random) : null;
        const changed = wrapped ?? mutate(original, random, isText);
        const target = join(folder, `case${f}`, basename(file));
        mkdirSync(dirname(target), { recursive: true });
        if (isFolder && k === 0)
          for (const name of readdirSync(dirname(file)))
            writeFileSync(join(dirname(target), name), readFileSync(join(dirname(file), name)));
        writeFileSync(target, changed);
        const path = isLabels ? "test/fixtures/formats/genes_rows.csv" : isFolder ? dirname(target) : target;
        const before = process.memoryUsage.rss();
        const start = performance.now();
        try {
          const layer = layers[k % layers.length];
          const result = await attempt(path, { layer, labels: isLabels ? target : undefined });
          if (result === "refused") refused++;
          expect(performance.now() - start).toBeLessThan(MOST_MS);
          expect(process.memoryUsage.rss() - before).toBeLessThan(MOST_MEMORY);
        } catch (error) {
          if (process.env.FUZZ_KEEP) {
            mkdirSync(process.env.FUZZ_KEEP, { recursive: true });
            writeFileSync(join(process.env.FUZZ_KEEP, `${f}-${k}-${basename(file)}`), changed);
          }
          throw new Error(`case ${k} of file ${f} (FUZZ_SEED=${SEED}): ${String(error)}`, { cause: error });
        }
      }
      // a test that nothing is refused in would be one of an untouched file
      if (CASES >= 24) expect(refused).toBeGreaterThan(0);
    });
  }
});

async function layersOf(file: string): Promise<(string | undefined)[]> {
  const reader = await openExpression(file, { withoutMatrix: true, requireX: false });
  reader.close();
  return [undefined, ...reader.layers];
}
