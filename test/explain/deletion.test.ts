import { describe, expect, it } from "vitest";
import { InterruptedError } from "../../src/errors.js";
import { type Deletable, defaultFractions, deletionCurves } from "../../src/explain/deletion.js";
import fixture from "../fixtures/faithfulness.json" with { type: "json" };
import { linearSoftmax } from "./linear-softmax.js";

const of = (known: (typeof fixture.curves)[number]): Deletable => ({
  scores: linearSoftmax(known.w, known.b),
  classes: known.classes,
  x: Float32Array.from(known.x),
  codes: known.codes,
  mean: Float32Array.from(known.mean),
});

describe("deletionCurves", () => {
  describe.each(fixture.curves)("case %#: $n samples × $genes genes", (known) => {
    it.each(["deletion", "insertion"] as const)("equals numpy: %s", async (direction) => {
      const expected = known[direction];
      const found = await deletionCurves(
        of(known),
        Int32Array.from(known.orders),
        direction,
        known.fractions,
      );
      expect(Array.from(found.fractions)).toEqual(expected.shares);
      expect(found.values.length).toBe(expected.values.length);
      expected.values.forEach((value, at) => {
        expect(Math.abs(found.values[at] - value)).toBeLessThan(1e-7); // the scores are float32
      });
      expected.areas.forEach((area, i) => {
        expect(Math.abs(found.areas[i] - area)).toBeLessThan(1e-7);
      });
    });
  });

  it("insertion in one order is deletion in the reverse order, from its end", async () => {
    const known = fixture.curves[0];
    const { n, genes } = known;
    const orders = Int32Array.from(known.orders);
    const reverse = new Int32Array(n * genes);
    for (let i = 0; i < n; i++) reverse.set(orders.slice(i * genes, (i + 1) * genes).reverse(), i * genes);
    const fractions = Array.from({ length: genes + 1 }, (_, k) => k / genes);
    const insertion = await deletionCurves(of(known), orders, "insertion", fractions);
    const deletion = await deletionCurves(of(known), reverse, "deletion", fractions);
    for (let i = 0; i < n; i++) {
      expect(Array.from(insertion.values.slice(i * (genes + 1), (i + 1) * (genes + 1)))).toEqual(
        Array.from(deletion.values.slice(i * (genes + 1), (i + 1) * (genes + 1))).reverse(),
      );
      expect(insertion.areas[i]).toBeCloseTo(deletion.areas[i], 12);
    }
  });

  it("leaves the samples as they are, and asks for no more scores than there are fractions", async () => {
    const known = fixture.curves[0];
    const model = of(known);
    let asked = 0;
    const scores = (x: Float32Array) => {
      asked++;
      return model.scores(x);
    };
    const found = await deletionCurves({ ...model, scores }, Int32Array.from(known.orders), "deletion");
    expect(Array.from(model.x)).toEqual(known.x);
    expect(asked).toBe(found.fractions.length);
    expect(asked).toBeLessThan(defaultFractions.length); // 1 % and 2 % of 23 genes are no gene
  });

  it("refuses what does not fit", async () => {
    const known = fixture.curves[1];
    const model = of(known);
    const orders = Int32Array.from(known.orders);
    const one = (change: Partial<Deletable>, order = orders, fractions: readonly number[] = [0, 1]) =>
      deletionCurves({ ...model, ...change }, order, "deletion", fractions);
    await expect(one({ codes: [] })).rejects.toThrow(/nothing to delete/);
    await expect(one({ codes: [0, 2] })).rejects.toThrow(/sample 1 has class 2/);
    await expect(one({ x: new Float32Array(3) })).rejects.toThrow(/3 values, not 2 samples × 1 genes/);
    await expect(one({}, Int32Array.of(0))).rejects.toThrow(/the orders have 1 genes/);
    await expect(one({}, Int32Array.of(0, 1))).rejects.toThrow(/order of sample 1/);
    await expect(one({}, orders, [0.5, 0.2])).rejects.toThrow(/fraction 1 is 0.2/);
    await expect(one({}, orders, [-0.1])).rejects.toThrow(RangeError);
    await expect(one({ scores: async () => new Float32Array(3) })).rejects.toThrow(/3 scores/);
    await expect(one({ scores: async () => new Float32Array(4).fill(Number.NaN) })).rejects.toThrow(/is NaN/);
    await expect(deletionCurves(model, orders, "deletion", [0, 1], AbortSignal.abort())).rejects.toThrow(
      InterruptedError,
    );
  });

  it("refuses an order that names a gene twice", async () => {
    const known = fixture.curves[0];
    const orders = Int32Array.from(known.orders);
    orders[known.genes + 1] = orders[known.genes];
    await expect(deletionCurves(of(known), orders, "deletion")).rejects.toThrow(
      "the order of sample 1 does not hold every gene once",
    );
  });
});
