/** The out-of-sample rule, alone and behind a projection (oracle: test/oracles/neighbour_map.py). */
import { describe, expect, it } from "vitest";
import { neighbourMapGraph } from "../../src/embed/neighbour-map.js";
import { projectionGraph } from "../../src/embed/projection.js";
import { gradients } from "../../src/graph/gradients.js";
import { Graph } from "../../src/graph/graph.js";
import { createSession } from "../../src/graph/session.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/neighbour_map.json" with { type: "json" };

function drawn(seed: number[], length: number): Float32Array {
  const random = new RandomState(seed);
  return Float32Array.from({ length }, () => random.standardNormal());
}

type Case = (typeof fixture)[number];

function parts(seed: number, { n, components: k, axes, genes, neighbours }: Case) {
  const projection = {
    genes,
    chosen: null,
    scale: null,
    mean: drawn([seed, 1], genes),
    loadings: drawn([seed, 2], k * genes),
    components: k,
  };
  const map = {
    neighbours,
    components: k,
    reference: drawn([seed, 3], n * k),
    places: drawn([seed, 4], n * axes),
    axes,
  };
  return { projection, map };
}

/** Largest deviation, relative to the largest expected value where that is above 1. */
function gap(actual: ArrayLike<number>, expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(1, ...expected.map(Math.abs));
  return Math.max(...expected.map((e, i) => Math.abs(actual[i] - e))) / scale;
}

describe("neighbourMapGraph", () => {
  it.each(fixture.map((c, seed) => ({ ...c, seed })))(
    "$n training samples, $components components, $axes axes, $neighbours neighbours",
    async ({ seed, ...c }) => {
      const { projection, map } = parts(seed, c);
      const g = new Graph();
      const expression = g.input("expression", [c.new, c.genes]);
      const { places, distance } = neighbourMapGraph(g, map, projectionGraph(g, projection, expression));
      g.output("places", places);
      g.output("distance", distance);
      const dy = g.input("dy", [c.new, c.axes]);
      g.output("gradient", gradients(g, places, [expression], dy)[0]);
      const session = await createSession(g, { threads: 2 });
      const x = drawn([seed, 0], c.new * c.genes);
      const out = await session.run({ expression: x, dy: drawn([seed, 5], c.new * c.axes) });
      await session.release();
      expect(gap(out.places.data as Float32Array, c.places)).toBeLessThan(1e-6);
      expect(gap(out.distance.data as Float32Array, c.distance)).toBeLessThan(1e-6);
      expect(gap(out.gradient.data as Float32Array, c.gradient)).toBeLessThan(1e-5);
    },
  );

  it("places a sample that coincides with many training samples among them", async () => {
    const n = 20;
    const reference = new Float32Array(n * 2).fill(3);
    const places = Float32Array.from({ length: n }, (_, i) => i);
    const g = new Graph();
    const scores = g.input("scores", [1, 2]);
    const map = { neighbours: 15, components: 2, reference, places, axes: 1 };
    const out = neighbourMapGraph(g, map, scores);
    g.output("places", out.places);
    g.output("distance", out.distance);
    const session = await createSession(g);
    const at = await session.run({ scores: Float32Array.of(3, 3) });
    expect(at.places.data[0]).toBeCloseTo(9.5, 5);
    expect(at.distance.data[0]).toBe(0);
    // Far away: the mean again, and a distance that says so. At the very mean of training there is no direction.
    const far = await session.run({ scores: Float32Array.of(1003, 3) });
    expect(far.places.data[0]).toBeCloseTo(9.5, 5);
    expect(far.distance.data[0]).toBeCloseTo(1000, 3);
    const centre = await session.run({ scores: new Float32Array(2) });
    expect(centre.places.data[0]).toBeCloseTo(9.5, 5);
    await session.release();
  });

  it("is continuous where a neighbour comes and another goes", async () => {
    const { map } = parts(0, fixture[0]);
    const g = new Graph();
    const scores = g.input("scores", ["N", map.components]);
    g.output("places", neighbourMapGraph(g, map, scores).places);
    const session = await createSession(g);
    const steps = 4000;
    const from = drawn([9, 1], map.components);
    const to = drawn([9, 2], map.components);
    const line = Float32Array.from({ length: (steps + 1) * map.components }, (_, p) => {
      const j = p % map.components;
      const share = Math.floor(p / map.components) / steps;
      return from[j] * (1 - share) + to[j] * share;
    });
    const places = (await session.run({ scores: line })).places.data as Float32Array;
    await session.release();
    let largest = 0;
    for (let i = 4; i < places.length; i++) largest = Math.max(largest, Math.abs(places[i] - places[i - 4]));
    // The whole way is a few units long; a jump of a neighbour with a weight would be a tenth of one.
    expect(largest).toBeLessThan(5e-3);
  });
});
