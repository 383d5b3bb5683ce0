import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { callSource, resolveSettings } from "../../src/config.js";
import { takeImages } from "../../src/image-source.js";
import { readFoldImages, readSampleValues, writeEncoded } from "../../src/io/encoded.js";
import { RunFolder } from "../../src/io/run-folder.js";
import { silent } from "../../src/progress.js";
import { RandomState } from "../../src/random.js";

const root = mkdtempSync(join(tmpdir(), "cellhue-encoded-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const n = 5;
const size = 8;
const bytes = 3 * size * size;
const random = new RandomState(3);
const images = Uint8Array.from({ length: n * bytes }, (_, p) => (p % 3 ? 0 : random.uint32() & 255));
const samples = {
  names: [..."abcde"],
  rows: Int32Array.of(0, 1, 2, 3, 4),
  codes: Int32Array.of(0, 1, 0, 1, 0),
  classes: ["x", "y"],
};
const values = {
  scores: Float32Array.from({ length: 2 * n }, (_, i) => i),
  places: Float32Array.from({ length: 4 * n }, (_, i) => -i),
  distance: Float32Array.from({ length: n }, (_, i) => i / 2),
};
const settings = resolveSettings([callSource({ file: "f.h5ad", label: "l", size, out: join(root, "run") })]);
const ctx = { progress: silent };

async function made(): Promise<RunFolder> {
  const run = await RunFolder.create(settings.out, {
    input: {
      path: "f",
      sha256: "",
      bytes: 0,
      samples: n,
      genes: 3,
      dropped: 0,
      x: { source: "X", storage: "dense", dtype: "float32", nonzero: null },
      state: null,
    },
    settings,
    classes: [
      { name: "x", folder: "x", count: 3 },
      { name: "y", folder: "y", count: 2 },
    ],
    versions: {},
  });
  await writeEncoded(run, "encoders/0", bytes, async (take) => {
    await take(images.subarray(0, 2 * bytes));
    await take(images.subarray(2 * bytes));
    return values;
  });
  return run;
}

describe("images of a fold", () => {
  it("are the same read at once, one by one, and by gunzip", async () => {
    const run = await made();
    try {
      expect(await readSampleValues(run, settings, 0)).toEqual(values);
      const path = run.path("encoders/0/images.rgb.gz");
      expect(new Uint8Array(gunzipSync(readFileSync(path)))).toEqual(images);
      const held = await readFoldImages(run, samples, settings, 0, ctx);
      const stored = await readFoldImages(run, samples, settings, 0, ctx, 0);
      expect(held).toBeInstanceOf(Uint8Array);
      expect(stored).not.toBeInstanceOf(Uint8Array);
      for (const rows of [[], [4], [3, 0, 3, 1], [0, 1, 2, 3, 4]]) {
        const expected = Uint8Array.from(
          rows.flatMap((i) => [...images.subarray(i * bytes, (i + 1) * bytes)]),
        );
        expect(new Uint8Array(await takeImages(held, rows, bytes))).toEqual(expected);
        expect(new Uint8Array(await takeImages(stored, rows, bytes))).toEqual(expected);
      }
      // Damage is told, and what to do.
      const whole = readFileSync(path);
      truncateSync(path, whole.length - 5);
      await expect(takeImages(stored, [4], bytes)).rejects.toThrow(/cannot be read/);
      expect(new Uint8Array(await takeImages(stored, [1], bytes))).toEqual(images.subarray(bytes, 2 * bytes));
      whole[whole.length >> 1] ^= 255;
      writeFileSync(path, whole);
      await expect(takeImages(stored, [0, 1, 2, 3, 4], bytes)).rejects.toThrow(/cannot be read/);
    } finally {
      run.close();
    }
  });
});
