// Oracle: matplotlib's bytes, frozen by test/oracles/colormaps.py.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { blues, colourIndex, colourOf, hot, isLight, viridis } from "../../src/report/colormap.js";
import { categoryColour, markerPath } from "../../src/report/palette.js";

const oracle = JSON.parse(readFileSync(new URL("../fixtures/colormaps.json", import.meta.url), "utf8")) as {
  values: number[];
  hot: number[];
  viridis: number[];
  hot_of_values: number[][];
  viridis_of_values: number[][];
};

describe("colour maps", () => {
  it("hot is matplotlib's, byte for byte", () => expect([...hot]).toEqual(oracle.hot));
  it("viridis is matplotlib's within the rounding of one step", () => {
    const off = viridis.map((v, i) => Math.abs(v - oracle.viridis[i]));
    expect(Math.max(...off)).toBeLessThanOrEqual(1);
  });
  it("picks the same entry as matplotlib, at and beyond the ends too", () => {
    oracle.values.forEach((v, i) => {
      expect([...hot.subarray(3 * colourIndex(v), 3 * colourIndex(v) + 3)]).toEqual(oracle.hot_of_values[i]);
    });
    expect(colourIndex(Number.NaN)).toBe(0);
  });
  it("blues go from light to dark", () => {
    expect(isLight(colourOf(blues, 0))).toBe(true);
    expect(isLight(colourOf(blues, 1))).toBe(false);
  });
});

describe("palette", () => {
  it("gives 210 pairs of colour and shape before one repeats, and ten colours that differ", () => {
    const shape = (i: number): string => markerPath(i, 0, 0, 30);
    const pairs = Array.from({ length: 210 }, (_, i) => categoryColour(i) + shape(i));
    expect(new Set(pairs).size).toBe(210);
    expect(new Set(Array.from({ length: 30 }, (_, i) => categoryColour(i))).size).toBe(30);
    for (const colour of pairs) expect(colour).toMatch(/^#[0-9a-f]{6}M/);
  });
});
