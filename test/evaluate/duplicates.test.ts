import { describe, expect, it } from "vitest";
import { findDuplicates } from "../../src/evaluate/duplicates.js";
import type { DenseMatrix, Matrix } from "../../src/matrix.js";
import { RandomState } from "../../src/random.js";

const k = 6;
/** Samples whose genes have very different means, as in bulk data: raw rows all correlate above 0.99. */
function made(n: number, genes: number): { x: DenseMatrix; scores: Float32Array } {
  const random = new RandomState(n);
  const mean = Float64Array.from({ length: genes }, () => 20 * random.standardNormal());
  const data = Float32Array.from({ length: n * genes }, (_, p) => mean[p % genes] + random.standardNormal());
  const scores = Float32Array.from({ length: n * k }, (_, p) => data[Math.floor(p / k) * genes + (p % k)]);
  return { x: { kind: "dense", rows: n, cols: genes, data }, scores };
}
function copy(set: ReturnType<typeof made>, from: number, to: number, noise: number) {
  const random = new RandomState([from, to]);
  const { cols, data } = set.x;
  for (let j = 0; j < cols; j++)
    data[to * cols + j] = data[from * cols + j] + noise * random.standardNormal();
  for (let c = 0; c < k; c++) set.scores[to * k + c] = data[to * cols + c];
}

describe("findDuplicates", () => {
  it("finds copies and near copies, and no two different samples", async () => {
    const set = made(60, 200);
    copy(set, 3, 50, 0);
    copy(set, 10, 7, 0.05);
    const pairs = await findDuplicates(set.x, set.scores, k);
    expect(pairs.map(({ a, b, identical }) => [a, b, identical])).toEqual([
      [3, 50, true],
      [7, 10, false],
    ]);
    expect(pairs[0].correlation).toBe(1);
    expect(pairs[1].correlation).toBeGreaterThan(0.99);
  });

  it("is the same for a sparse matrix", async () => {
    const set = made(20, 30);
    copy(set, 2, 9, 0);
    const { rows, cols, data } = set.x;
    const sparse: Matrix = {
      kind: "csr",
      rows,
      cols,
      indptr: Float64Array.from({ length: rows + 1 }, (_, i) => i * cols),
      indices: Int32Array.from(data, (_, p) => p % cols),
      values: data,
    };
    expect(await findDuplicates(sparse, set.scores, k)).toEqual(await findDuplicates(set.x, set.scores, k));
  });

  it("names every pair of three copies", async () => {
    const set = made(30, 50);
    copy(set, 1, 20, 0);
    copy(set, 1, 25, 0);
    const pairs = (await findDuplicates(set.x, set.scores, k)).map(({ a, b }) => `${a} ${b}`);
    expect(pairs).toEqual(["1 20", "1 25", "20 25"]);
  });

  it.each([0, 1, 2])("takes %i samples", async (n) => {
    const { x, scores } = made(n, 8);
    expect(await findDuplicates(x, scores, k)).toEqual([]);
  });

  it("refuses scores of other samples", async () => {
    const { x } = made(3, 4);
    await expect(findDuplicates(x, new Float32Array(5), k)).rejects.toThrow("5 scores are not 3 samples × 6");
  });
});
