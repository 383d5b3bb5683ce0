import { describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { type ModelInput, modelRows, requireUsable } from "../../src/io/model-rows.js";
import { normalizeMatrix } from "../../src/io/normalize.js";
import type { DenseMatrix, Matrix } from "../../src/matrix.js";
import { madeCounts } from "../predict/made.js";
import { toCsr } from "./matrices.js";

const matrix = (rows: number[][], cols: number): DenseMatrix => ({
  kind: "dense",
  rows: rows.length,
  cols,
  data: Float32Array.from(rows.flat()),
});
const both = (m: DenseMatrix): [string, Matrix][] => [
  ["dense", m],
  ["csr", toCsr(m)],
];
const rowsOf = (m: Matrix, input: ModelInput, first: number, count: number) => {
  const into = new Float32Array(count * input.from.length).fill(7); // nothing of before may stay
  modelRows(m, input)(first, count, into);
  return [...into];
};
const input = (from: number[], changes: Partial<ModelInput> = {}): ModelInput => ({
  from: Int32Array.from(from),
  geneMeans: new Float32Array(from.length),
  normalize: "none",
  ...changes,
});

describe("modelRows", () => {
  const m = matrix(
    [
      [1, 0, 3],
      [4, 5, 0],
      [0, 0, 0],
    ],
    3,
  );

  it.each(both(m))("%s: the model's genes in its order, columns of others left out", (_, x) => {
    expect(rowsOf(x, input([2, 0]), 0, 3)).toEqual([3, 1, 0, 4, 0, 0]);
    expect(rowsOf(x, input([1]), 1, 1)).toEqual([5]);
    expect(rowsOf(x, input([1]), 1, 0)).toEqual([]);
    expect(rowsOf(x, input([]), 0, 3)).toEqual([]);
  });

  it.each(both(m))("%s: missing genes are their means, or NaN", (_, x) => {
    const geneMeans = Float32Array.of(9, 0.5, 2);
    expect(rowsOf(x, input([-1, 2, -1], { geneMeans }), 0, 2)).toEqual([9, 3, 2, 9, 0, 2]);
    expect(rowsOf(x, input([-1, 2, -1], { geneMeans: null }), 1, 1)).toEqual([Number.NaN, 0, Number.NaN]);
    const logs = input([-1, 2], { geneMeans: null, normalize: "log1p-cp10k" });
    expect(rowsOf(x, logs, 0, 1)).toEqual([Number.NaN, 3]);
  });

  it.each(both(m))("%s: means are scaled by the depth of a sample, where its total is divided by", (_, x) => {
    const geneMeans = Float32Array.of(8, 1, 1);
    const scaled = input([-1, 0, 1], { geneMeans, normalize: "log1p-cp10k" });
    // half, 4.5 times, and none of the 2 counts that the measured genes have on average
    expect(rowsOf(x, scaled, 0, 3)).toEqual([4, 1, 0, 36, 4, 5, 0, 0, 0]);
    const silent = input([-1, 0], { geneMeans: Float32Array.of(8, 0), normalize: "log1p-cp10k" });
    expect(rowsOf(x, silent, 0, 1)).toEqual([8, 1]);
  });

  it("gives measured genes the value that they have where all are measured, for a sample like training's", () => {
    const counts = matrix(madeCounts(40, 12), 12);
    const means = Float32Array.from({ length: 12 }, (_, j) => j + 1);
    for (const depth of [0.1, 1, 30]) {
      const sample = matrix([Array.from(means, (v) => v * depth)], 12);
      const full = normalizeMatrix(sample, "log1p-cp10k") as DenseMatrix;
      const from = Int32Array.from(means.keys()).map((j) => (j % 3 === 0 ? -1 : j));
      const filled = rowsOf(sample, { from, geneMeans: means, normalize: "log1p-cp10k" }, 0, 1);
      const normalised = normalizeMatrix(matrix([filled], 12), "log1p-cp10k") as DenseMatrix;
      normalised.data.forEach((v, j) => {
        expect(v).toBeCloseTo(full.data[j], 5);
      });
    }
    // and a missing gene the same value in every sample, whatever its depth and its other genes
    const from = Int32Array.from({ length: 12 }, (_, j) => (j === 5 ? -1 : j));
    const filled = rowsOf(counts, { from, geneMeans: means, normalize: "log1p-cp10k" }, 0, 40);
    const data = Float32Array.from(filled);
    const normalised = normalizeMatrix(
      { kind: "dense", rows: 40, cols: 12, data },
      "log1p-cp10k",
    ) as DenseMatrix;
    for (let i = 0; i < 40; i++)
      expect(normalised.data[i * 12 + 5]).toBeCloseTo(Math.log1p((1e4 * 6) / 78), 5);
  });
});

describe("requireUsable", () => {
  const names = { genes: ["g0", "g1", "g2"], samples: ["s0", "s1"] };
  const refusal = (m: Matrix, needs: ModelInput): string | null => {
    try {
      requireUsable(m, needs, names.genes, names.samples, "new.h5ad, X");
      return null;
    } catch (error) {
      expect(error).toBeInstanceOf(CellhueError);
      return (error as CellhueError).describe();
    }
  };

  it.each(
    both(
      matrix(
        [
          [1, 2, Number.NaN],
          [Number.POSITIVE_INFINITY, 0, -1],
        ],
        3,
      ),
    ),
  )("%s: refuses what the model needs and cannot compute with", (_, m) => {
    expect(refusal(m, input([0, 1, 2]))).toMatch(
      /2 entries[\s\S]*new\.h5ad, X[\s\S]*NaN at sample 's0' \(row 0\), gene 'g2' \(column 2\)/,
    );
    expect(refusal(m, input([0]))).toMatch(/an entry[\s\S]*Infinity at sample 's1' \(row 1\), gene 'g0'/);
    expect(refusal(m, input([1, -1]))).toBeNull();
    expect(refusal(m, input([]))).toBeNull();
  });

  it.each(
    both(
      matrix(
        [
          [1, -2, 0],
          [0, 0, -0],
        ],
        3,
      ),
    ),
  )("%s: refuses numbers below 0 where logarithms of counts are taken", (_, m) => {
    const logs = { normalize: "log1p-cp10k" } as const;
    expect(refusal(m, input([1, 0], logs))).toMatch(
      /logarithms of counts[\s\S]*-2 at sample 's0'[\s\S]*'g1'/,
    );
    expect(refusal(m, input([0, 2], logs))).toBeNull();
    expect(refusal(m, input([1, 0]))).toBeNull();
  });
});
