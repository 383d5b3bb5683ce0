import { describe, expect, it } from "vitest";
import { RandomState } from "../../../src/random.js";
import type { Parts } from "../../../src/train/folds/fold.js";
import { stratifiedGroupKFold } from "../../../src/train/folds/stratified-group.js";
import { carveValidation } from "../../../src/train/folds/validation.js";
import fixture from "../../fixtures/splitters.json" with { type: "json" };
import { digits } from "./oracle.js";

const all = (n: number) => Int32Array.from({ length: n }, (_, i) => i);
const none = new Int32Array(0);
const joined = (...lists: Int32Array[]) => lists.flatMap((list) => [...list]).sort((a, b) => a - b);

/** The rows of `train` are parted, both parts rise, the test part is untouched. */
function expectParted(parts: Parts, train: Int32Array, test: Int32Array): void {
  expect(joined(parts.train, parts.validation)).toEqual([...train]);
  for (const list of [parts.train, parts.validation])
    expect([...list]).toEqual([...list].sort((a, b) => a - b));
  expect(parts.test).toBe(test);
}

describe("a validation part by class", () => {
  it.each(fixture.shuffles)("is scikit-learn's test part of the training rows: case %#", (oracle) => {
    // Every third row of the file is a test row; the training rows are the oracle's.
    const inner = digits(oracle.codes);
    const n = inner.length + Math.floor(inner.length / 2);
    const train = all(n).filter((row) => row % 3 !== 2);
    const test = all(n).filter((row) => row % 3 === 2);
    const codes = new Int32Array(n);
    train.forEach((row, i) => {
      codes[row] = inner[i];
    });
    const parts = carveValidation({ train, test }, codes, { share: oracle.share, seed: oracle.seed });
    const member = digits(oracle.test);
    expect([...parts.validation]).toEqual([...train.filter((_, i) => member[i] === 1)]);
    expectParted(parts, train, test);
  });

  it("leaves every class a training row, and takes the share, for any sizes and shares", () => {
    const random = new RandomState(5);
    for (let i = 0; i < 2000; i++) {
      const n = 1 + random.interval(40);
      const classes = 1 + random.interval(8);
      const codes = Int32Array.from({ length: n }, () => random.interval(classes - 1));
      const train = all(n).filter(() => random.random() < 0.8);
      const share = [0.01, 0.1, 0.25, 1 / 3, 0.49, 0.5][random.interval(5)];
      const parts = carveValidation({ train, test: none }, codes, { share, seed: i });
      expectParted(parts, train, none);
      const counts = new Map<number, number>();
      for (const row of train) counts.set(codes[row], (counts.get(codes[row]) ?? 0) + 1);
      expect(new Set(parts.train.map((row) => codes[row])).size).toBe(counts.size);
      const several = train.filter((row) => (counts.get(codes[row]) as number) > 1).length;
      expect(parts.validation).toHaveLength(Math.ceil(share * several));
    }
  });

  it("a part smaller than the least stays in training, one of just that size does not", () => {
    const codes = Int32Array.from({ length: 20 }, (_, i) => i % 2);
    const part = (leastValidation: number) =>
      carveValidation({ train: all(20), test: none }, codes, { share: 0.15, leastValidation, seed: 1 });
    expect(part(3)).toEqual(part(1));
    expect(part(3).validation).toHaveLength(3);
    expect(part(4)).toEqual({ train: all(20), validation: none, test: none });
  });

  it("a class of one training row stays in training; where all are such, the part is empty", () => {
    const codes = Int32Array.of(0, 1, 1, 1, 1, 2);
    const parts = carveValidation({ train: all(6), test: none }, codes, { share: 0.5, seed: 1 });
    expect(parts.validation).toHaveLength(2);
    expect([...parts.train]).toEqual(expect.arrayContaining([0, 5]));
    const singles = carveValidation({ train: all(3), test: none }, all(3), { share: 0.5, seed: 1 });
    expect(singles.validation).toHaveLength(0);
  });

  it("share 0 and an empty training part give an empty validation part", () => {
    const fold = { train: Int32Array.of(0, 2), test: Int32Array.of(1) };
    const codes = Int32Array.of(0, 0, 0);
    expect(carveValidation(fold, codes, { share: 0, seed: 1 })).toEqual({ ...fold, validation: none });
    const empty = { train: none, test: none };
    expect(carveValidation(empty, codes, { share: 0.5, seed: 1 })).toEqual({ ...empty, validation: none });
  });

  it("another seed gives another part, a class has its rows drawn from all of them", () => {
    const codes = new Int32Array(10);
    const drawn = new Set<number>();
    for (let seed = 0; seed < 60; seed++)
      for (const row of carveValidation({ train: all(10), test: none }, codes, { share: 0.1, seed })
        .validation)
        drawn.add(row);
    expect(drawn.size).toBe(10);
  });

  it.each([-0.1, 0.51, Number.NaN])("refuses a share of %s", (share) => {
    const fold = { train: all(4), test: none };
    expect(() => carveValidation(fold, new Int32Array(4), { share, seed: 1 })).toThrow(RangeError);
  });
});

describe("a validation part by whole groups", () => {
  it("is a fold of stratifiedGroupKFold, the nearest to the share in size", () => {
    const codes = Int32Array.from({ length: 30 }, (_, i) => (i % 5 === 0 ? 1 : 0));
    const groups = Int32Array.from([
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4,
    ]);
    const parts = carveValidation({ train: all(30), test: none }, codes, { share: 0.2, seed: 42, groups });
    const folds = stratifiedGroupKFold(codes, groups, 5, 42);
    const sizes = folds.map(({ test }) => Math.abs(test.length - 6));
    expect(sizes.indexOf(Math.min(...sizes))).not.toBe(0); // so that the first fold would be wrong
    expect(parts.validation).toEqual(folds[sizes.indexOf(Math.min(...sizes))].test);
  });

  it("holds whole groups and leaves every class in training, or is empty", () => {
    const random = new RandomState(6);
    let filled = 0;
    for (let i = 0; i < 1000; i++) {
      const n = 1 + random.interval(40);
      const codes = Int32Array.from({ length: n }, () => random.interval(2));
      const groups = Int32Array.from({ length: n }, () => 7 * random.interval(9));
      const train = all(n).filter(() => random.random() < 0.8);
      const share = [0.01, 0.1, 0.25, 0.5][random.interval(3)];
      const parts = carveValidation({ train, test: none }, codes, { share, seed: i, groups });
      expectParted(parts, train, none);
      const held = new Set(parts.validation.map((row) => groups[row]));
      expect(parts.train.some((row) => held.has(groups[row]))).toBe(false);
      const classesOf = (rows: Int32Array) => new Set(rows.map((row) => codes[row])).size;
      expect(classesOf(parts.train)).toBe(classesOf(train));
      if (parts.validation.length > 0) filled++;
    }
    expect(filled).toBeGreaterThan(700);
  });

  it("is empty where every class lies in one group, and where there is one group", () => {
    const codes = Int32Array.of(0, 0, 0, 1, 1, 1);
    const fold = { train: all(6), test: none };
    const carve = (groups: Int32Array) => carveValidation(fold, codes, { share: 0.5, seed: 1, groups });
    expect(carve(codes).validation).toHaveLength(0);
    expect(carve(new Int32Array(6)).validation).toHaveLength(0);
  });
});
