import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { minMaxNormalise, renderSpectral, spectralLayout } from "../../src/encode/spectral.js";
import { square } from "../../src/image-size.js";

interface Case {
  n: number;
  size: number;
  point: number;
  tsne: string;
  pc1: string;
  umap1: string;
  x: number[];
  y: number[];
  rgb: number[];
  sha256: string[];
}
const cases: Case[] = JSON.parse(readFileSync("test/fixtures/spectral.json", "utf8"));
const floats = (base64: string) => new Float32Array(new Uint8Array(Buffer.from(base64, "base64")).buffer);

describe("spectral encoder", () => {
  for (const c of cases)
    it(`${c.n} samples at ${c.size} px, point size ${c.point}: every pixel equals numpy and PIL`, () => {
      const layout = spectralLayout(floats(c.tsne), floats(c.pc1), floats(c.umap1), square(c.size));
      expect([...layout.x]).toEqual(c.x);
      expect([...layout.y]).toEqual(c.y);
      expect([...layout.rgb]).toEqual(c.rgb);
      for (let i = 0; i < c.n; i++) {
        const image = renderSpectral(layout, i, square(c.size), c.point);
        expect(createHash("sha256").update(image).digest("hex").slice(0, 16)).toBe(c.sha256[i]);
      }
    });

  it("normalises one interleaved axis; the largest value stays below 1, a constant axis is 0", () => {
    const values = Float32Array.of(0, 7, 1, 7, 4, 7);
    expect([...minMaxNormalise(values, 2, 0)]).toEqual([0, 1 / (4 + 1e-8), 4 / (4 + 1e-8)]);
    expect([...minMaxNormalise(values, 2, 1)]).toEqual([0, 0, 0]);
  });

  it("takes no samples", () => {
    const none = new Float32Array(0);
    expect(spectralLayout(none, none, none, square(128)).rgb).toHaveLength(0);
  });

  it("refuses values that are not finite and lengths that do not fit", () => {
    expect(() => minMaxNormalise(Float32Array.of(1, Number.NaN))).toThrow(/value 1 is NaN/);
    expect(() =>
      spectralLayout(new Float32Array(4), new Float32Array(3), new Float32Array(2), square(8)),
    ).toThrow(/do not fit/);
  });
});
