import { describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { type ModelInput, modelRows, requireUsable } from "../../src/io/model-rows.js";
import type { DenseMatrix, HeldMatrix } from "../../src/matrix.js";
import { toCsr } from "./matrices.js";

const matrix = (rows: number[][], cols: number): DenseMatrix => ({
  kind: "dense",
  rows: rows.length,
  cols,
  data: Float32Array.from(rows.flat()),
});
const both = (m: DenseMatrix): [string, HeldMatrix][] => [
  ["dense", m],
  ["csr", toCsr(m)],
];
const rowsOf = (m: HeldMatrix, input: ModelInput, first: number, count: number) => {
  const into = new Float32Array(count * input.from.length).fill(7); // nothing of before may stay
  modelRows(m, input)(first, count, into);
  return [...into];
};
const input = (from: number[], changes: Partial<ModelInput> = {}): ModelInput => ({
  from: Int32Array.from(from),
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

  it.each(both(m))("%s: missing genes are NaN, whatever is done to the others", (_, x) => {
    for (const normalize of ["none", "log1p-cp10k"] as const) {
      expect(rowsOf(x, input([-1, 2, -1], { normalize }), 0, 2)).toEqual([
        Number.NaN,
        3,
        Number.NaN,
        Number.NaN,
        0,
        Number.NaN,
      ]);
      expect(rowsOf(x, input([-1], { normalize }), 2, 1)).toEqual([Number.NaN]);
    }
  });
});

describe("requireUsable", () => {
  const names = { genes: ["g0", "g1", "g2"], samples: ["s0", "s1"] };
  const refusal = async (m: HeldMatrix, needs: ModelInput): Promise<string | null> => {
    try {
      await requireUsable(m, needs, names.genes, names.samples, "new.h5ad, X");
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
  )("%s: refuses what the model needs and cannot compute with", async (_, m) => {
    expect(await refusal(m, input([0, 1, 2]))).toMatch(
      /2 entries[\s\S]*new\.h5ad, X[\s\S]*NaN at sample 's0' \(row 0\), gene 'g2' \(column 2\)/,
    );
    expect(await refusal(m, input([0]))).toMatch(
      /an entry[\s\S]*Infinity at sample 's1' \(row 1\), gene 'g0'/,
    );
    expect(await refusal(m, input([1, -1]))).toBeNull();
    expect(await refusal(m, input([]))).toBeNull();
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
  )("%s: refuses numbers below 0 where logarithms of counts are taken", async (_, m) => {
    const logs = { normalize: "log1p-cp10k" } as const;
    expect(await refusal(m, input([1, 0], logs))).toMatch(
      /logarithms of counts[\s\S]*-2 at sample 's0'[\s\S]*'g1'/,
    );
    expect(await refusal(m, input([1, 0], { normalize: "log1p-cpm" }))).toMatch(/logarithms of counts/);
    expect(await refusal(m, input([0, 2], logs))).toBeNull();
    expect(await refusal(m, input([1, 0]))).toBeNull();
  });
});
