import { describe, expect, it } from "vitest";
import { findDuplicates } from "../../src/evaluate/duplicates.js";
import { type DenseMatrix, type Matrix, selectRows } from "../../src/matrix.js";
import { RandomState } from "../../src/random.js";
import { toCsr } from "../embed/genes.js";

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

/** As if it lay on disk. */
const stored = (m: DenseMatrix, blockRows: number): Matrix => ({
  ...{ kind: "stored", rows: m.rows, cols: m.cols, blockRows, limit: 0 },
  read: (first, count) =>
    selectRows(
      m,
      Int32Array.from({ length: count }, (_, i) => first + i),
    ),
});

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

  it("of many samples finds the same by index, hashes and sketches", async () => {
    const set = made(80, 300);
    copy(set, 3, 50, 0);
    copy(set, 10, 7, 0.05);
    copy(set, 11, 60, 0.12); // a correlation of about 0.993
    copy(set, 12, 61, 0.3);
    for (const [from, to] of [
      [20, 21],
      [20, 22],
    ])
      copy(set, from, to, 0);
    const expected = await findDuplicates(set.x, set.scores, k);
    expect(expected.map(({ a, b }) => `${a} ${b}`).sort()).toEqual(
      ["11 60", "20 21", "20 22", "21 22", "3 50", "7 10"].sort(),
    );
    for (const x of [set.x, toCsr(set.x), stored(set.x, 7)])
      expect(await findDuplicates(x, set.scores, k, { exact: 0, threads: 1 })).toEqual(expected);
  });

  it("of many samples finds all equal rows wherever their scores lie, some pairs of each of very many", async () => {
    const set = made(40, 20);
    for (let i = 10; i < 30; i++) copy(set, 5, i, 0);
    // scores of another picture, in which nothing is near
    const scores = made(41, k).scores.slice(0, 40 * k);
    const pairs = await findDuplicates(set.x, scores, k, { exact: 0, neighbours: 3 });
    expect(pairs.every(({ identical }) => identical)).toBe(true);
    const members = new Set(pairs.flatMap(({ a, b }) => [a, b]));
    expect([...members].sort((a, b) => a - b)).toEqual([5, ...Array.from({ length: 20 }, (_, i) => 10 + i)]);
    expect(pairs.length).toBeLessThan(20 * 6);
  });

  it("of more than 10,000 samples by an approximate index", async () => {
    const set = made(10_500, 24);
    for (let c = 0; c < 12; c++) copy(set, 100 + c, 9000 + c, 0);
    for (let c = 0; c < 12; c++) copy(set, 300 + c, 5000 + c, 1e-3);
    const pairs = await findDuplicates(set.x, set.scores, k);
    const named = new Set(pairs.map(({ a, b }) => `${a} ${b}`));
    for (let c = 0; c < 12; c++) expect(named.has(`${100 + c} ${9000 + c}`)).toBe(true);
    const near = Array.from({ length: 12 }, (_, c) => named.has(`${300 + c} ${5000 + c}`));
    expect(near.filter(Boolean).length).toBeGreaterThan(9);
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
