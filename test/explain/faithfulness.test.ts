import { describe, expect, it } from "vitest";
import type { Deletable } from "../../src/explain/deletion.js";
import { faithfulness } from "../../src/explain/faithfulness.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/faithfulness.json" with { type: "json" };
import { linearSoftmax } from "./linear-softmax.js";

const of = (known: (typeof fixture.curves)[number]): Deletable => ({
  scores: linearSoftmax(known.w, known.b),
  classes: known.classes,
  x: Float32Array.from(known.x),
  codes: known.codes,
  mean: Float32Array.from(known.mean),
});

/** A model of two classes by the first genes of many, samples around the mean, and the order that the model has. */
function made(n: number, genes: number, deciding: number, random: RandomState) {
  const w = Array.from({ length: 2 * genes }, (_, at) => (at >= genes && at - genes < deciding ? 1 : 0));
  const x = Float32Array.from({ length: n * genes }, () => random.standardNormal());
  const codes = Int32Array.from({ length: n }, (_, i) =>
    Number(x.subarray(i * genes, i * genes + deciding).reduce((sum, value) => sum + value, 0) > 0),
  );
  const mean = Float32Array.from({ length: genes }, (_, gene) => gene * 1e-6); // first by mean: genes that do nothing
  const model: Deletable = { scores: linearSoftmax(w, [0, 0]), classes: 2, x, codes, mean };
  const orders = new Int32Array(n * genes);
  for (let i = 0; i < n; i++)
    orders.set(
      Array.from({ length: genes }, (_, gene) => gene).sort((a, b) => {
        const support = (gene: number) => (codes[i] ? 1 : -1) * w[genes + gene] * x[i * genes + gene];
        return support(b) - support(a);
      }),
      i * genes,
    );
  return { model, orders };
}

describe("faithfulness", () => {
  describe.each(fixture.curves)("case %#: $n samples × $genes genes, $draws draws", (known) => {
    it.each(["deletion", "insertion"] as const)("equals numpy on the same draws: %s", async (direction) => {
      const expected = known[direction];
      const found = await faithfulness(of(known), Int32Array.from(known.orders), direction, {
        random: new RandomState(known.seed),
        draws: known.draws,
        fractions: known.fractions,
        resamples: 100,
      });
      const near = (value: number | null, other: number) =>
        expect(Math.abs(value! - other)).toBeLessThan(1e-7);
      expect(Array.from(found.fractions)).toEqual(expected.shares);
      expected.areas.forEach((area, i) => {
        near(found.method.areas[i], area);
      });
      near(found.method.area, expected.areas.reduce((a, b) => a + b, 0) / known.n);
      expect(found.random.curve.length).toBe(expected.randomCurve.length);
      expected.randomCurve.forEach((value, point) => {
        near(found.random.curve[point], value);
      });
      expected.drawAreas.forEach((area, draw) => {
        near(found.random.draws[draw], area);
      });
      if (expected.sd === null) expect(found.random.sd).toBeNull();
      else near(found.random.sd, expected.sd);
      near(found.expression.area, expected.expressionArea);
      near(found.overRandom.estimate, expected.gain);
      near(found.overExpression.estimate, expected.gainOverExpression);
    });
  });

  it.each(["deletion", "insertion"] as const)(
    "finds the model's own order better than chance: %s",
    async (direction) => {
      const { model, orders } = made(30, 50, 5, new RandomState(3));
      const found = await faithfulness(model, orders, direction, {
        random: new RandomState(1),
        resamples: 300,
      });
      expect(found.better).toBe(true);
      expect(found.overRandom.better).toBe(true);
      expect(found.overExpression.better).toBe(true);
      expect(found.sentence).toMatch(
        new RegExp(
          `^better than chance: area under the ${direction} curve 0\\.\\d+, in random order 0\\.\\d+ to 0\\.\\d+;`,
        ),
      );
    },
  );

  it("calls the reverse order, and hardly ever a random one, better than chance", async () => {
    const random = new RandomState(17);
    const { model, orders } = made(30, 50, 5, random);
    const reverse = new Int32Array(orders.length);
    for (let i = 0; i < 30; i++) reverse.set(orders.slice(i * 50, (i + 1) * 50).reverse(), i * 50);
    const options = { random, draws: 10, resamples: 100 };
    const worse = await faithfulness(model, reverse, "deletion", options);
    expect(worse.better).toBe(false);
    expect(worse.overRandom.estimate).toBeLessThan(0);
    expect(worse.sentence).toMatch(/^no better than chance: .* a gain of −0\.\d+/);
    let wrong = 0;
    for (let round = 0; round < 40; round++) {
      const order = new Int32Array(orders.length);
      for (let i = 0; i < 30; i++) order.set(random.permutation(50), i * 50);
      if ((await faithfulness(model, order, "deletion", options)).better) wrong++;
    }
    expect(wrong).toBeLessThanOrEqual(3); // both halves of the rule hold by luck in less than 1 of 40
  });

  it("says where an order is no better than that by mean expression", async () => {
    const { model, orders } = made(20, 30, 4, new RandomState(5));
    const mean = Float32Array.from({ length: 30 }, (_, gene) => -gene * 1e-6); // first by mean: the genes that decide
    const same = new Int32Array(orders.length);
    for (let i = 0; i < 20; i++) for (let gene = 0; gene < 30; gene++) same[i * 30 + gene] = gene;
    const found = await faithfulness({ ...model, mean }, same, "insertion", {
      random: new RandomState(1),
      resamples: 100,
    });
    expect(found).toMatchObject({ better: true, overExpression: { better: false, estimate: 0 } });
    expect(found.sentence).toMatch(/^better than chance, but no better than the order by mean expression: /);
  });

  it("cannot tell from a single sample, and says so", async () => {
    const { model, orders } = made(1, 30, 3, new RandomState(2));
    const found = await faithfulness(model, orders, "deletion", {
      random: new RandomState(1),
      resamples: 20,
    });
    expect(found.better).toBe(false);
    expect(found.sentence).toContain("whose interval cannot be told");
  });

  it("draws groups as a whole, gives the same for the same seed, and tells of its progress", async () => {
    const { model, orders } = made(12, 20, 3, new RandomState(4));
    const seen: number[] = [];
    const once = (groups?: Int32Array) =>
      faithfulness(model, orders, "deletion", {
        random: new RandomState(9),
        draws: 3,
        resamples: 200,
        groups,
        progress: {
          task: (_, total) => ({ update: (done) => seen.push(done / total), end: () => {} }),
          note: () => {},
          warn: () => {},
        },
      });
    expect(await once()).toEqual(await once());
    expect(seen.slice(0, 5)).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
    const grouped = await once(Int32Array.from({ length: 12 }, (_, i) => i % 3));
    expect(grouped.overRandom.note).toMatch(/Drawn from 3 groups/);
  });

  it("refuses no draws", async () => {
    const { model, orders } = made(2, 3, 1, new RandomState(4));
    await expect(
      faithfulness(model, orders, "deletion", { random: new RandomState(9), draws: 0 }),
    ).rejects.toThrow(/0 draws/);
  });
});
