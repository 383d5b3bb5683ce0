import { describe, expect, it } from "vitest";
import { type Floats, floats, type Precision } from "../../src/embed/directions.js";
import { leadingEigen } from "../../src/embed/leading-eigen.js";
import { symmetricEigen } from "../../src/embed/symmetric-eigen.js";
import { RandomState } from "../../src/random.js";

/** H D H with a reflection H: its eigenvectors are the columns of H. */
function withEigenvalues(values: readonly number[]): { g: Float64Array; h: Float64Array } {
  const m = values.length;
  const random = new RandomState(5);
  const v = Float64Array.from({ length: m }, () => random.standardNormal());
  const squares = v.reduce((sum, a) => sum + a * a, 0);
  const h = Float64Array.from({ length: m * m }, (_, p) => {
    const [i, j] = [Math.floor(p / m), p % m];
    return (i === j ? 1 : 0) - (2 * v[i] * v[j]) / squares;
  });
  const g = new Float64Array(m * m);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < m; j++)
      for (let p = 0; p < m; p++) g[i * m + j] += h[i * m + p] * values[p] * h[j * m + p];
  return { g, h };
}

/** Eigenvectors by Rayleigh–Ritz in float64, m × width. */
async function find(g: Float64Array, k: number, precision: Precision = "float64", threads = 2) {
  const m = Math.sqrt(g.length);
  const told: string[] = [];
  const report = (_: number, at: string) => told.push(at);
  const inPrecision = floats(precision, g.length);
  inPrecision.set(g);
  let spaces = 0;
  const inSpace = async (basis: Floats) => {
    spaces++;
    const width = basis.length / m;
    const inner = new Float64Array(width * width);
    for (let a = 0; a < m; a++)
      for (let b = 0; b < m; b++)
        for (let i = 0; i < width; i++)
          for (let j = 0; j < width; j++)
            inner[i * width + j] += basis[a * width + i] * g[a * m + b] * basis[b * width + j];
    return symmetricEigen(inner);
  };
  const found = await leadingEigen(inPrecision, inSpace, { k, random: new RandomState(1), threads, report });
  if (found === null) return { eigen: null, told, spaces };
  const { basis, ritz } = found;
  const width = ritz.values.length;
  const vectors = Float64Array.from({ length: m * width }, (_, p) => {
    let sum = 0;
    for (let i = 0; i < width; i++)
      sum += basis[Math.floor(p / width) * width + i] * ritz.vectors[i * width + (p % width)];
    return sum;
  });
  return { eigen: { values: ritz.values, vectors }, told, spaces };
}

describe("largest eigenpairs", () => {
  const m = 211;
  const spectra: [string, (i: number) => number, number][] = [
    ["falling", (i) => 100 / (1 + i), 9],
    ["falling, small enough to be solved whole", (i) => (i < 60 ? 100 / (1 + i) : 0), 90],
    ["four orders of magnitude", (i) => 10 ** (-i / 8), 10],
    ["every one twice", (i) => 50 / (1 + (i >> 1)), 9],
    ["all the same", () => 3, 6],
    ["three and a flat rest", (i) => (i < 3 ? 90 - 20 * i : 1 - i * 1e-5), 9],
  ];
  for (const [title, of, k, precision] of spectra.flatMap((s) =>
    (["float64", "float32"] as const).map((type) => [...s, type] as const),
  ))
    it(`${title}, ${precision}: values, and vectors in the space of the eigenvalues near by`, async () => {
      const values = Array.from({ length: m }, (_, i) => of(i));
      const { g, h } = withEigenvalues(values);
      const { eigen, told, spaces } = await find(g, k, precision);
      if (eigen === null) throw new Error("nothing found");
      expect(told.length > 0).toBe(k < 90);
      // What was foretold holds, but where rounding ends the iteration before its time.
      expect(spaces).toBeLessThanOrEqual(title.includes("flat") ? 5 : 1);
      const width = eigen.values.length;
      for (let i = 0; i < k; i++) {
        expect(Math.abs(eigen.values[i] - values[i])).toBeLessThan(1e-5 * values[0]);
        let within = 0;
        for (let j = 0; j < m; j++) {
          if (Math.abs(values[j] - values[i]) > 1e-2 * values[i] + 1e-12) continue;
          let along = 0;
          for (let r = 0; r < m; r++) along += h[r * m + j] * eigen.vectors[r * width + i];
          within += along * along;
        }
        expect(within, `direction ${i + 1}`).toBeGreaterThan(0.9999);
        for (let b = 0; b <= i; b++) {
          let dot = 0;
          for (let r = 0; r < m; r++) dot += eigen.vectors[r * width + i] * eigen.vectors[r * width + b];
          expect(dot).toBeCloseTo(i === b ? 1 : 0, precision === "float64" ? 10 : 6);
        }
      }
    });

  it("gives up where the values sought span too many powers of ten, or there are none", async () => {
    for (const of of [
      (i: number) => (i === 0 ? 1 : 1e-7 / (1 + i / 50)),
      (i: number) => Math.max(0, 5 - i),
      () => 0,
    ]) {
      const { g } = withEigenvalues(Array.from({ length: m }, (_, i) => of(i)));
      expect((await find(g, 9)).eigen).toBeNull();
    }
  });
});
