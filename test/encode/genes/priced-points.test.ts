import { describe, expect, it } from "vitest";
import { PricedPoints } from "../../../src/encode/genes/priced-points.js";
import { RandomState } from "../../../src/random.js";
import { kinds, layout } from "./layouts.js";

/** The k least costs, by looking at every point. */
const bruteForce = (points: Float64Array, prices: Float64Array, x: number, y: number, k: number) =>
  Array.from(prices, (price, i) => (points[2 * i] - x) ** 2 + (points[2 * i + 1] - y) ** 2 + price)
    .sort((a, b) => a - b)
    .slice(0, k);

describe("PricedPoints.cheapest: what looking at every point finds", () => {
  for (const kind of kinds)
    it(`${kind} points, partners near and nonsensical, prices that rise`, () => {
      for (const n of [1, 2, 8, 9, 17, 200]) {
        const random = new RandomState(n);
        const points = layout(kind, n, 1);
        const tree = new PricedPoints(points);
        for (const partners of [points, layout("uniform", n, 2), points.map((v) => 50 * v)]) {
          const prices = Float64Array.from({ length: n }, () => random.random() - 0.5);
          tree.reset(prices, partners);
          for (let round = 0; round < 50; round++) {
            const [x, y] = [2 * random.random() - 0.5, 2 * random.random() - 0.5];
            const k = 1 + random.interval(Math.min(n, 6) - 1);
            const found = new Int32Array(k + 2).fill(-7);
            const costs = new Float64Array(k + 2).fill(-7);
            tree.cheapest(x, y, k, found, costs, 1);
            const expected = bruteForce(points, prices, x, y, k);
            expected.forEach((cost, i) => {
              expect(Math.abs(costs[i + 1] - cost)).toBeLessThanOrEqual(1e-12);
            });
            const chosen = found.subarray(1, k + 1);
            expect(new Set(chosen).size).toBe(k);
            chosen.forEach((i, at) => {
              const cost = (points[2 * i] - x) ** 2 + (points[2 * i + 1] - y) ** 2 + prices[i];
              expect(costs[at + 1]).toBe(cost);
            });
            expect([found[0], found[k + 1], costs[0], costs[k + 1]]).toEqual([-7, -7, -7, -7]);
            for (let raised = 0; raised < 5; raised++) {
              const i = random.interval(n - 1);
              prices[i] += 0.3 * random.random();
              tree.raise(i, prices[i]);
            }
          }
        }
      }
    });
});
