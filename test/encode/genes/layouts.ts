/** The layouts of genes of test/oracles/assignment.py. */
import { RandomState } from "../../../src/random.js";

type Place = (i: number, n: number, u: readonly number[]) => [number, number];
const places: Record<string, Place> = {
  uniform: (_i, _n, [a, b]) => [a, b],
  clustered: (_i, _n, [a, b, c, d]) => {
    const spot = Math.floor(9 * a);
    return [0.1 + 0.3 * (spot % 3) + 0.04 * b * c, 0.1 + 0.3 * Math.floor(spot / 3) + 0.04 * b * d];
  },
  collapsed: (i, _n, [a, b, c, d]) => (i % 50 === 0 ? [a, b] : [0.3 + 0.001 * c, 0.3 + 0.001 * d]),
  duplicates: (_i, _n, [a, b]) => [Math.floor(5 * a) / 5, Math.floor(5 * b) / 5],
  line: (i, n) => [i / n, i / n],
  same: () => [0.4, 0.4],
};
export const kinds = Object.keys(places);

export function layout(kind: string, n: number, seed: number): Float64Array {
  const random = new RandomState(seed);
  const points = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) {
    const u = [random.random(), random.random(), random.random(), random.random()];
    points.set(places[kind](i, n, u), 2 * i);
  }
  return points;
}
