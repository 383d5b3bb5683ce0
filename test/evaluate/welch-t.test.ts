import { describe, expect, it } from "vitest";
import { welchT } from "../../src/evaluate/welch-t.js";
import type { DenseMatrix, Matrix } from "../../src/matrix.js";
import fixture from "../fixtures/rankings.json" with { type: "json" };

/** The same matrix, its zeros not stored. */
function sparse({ rows, cols, data }: DenseMatrix): Matrix {
  const stored = Array.from(data.keys()).filter((at) => data[at] !== 0);
  return {
    kind: "csr",
    rows,
    cols,
    indptr: Float64Array.from(
      { length: rows + 1 },
      (_, row) => stored.filter((at) => at < row * cols).length,
    ),
    indices: Int32Array.from(stored, (at) => at % cols),
    values: Float32Array.from(stored, (at) => data[at]),
  };
}

describe("welchT", () => {
  describe.each(fixture.welch)("case %#: $rows samples × $genes genes, $classes classes", (known) => {
    const { rows, genes, classes, eighths } = known;
    const codes = Int32Array.from(known.codes);
    const dense: DenseMatrix = {
      kind: "dense",
      rows,
      cols: genes,
      data: Float32Array.from(eighths, (v) => v / 8),
    };

    it.each([
      { kind: "dense", x: dense },
      { kind: "sparse", x: sparse(dense) },
    ])("equals scipy, $kind", async ({ x }) => {
      const { t, p } = await welchT(x, codes, classes);
      expect([t.length, p.length]).toEqual([classes * genes, classes * genes]);
      known.t.flat().forEach((value, i) => {
        const expected =
          value === null ? 0 : Number(value === "inf" ? Infinity : value === "-inf" ? -Infinity : value);
        if (!Number.isFinite(expected)) expect(t[i]).toBe(expected);
        else expect(Math.abs(t[i] - expected)).toBeLessThanOrEqual(1e-11 * Math.abs(expected));
      });
      known.p.flat().forEach((value, i) => {
        const expected = value ?? 1;
        expect(Math.abs(p[i] - expected)).toBeLessThanOrEqual(1e-9 * expected);
      });
    });
  });

  it("tells nothing of a gene with a missing value, and all of the others", async () => {
    const data = Float32Array.of(1, Number.NaN, 2, 0, 5, 1, 6, 2);
    const { t, p } = await welchT({ kind: "dense", rows: 4, cols: 2, data }, Int32Array.of(0, 0, 1, 1), 2);
    expect([t[1], p[1]]).toEqual([0, 1]);
    expect(t[0]).toBeCloseTo(-4 / Math.SQRT1_2, 12);
    expect(t[2]).toBe(-t[0]);
    expect(p[2]).toBe(p[0]);
  });

  it("refuses codes that do not fit", async () => {
    const x: Matrix = { kind: "dense", rows: 2, cols: 1, data: Float32Array.of(1, 2) };
    await expect(welchT(x, Int32Array.of(0), 1)).rejects.toThrow(/1 codes for 2 samples/);
    await expect(welchT(x, Int32Array.of(0, 2), 2)).rejects.toThrow(RangeError);
  });
});
