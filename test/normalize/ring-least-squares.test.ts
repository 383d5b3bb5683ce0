import { Matrix, solve } from "ml-matrix";
import { expect, it } from "vitest";
import { ringLeastSquares } from "../../src/normalize/ring-least-squares.js";
import { RandomState } from "../../src/random.js";

it.each([
  [1, [1]],
  [7, [2, 3]],
  [8, [4]], // of itself not unique
  [12, [12]],
  [30, [5, 7, 30]],
  [9, []],
] as const)("solves the equations as they are written, %i places, windows of %j", (n, lengths) => {
  const random = new RandomState(n);
  const [level, weight] = [0.7, 0.01];
  const sums = lengths.map(() => Float64Array.from({ length: n }, () => random.random() * 5));
  const rows: number[][] = [];
  const right: number[] = [];
  lengths.forEach((length, s) => {
    for (let first = 0; first < n; first++) {
      const row = new Array<number>(n).fill(0);
      for (let j = 0; j < length; j++) row[(first + j) % n] += 1;
      rows.push(row);
      right.push(sums[s][first]);
    }
  });
  for (let i = 0; i < n; i++) {
    rows.push(Array.from({ length: n }, (_, j) => (i === j ? Math.sqrt(weight) : 0)));
    right.push(Math.sqrt(weight) * level);
  }
  const expected = solve(new Matrix(rows), Matrix.columnVector(right), true).to1DArray();
  const found = ringLeastSquares(lengths, sums, n, level, weight);
  expected.forEach((v, i) => {
    expect(found[i]).toBeCloseTo(v, 9);
  });
});
