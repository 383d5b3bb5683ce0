import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import type { CsrMatrix, DenseMatrix } from "../../src/matrix.js";
import { normalizeMatrix } from "../../src/normalize/normalize.js";
import { toCsr } from "../io/matrices.js";

type Frozen = { rows: number; cols: number; data: number[] };
const states = JSON.parse(readFileSync("test/fixtures/h5ad_states.json", "utf8")) as Record<string, Frozen>;
const dense = ({ rows, cols, data }: Frozen): DenseMatrix => ({
  kind: "dense",
  rows,
  cols,
  data: Float32Array.from(data),
});

describe("log1p-cp10k", () => {
  const counts = dense(states.counts);
  const expected = states.log1p_cp10k.data;
  const close = (values: ArrayLike<number>) => {
    let worst = 0;
    for (let i = 0; i < expected.length; i++)
      worst = Math.max(worst, Math.abs(values[i] - expected[i]) / Math.max(1e-9, Math.abs(expected[i])));
    return worst;
  };
  it("equals scanpy's normalize_total and log1p, dense", () => {
    const m = normalizeMatrix(counts, "log1p-cp10k") as DenseMatrix;
    expect(m.data.length).toBe(expected.length);
    expect(close(m.data)).toBeLessThan(5e-7);
  });
  it("and sparse, sharing the indices", () => {
    const sparse = toCsr(counts);
    const m = normalizeMatrix(sparse, "log1p-cp10k") as CsrMatrix;
    expect(m.indices).toBe(sparse.indices);
    const back = new Float32Array(expected.length);
    for (let i = 0; i < m.rows; i++)
      for (let k = m.indptr[i]; k < m.indptr[i + 1]; k++) back[i * m.cols + m.indices[k]] = m.values[k];
    expect(close(back)).toBeLessThan(5e-7);
  });
  it("leaves the input as it was, and a sample without counts at 0", () => {
    const before = counts.data.slice();
    const m = normalizeMatrix(counts, "log1p-cp10k") as DenseMatrix;
    expect(counts.data).toEqual(before);
    expect(counts.data.subarray(5 * 17, 6 * 17).every((v) => v === 0)).toBe(true);
    expect(m.data.subarray(5 * 17, 6 * 17).every((v) => v === 0)).toBe(true);
  });
  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses %s", (value) => {
    const m = dense({ rows: 2, cols: 2, data: [0, 1, 2, value] });
    expect(() => normalizeMatrix(m, "log1p-cp10k")).toThrow(CellhueError);
  });
  it("has nothing to do on 0 × 0", () => {
    expect(normalizeMatrix(dense({ rows: 0, cols: 0, data: [] }), "log1p-cp10k")).toMatchObject({ rows: 0 });
  });
});

it("log1p-cpm equals scanpy's normalize_total to a million and log1p", () => {
  const more = JSON.parse(readFileSync("test/fixtures/matrix_states.json", "utf8")) as Record<string, Frozen>;
  const expected = more.log1p_cpm.data;
  for (const m of [dense(more.counts), toCsr(dense(more.counts))]) {
    const out = normalizeMatrix(m, "log1p-cpm");
    const back = new Float32Array(expected.length);
    if (out.kind === "dense") back.set(out.data);
    else
      for (let i = 0; i < out.rows; i++)
        for (let k = out.indptr[i]; k < out.indptr[i + 1]; k++)
          back[i * out.cols + out.indices[k]] = out.values[k];
    back.forEach((v, i) => {
      expect(Math.abs(v - expected[i])).toBeLessThanOrEqual(5e-7 * Math.abs(expected[i]));
    });
  }
});

it("none gives the matrix itself", () => {
  const m = dense({ rows: 1, cols: 2, data: [-1, 2] });
  expect(normalizeMatrix(m, "none")).toBe(m);
});
