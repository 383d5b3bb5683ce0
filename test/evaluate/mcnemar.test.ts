import { describe, expect, it } from "vitest";
import { mcnemar } from "../../src/evaluate/mcnemar.js";
import fixture from "../fixtures/statistics.json" with { type: "json" };

/** True classes and two predictions with so many samples that both, one or neither gets right. */
function predictions(counts: { both: number; onlyA: number; onlyB: number; neither: number }) {
  const rights = [
    ...new Array(counts.both).fill([1, 1]),
    ...new Array(counts.onlyA).fill([1, 0]),
    ...new Array(counts.onlyB).fill([0, 1]),
    ...new Array(counts.neither).fill([0, 0]),
  ];
  const actual = Int32Array.from(rights, (_, i) => i % 3);
  const codes = (model: 0 | 1) => actual.map((code, i) => (code + (rights[i][model] ? 0 : 1 + (i % 2))) % 3);
  return { actual, a: codes(0), b: codes(1) };
}

describe("mcnemar", () => {
  it.each(fixture.mcnemar)(
    "equals statsmodels: $onlyA against $onlyB of $both + $neither more",
    ({ both, onlyA, onlyB, neither, p }) => {
      const { actual, a, b } = predictions({ both, onlyA, onlyB, neither });
      const result = mcnemar(actual, a, b);
      expect(result).toMatchObject({ onlyA, onlyB, n: onlyA + onlyB, method: "exact" });
      expect(Math.abs(result.p - p)).toBeLessThanOrEqual(1e-12 * p);
      expect(result.p).toBeGreaterThanOrEqual(result.pAttainable);
      expect(mcnemar(actual, b, a).p).toBe(result.p);
      const alone = Int32Array.from(actual, (_, i) => 3 * i);
      expect(mcnemar(actual, a, b, alone).p).toBe(result.p);
    },
  );

  it.each(fixture.mcnemarGroups)(
    "equals scipy's permutation test of whole groups: case %#, p = $p",
    ({ groups, differences, p }) => {
      const actual = new Int32Array(differences.length);
      const a = Int32Array.from(differences, (d) => Number(d < 0));
      const b = Int32Array.from(differences, (d) => Number(d > 0));
      const result = mcnemar(actual, a, b, Int32Array.from(groups));
      expect(result.p).toBeCloseTo(p, 14);
      expect(result.p).toBeGreaterThanOrEqual(result.pAttainable);
    },
  );

  it("takes thirty samples of three patients for three observations", () => {
    const { actual, a, b } = predictions({ both: 0, onlyA: 30, onlyB: 0, neither: 0 });
    const patients = actual.map((_, i) => i % 3);
    expect(mcnemar(actual, a, b).p).toBe(2 ** -29);
    expect(mcnemar(actual, a, b, patients)).toEqual({
      onlyA: 30,
      onlyB: 0,
      p: 0.25,
      pAttainable: 0.25,
      n: 3,
      method: "exact",
      note: "The two differ on 3 groups only, which cannot give a p below 0.25.",
    });
  });

  it("says why there is nothing to decide", () => {
    const alike = predictions({ both: 3, onlyA: 0, onlyB: 0, neither: 2 });
    expect(mcnemar(alike.actual, alike.a, alike.b)).toMatchObject({
      p: 1,
      pAttainable: 1,
      n: 0,
      note: "The two are right on the same samples.",
    });
    const even = predictions({ both: 0, onlyA: 1, onlyB: 1, neither: 0 });
    expect(mcnemar(even.actual, even.a, even.b, Int32Array.of(4, 4))).toMatchObject({
      p: 1,
      n: 0,
      note: "In every group the two have as many right.",
    });
    const one = predictions({ both: 0, onlyA: 1, onlyB: 0, neither: 0 });
    expect(mcnemar(one.actual, one.a, one.b).note).toBe(
      "The two differ on 1 sample only, which cannot give a p below 1.",
    );
    const six = predictions({ both: 0, onlyA: 6, onlyB: 0, neither: 0 });
    expect(mcnemar(six.actual, six.a, six.b).note).toBeUndefined();
  });

  it("refuses no samples and lengths that differ", () => {
    const none = new Int32Array(0);
    const two = Int32Array.of(0, 1);
    expect(() => mcnemar(none, none, none)).toThrow(RangeError);
    expect(() => mcnemar(two, two, Int32Array.of(1))).toThrow(RangeError);
    expect(() => mcnemar(two, two, two, Int32Array.of(1))).toThrow(/1 groups given for 2 samples/);
  });
});
