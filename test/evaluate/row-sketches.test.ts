import { describe, expect, it } from "vitest";
import { rowSketches, sketchError } from "../../src/evaluate/row-sketches.js";
import type { CsrMatrix, DenseMatrix } from "../../src/matrix.js";
import { RandomState } from "../../src/random.js";
import { toCsr } from "../embed/genes.js";

const hashesOf = async (x: DenseMatrix | CsrMatrix) => {
  const { hashes } = await rowSketches(x, new Float64Array(x.cols));
  return Array.from({ length: x.rows }, (_, i) => `${hashes[2 * i]} ${hashes[2 * i + 1]}`);
};

describe("hashes of rows", () => {
  it("are the same where the values are, zeros of either sign or not stored; else not", async () => {
    const data = Float32Array.of(0, 1, 2, -0, 1, 2, 1, 0, 2, 2, 1, 0, 0, 0, 0, 0, 1, 2);
    const x: DenseMatrix = { kind: "dense", rows: 6, cols: 3, data };
    const found = await hashesOf(x);
    expect(found[1]).toBe(found[0]);
    expect(found[5]).toBe(found[0]);
    expect(new Set(found).size).toBe(4);
    expect(await hashesOf(toCsr(x))).toEqual(found);
    const indices = Int32Array.of(0, 1, 2, 1, 2);
    const values = Float32Array.of(0, 1, 2, 1, 2);
    const csr: CsrMatrix = {
      kind: "csr",
      rows: 2,
      cols: 3,
      indptr: Float64Array.of(0, 3, 5),
      indices,
      values,
    };
    expect(await hashesOf(csr)).toEqual([found[0], found[0]]);
  });

  it("of 20,000 different rows are all different", async () => {
    const rows = 20_000;
    const data = Float32Array.from(
      { length: 3 * rows },
      (_, p) => [Math.floor(p / 3) % 200, 1, Math.floor(p / 600)][p % 3],
    );
    expect(new Set(await hashesOf({ kind: "dense", rows, cols: 3, data })).size).toBe(rows);
  });
});

describe("sketches of rows", () => {
  const random = new RandomState(8);
  const [rows, cols] = [60, 400];
  const means = Float64Array.from({ length: cols }, () => 5 * random.standardNormal());
  const noise = Float64Array.from({ length: rows * cols }, () => random.standardNormal());
  // row 2 i + 1 is like row 2 i, the less the greater i; row totals differ
  const data = Float32Array.from({ length: rows * cols }, (_, p) => {
    const [row, gene] = [Math.floor(p / cols), p % cols];
    const own = row % 2 === 0 ? noise[p] : noise[p - cols] + (row / rows) * noise[p];
    return means[gene] + own + row;
  });
  const x: DenseMatrix = { kind: "dense", rows, cols, data };
  const actual = (a: number, b: number) => {
    const [u, v] = [a, b].map((row) => {
      const centred = Array.from({ length: cols }, (_, j) => data[row * cols + j] - means[j]);
      const mean = centred.reduce((s, w) => s + w, 0) / cols;
      return centred.map((w) => w - mean);
    });
    const dot = (s: number[], t: number[]) => s.reduce((sum, w, j) => sum + w * t[j], 0);
    return dot(u, v) / Math.sqrt(dot(u, u) * dot(v, v));
  };

  it("give the correlation of gene-centred rows within the bound", async () => {
    for (const form of [x, toCsr(x)]) {
      const { correlation } = await rowSketches(form, means);
      let worst = 0;
      for (let row = 0; row < rows; row += 2) {
        const r = actual(row, row + 1);
        const error = Math.abs(correlation(row, row + 1) - r);
        expect(error).toBeLessThan(sketchError(r) + 1e-6);
        worst = Math.max(worst, error / sketchError(r));
        expect(Math.abs(correlation(row, (row + 5) % rows))).toBeLessThan(sketchError(0));
      }
      expect(worst).toBeGreaterThan(0.1); // the bound is no idle one
    }
  });

  it("of a row without entries, first, last or between", async () => {
    const empty: CsrMatrix = {
      ...{ kind: "csr", rows: 4, cols: 2, indptr: Float64Array.of(0, 0, 1, 1, 1) },
      ...{ indices: Int32Array.of(0), values: Float32Array.of(3) },
    };
    const { correlation, hashes } = await rowSketches(empty, Float64Array.of(1, 0.75));
    expect(correlation(0, 2)).toBeCloseTo(1, 6);
    expect(correlation(0, 3)).toBeCloseTo(1, 6);
    expect(correlation(0, 1)).toBeCloseTo(-1, 6);
    expect([hashes[0], hashes[4], hashes[6]]).toEqual([0, 0, 0]);
    expect(hashes[2]).not.toBe(0);
  });
});
