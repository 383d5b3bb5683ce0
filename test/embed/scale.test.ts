import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { applyScale, fitScale, geneMoments } from "../../src/embed/scale.js";
import { type DenseMatrix, selectRows } from "../../src/matrix.js";
import { denseRows, floats, madeMatrix, oracle, readSet, toCsr, trainRows } from "./genes.js";

/** Float32 holds 24 bits; the oracle was rounded once, as the result is. */
function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, relative: number): void {
  expect(found.length).toBe(expected.length);
  for (let p = 0; p < expected.length; p++)
    expect(Math.abs(found[p] - expected[p])).toBeLessThanOrEqual(
      relative * Math.max(1, Math.abs(expected[p])),
    );
}
const dense = (rows: number, cols: number, values: number[]): DenseMatrix => ({
  kind: "dense",
  rows,
  cols,
  data: Float32Array.from(values),
});

describe("scaling as scanpy.pp.scale", () => {
  for (const set of oracle.sets)
    it.skipIf(!existsSync(set.path))(`${set.name} (needs ${set.path})`, async () => {
      const x = await readSet(set);
      const rows = trainRows(x.rows);
      const scale = await fitScale(selectRows(x, rows));
      expectClose(
        set.genes.map((j) => scale.mean[j]),
        set.mean,
        1e-12,
      );
      expectClose(
        set.genes.map((j) => scale.sd[j]),
        set.sd,
        1e-9, // scanpy takes the mean of the squares less the square of the mean
      );
      const train = denseRows(x, rows);
      const scaled = applyScale(train.data, scale);
      expectClose(
        set.spots.map((p) => scaled[p]),
        set.scaled,
        1e-6,
      );
      expect(await fitScale(train)).toEqual(scale);
    });

  for (const made of oracle.cases)
    it(`${made.name}, cut at ${made.maxValue}`, async () => {
      const x = madeMatrix(made);
      const scale = await fitScale(x);
      expect(await fitScale(toCsr(x))).toEqual(scale);
      const scaled = applyScale(x.data, scale, made.maxValue ?? undefined);
      expectClose(scaled, floats(made.scaled), 1.2e-7);
      if (made.maxValue !== null) expect(Math.max(...scaled)).toBe(made.maxValue);
    });
});

describe("a scale", () => {
  it("of constant genes only centres, exactly, zero or not", async () => {
    const x = dense(3, 3, [0.1, 0, -7, 0.1, 0, -7, 0.1, 0, -7]);
    const { mean, sd } = await fitScale(x);
    expect([...mean]).toEqual([Math.fround(0.1), 0, -7]);
    expect([...sd]).toEqual([1, 1, 1]);
    expect([...applyScale(Float32Array.of(0.1, 2, -7), { mean, sd })]).toEqual([0, 2, 0]);
  });

  it("of a single row has standard deviation 1", async () => {
    expect(await fitScale(dense(1, 2, [3, 0]))).toEqual({
      mean: Float64Array.of(3, 0),
      sd: Float64Array.of(1, 1),
    });
  });

  it("keeps a sample's result whatever block it is in", async () => {
    const x = madeMatrix(oracle.cases[0]);
    const scale = await fitScale(x);
    const whole = applyScale(x.data, scale);
    const row = x.data.slice(5 * x.cols, 6 * x.cols);
    expect(applyScale(row, scale)).toEqual(whole.slice(5 * x.cols, 6 * x.cols));
  });

  it("writes into an array, also into the block itself", () => {
    const scale = { mean: Float64Array.of(1, 0), sd: Float64Array.of(2, 1) };
    const block = Float32Array.of(3, 4, -9, -4);
    expect(applyScale(block, scale, 3, block)).toBe(block);
    expect([...block]).toEqual([1, 3, -3, -3]);
  });

  it("of no genes, and of no rows to apply it to", async () => {
    const scale = await fitScale(dense(2, 0, []));
    expect(applyScale(new Float32Array(0), scale)).toHaveLength(0);
    expect(applyScale(new Float32Array(0), await fitScale(dense(2, 1, [1, 2])))).toHaveLength(0);
  });

  it("explicit zeros of a CSR matrix are zeros", async () => {
    const indptr = Float64Array.of(0, 1, 2);
    const csr = { kind: "csr", rows: 2, cols: 1, indptr, indices: Int32Array.of(0, 0) } as const;
    expect(await geneMoments({ ...csr, values: Float32Array.of(0, 4) })).toEqual(
      await geneMoments(dense(2, 1, [0, 4])),
    );
  });

  it("refuses no rows, values that are not finite, a block that does not fit, a cut at 0", async () => {
    await expect(fitScale(dense(0, 2, []))).rejects.toThrow(RangeError);
    await expect(fitScale(dense(2, 1, [1, Number.NaN]))).rejects.toThrow(/not finite/);
    await expect(fitScale(dense(2, 1, [1, Infinity]))).rejects.toThrow(/not finite/);
    const scale = await fitScale(dense(2, 2, [1, 2, 3, 4]));
    expect(() => applyScale(new Float32Array(3), scale)).toThrow(/3 values/);
    expect(() => applyScale(new Float32Array(2), scale, 0)).toThrow(/maxValue/);
    expect(() => applyScale(new Float32Array(2), scale, 1, new Float32Array(4))).toThrow(RangeError);
  });
});
