/** Made counts: cells of two kinds, one of which has many genes of its own, and their true size factors. */
import type { CsrMatrix } from "../../src/matrix.js";
import { RandomState } from "../../src/random.js";

export interface MadeCells {
  x: CsrMatrix;
  /** Depth of each cell, whatever its kind. */
  depth: Float64Array;
  kind: Int32Array;
}

/**
 * @param fold how much higher every sixth gene is in cells of kind 1
 * @param counts of a cell of kind 0 and depth 1
 */
export function madeCells(n: number, genes: number, { seed = 1, counts = 2000, fold = 8 } = {}): MadeCells {
  const random = new RandomState([seed, 0x5ca]);
  const uniform = () => random.random();
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const share = Float64Array.from({ length: genes }, () => Math.exp(1.2 * normal()));
  const sum = share.reduce((a, b) => a + b, 0);
  const depth = Float64Array.from({ length: n }, () => Math.exp(0.6 * normal()));
  const kind = Int32Array.from({ length: n }, () => (uniform() < 0.4 ? 1 : 0));
  const indptr = new Float64Array(n + 1);
  const [indices, values]: number[][] = [[], []];
  for (let i = 0; i < n; i++) {
    for (let g = 0; g < genes; g++) {
      const own = kind[i] === 1 && g % 6 === 0 ? fold : 1;
      const mean = (counts * depth[i] * own * share[g]) / sum;
      // Noise between cells beside that of counting.
      const count = poisson(mean * Math.exp(0.4 * normal() - 0.08), uniform, normal);
      if (count === 0) continue;
      indices.push(g);
      values.push(count);
    }
    indptr[i + 1] = indices.length;
  }
  return {
    x: {
      kind: "csr",
      rows: n,
      cols: genes,
      indptr,
      indices: Int32Array.from(indices),
      values: Float32Array.from(values),
    },
    depth,
    kind,
  };
}

function poisson(mean: number, uniform: () => number, normal: () => number): number {
  if (mean > 40) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let p = uniform(); p > limit; p *= uniform()) count++;
  return count;
}
