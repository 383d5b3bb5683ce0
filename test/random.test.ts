import { describe, expect, it } from "vitest";
import { RandomState } from "../src/random.js";
import fixture from "./fixtures/random_state.json" with { type: "json" };

/** The float64 that a fixture gives as 16 hexadecimal digits. */
function float64(hex: string): number {
  return new DataView(new BigUint64Array([BigInt(`0x${hex}`)]).buffer).getFloat64(0, true);
}
const draw = <T>(n: number, next: () => T): T[] => Array.from({ length: n }, next);

describe.each(fixture.cases)("RandomState equals numpy's, case %#", (oracle) => {
  const { seed } = oracle;

  it("random_sample, bit for bit, also past the first refill", () => {
    const random = new RandomState(seed);
    expect(draw(20, () => random.random())).toEqual(oracle.random.map(float64));
    draw(980, () => random.random());
    expect(draw(5, () => random.random())).toEqual(oracle.randomAfter1000.map(float64));
  });

  it("standard_normal, an odd number of them", () => {
    const random = new RandomState(seed);
    expectNormals(
      draw(41, () => random.standardNormal()),
      oracle.normal,
    );
  });

  it("integers of 0…max by randint, for max from 0 to 2^32 − 1", () => {
    const random = new RandomState(seed);
    expect(oracle.interval.map(([max]) => [max, random.interval(max)])).toEqual(oracle.interval);
  });

  it("permutation of 0, 1, 2, 17 and 130", () => {
    for (const order of oracle.permutations)
      expect([...new RandomState(seed).permutation(order.length)]).toEqual(order);
  });

  it("shuffle of an array and of a typed array, in place", () => {
    const items = [0, 0, 0, 1, 1, 2, 2, 2, 3];
    const typed = Int32Array.from(items);
    expect(new RandomState(seed).shuffle(items)).toBe(items);
    new RandomState(seed).shuffle(typed);
    expect(items).toEqual(oracle.shuffle);
    expect([...typed]).toEqual(oracle.shuffle);
  });

  it("one stream through all methods", () => {
    const random = new RandomState(seed);
    oracle.mixed.forEach((row, i) => {
      const [normal, integer, uniform, order] = row as [string, number, string, number[]];
      expectNormals([random.standardNormal()], [normal]);
      expect(random.interval(9)).toBe(integer);
      expect(random.random()).toBe(float64(uniform));
      expect([...random.permutation(i)]).toEqual(order);
    });
  });
});

/** Equal but for the last digits: JavaScript's Math.log and C's log may round the last bit apart. */
function expectNormals(values: number[], hex: string[]): void {
  expect(values).toHaveLength(hex.length);
  values.forEach((value, i) => {
    const expected = float64(hex[i]);
    expect(Math.abs(value - expected)).toBeLessThanOrEqual(4 * Number.EPSILON * Math.abs(expected));
  });
}

describe("RandomState", () => {
  it("tells a number from a path of one key, as numpy does", () => {
    expect(new RandomState(0).random()).not.toBe(new RandomState([0]).random());
  });

  it("refuses an empty path", () => {
    expect(() => new RandomState([])).toThrow(RangeError);
  });
});
