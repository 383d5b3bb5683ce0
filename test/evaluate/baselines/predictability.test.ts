import { describe, expect, it } from "vitest";
import { predictability } from "../../../src/evaluate/baselines/predictability.js";
import { RandomState } from "../../../src/random.js";
import type { Column } from "../../../src/table.js";
import type { Fold } from "../../../src/train/folds/fold.js";
import { stratifiedKFold } from "../../../src/train/folds/stratified.js";
import { largestDifference, predictabilityCase as oracle } from "./oracle.js";

const number = (values: Iterable<number | null>): Column => ({
  kind: "number",
  values: Float64Array.from(values, (v) => v ?? Number.NaN),
  integer: false,
});
const categorical = (codes: readonly number[], levels: number): Column => ({
  kind: "categorical",
  categories: Array.from({ length: levels }, (_, i) => `level ${i}`),
  codes: Int32Array.from(codes),
  ordered: false,
});
const text = (values: readonly (string | null)[]): Column => ({ kind: "string", values });
const boolean = (values: readonly number[]): Column => ({ kind: "boolean", values: Int8Array.from(values) });

const codes = Int32Array.from(oracle.codes);
const folds: Fold[] = [0, 1, 2, 3].map((fold) => {
  const rows = Int32Array.from(codes.keys());
  return {
    train: rows.filter((row) => oracle.folds[row] !== fold),
    test: rows.filter((row) => oracle.folds[row] === fold),
  };
});
const columns = [
  number(oracle.depth),
  number(oracle.age),
  categorical(oracle.plate, 7),
  text(oracle.site.map((site) => (site < 0 ? null : `site ${site}`))),
  boolean(oracle.smoker),
];

describe("predictability", () => {
  it("equals scikit-learn's pipeline, out of fold", () => {
    const found = predictability(columns, codes, 3, folds);
    expect([...found.rows]).toEqual([...codes.keys()]);
    expect(largestDifference(found.probabilities, oracle.probabilities)).toBeLessThan(2e-5);
    expect(found.accuracy).toBeCloseTo(oracle.accuracy, 12);
    expect(found.balancedAccuracy).toBeCloseTo(oracle.balancedAccuracy, 12);
    expect(found.majority).toBeCloseTo(oracle.majority, 12);
  });

  it("finds a label that is the batch, and none in noise", () => {
    const random = new RandomState(8);
    const label = Int32Array.from({ length: 200 }, (_, i) => i % 4);
    const five = stratifiedKFold(label, 5, 42);
    const batch = text(Array.from(label, (code) => `patient ${code}`));
    expect(predictability([batch], label, 4, five).accuracy).toBe(1);
    const noise = number(Array.from(label, () => random.standardNormal()));
    const { accuracy, majority } = predictability([noise], label, 4, five);
    expect(majority).toBe(0.25);
    expect(accuracy).toBeLessThan(0.4);
  });

  it("sees that values are missing, and where nothing else is known", () => {
    const label = Int32Array.from({ length: 40 }, (_, i) => i % 2);
    const five = stratifiedKFold(label, 5, 1);
    const some = number(Array.from(label, (code) => (code === 0 ? null : 3)));
    expect(predictability([some], label, 2, five).accuracy).toBe(1);
    expect(
      predictability([text(Array.from(label, (c) => (c === 0 ? null : "a")))], label, 2, five).accuracy,
    ).toBe(1);
    const nothing = predictability([number(label.map(() => Number.NaN))], label, 2, five);
    expect(largestDifference(nothing.probabilities, new Float64Array(80).fill(0.5))).toBeLessThan(1e-6);
  });

  it("has a level or a number that training lacks as none and as the mean", () => {
    const label = Int32Array.of(0, 0, 1, 1, 0);
    const one: Fold[] = [{ train: Int32Array.of(0, 1, 2, 3), test: Int32Array.of(4) }];
    const unseen = predictability([categorical([0, 0, 1, 1, 2], 3)], label, 2, one);
    expect([...unseen.rows]).toEqual([4]);
    expect(largestDifference(unseen.probabilities, [0.5, 0.5])).toBeLessThan(1e-6);
    const gap = predictability([number([1, 1, 3, 3, null])], label, 2, one);
    expect(largestDifference(gap.probabilities, [0.5, 0.5])).toBeLessThan(1e-6);
  });

  it("scores only rows that are tested, in rising order", () => {
    const label = Int32Array.of(0, 1, 0, 1, 0, 1);
    const split: Fold[] = [{ train: Int32Array.of(0, 1, 2, 3), test: Int32Array.of(5, 4) }];
    const found = predictability([number([0, 9, 0, 9, 0, 9])], label, 2, split);
    expect([...found.rows]).toEqual([4, 5]);
    expect([...found.predicted]).toEqual([0, 1]);
    expect(found.accuracy).toBe(1);
  });

  it("refuses what does not fit", () => {
    const label = Int32Array.of(0, 1, 0, 1);
    const half: Fold = { train: Int32Array.of(0, 1), test: Int32Array.of(2, 3) };
    const x = number([1, 2, 3, 4]);
    expect(() => predictability([], label, 2, [half])).toThrow(/no columns/);
    expect(() => predictability([number([1])], label, 2, [half])).toThrow("1 values for 4 rows");
    expect(() => predictability([x], label, 2, [half, half])).toThrow("row 2 is tested twice");
    expect(() => predictability([x], label, 2, [])).toThrow(RangeError);
    expect(() => predictability([number([1, Infinity, 3, 4])], label, 2, [half])).toThrow(/Infinity/);
  });
});
