import { Matrix as Dense, EigenvalueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { symmetricEigen } from "../../src/embed/symmetric-eigen.js";
import { RandomState } from "../../src/random.js";

function randomMatrix(m: number, seed: number): Float64Array {
  const random = new RandomState(seed);
  const a = new Float64Array(m * m);
  for (let i = 0; i < m; i++)
    for (let j = 0; j <= i; j++) a[i * m + j] = a[j * m + i] = random.standardNormal();
  return a;
}

const diagonal = (values: readonly number[]) => {
  const m = values.length;
  return Float64Array.from({ length: m * m }, (_, p) => (p % (m + 1) === 0 ? values[p / (m + 1)] : 0));
};

/** Of rank 1: u uᵀ. */
const outer = (u: readonly number[]) => Float64Array.from(u.flatMap((a) => u.map((b) => a * b)));

describe("all eigenpairs of a symmetric matrix", () => {
  const cases: [string, Float64Array][] = [
    ["0 × 0", new Float64Array(0)],
    ["1 × 1", Float64Array.of(-3)],
    ["2 × 2", Float64Array.of(2, 1, 1, 2)],
    ["3 × 3, random", randomMatrix(3, 1)],
    ["17 × 17, random", randomMatrix(17, 2)],
    ["64 × 64, random", randomMatrix(64, 3)],
    ["121 × 121, random", randomMatrix(121, 4)],
    ["all zero", new Float64Array(49)],
    ["the same value again and again", diagonal([2, 2, 2, 2, 2])],
    ["a diagonal in no order", diagonal([1, -4, 9, 0, 2.5])],
    ["of rank 1", outer([1, 2, -3, 0.5, 0, 7])],
    ["very large", randomMatrix(9, 5).map((v) => v * 1e200)],
    ["very small", randomMatrix(9, 6).map((v) => v * 1e-200)],
    ["twelve orders of magnitude", diagonal(Array.from({ length: 13 }, (_, i) => 10 ** -i))],
  ];
  for (const [title, a] of cases)
    it(`${title}: values as ml-matrix's, orthonormal vectors, and A v = λ v`, () => {
      const m = Math.sqrt(a.length);
      const { values, vectors } = symmetricEigen(a);
      expect([values.length, vectors.length]).toEqual([m, m * m]);
      if (m === 0) return;
      // ml-matrix takes no entries near the largest and least numbers.
      const scale = Math.max(...a.map(Math.abs)) || 1;
      const scaled = Dense.from1DArray(m, m, [...a.map((v) => v / scale)]);
      const peer = new EigenvalueDecomposition(scaled, { assumeSymmetric: true });
      const expected = peer.realEigenvalues.map((v) => scale * v).sort((p, q) => q - p);
      const size = Math.max(...expected.map(Math.abs), Number.MIN_VALUE);
      for (let i = 0; i < m; i++) {
        expect(Math.abs(values[i] - expected[i])).toBeLessThanOrEqual(1e-13 * m * size);
        for (let j = 0; j <= i; j++) {
          let dot = 0;
          for (let r = 0; r < m; r++) dot += vectors[r * m + i] * vectors[r * m + j];
          expect(Math.abs(dot - (i === j ? 1 : 0))).toBeLessThan(1e-12);
        }
        for (let r = 0; r < m; r++) {
          let image = 0;
          for (let c = 0; c < m; c++) image += a[r * m + c] * vectors[c * m + i];
          expect(Math.abs(image - values[i] * vectors[r * m + i])).toBeLessThanOrEqual(1e-13 * m * size);
        }
      }
    });
});
