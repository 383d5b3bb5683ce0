import { describe, expect, it } from "vitest";
import { bootstrap, type Interval, unitsOf } from "../../src/evaluate/bootstrap.js";
import { RandomState } from "../../src/random.js";
import fixture from "../fixtures/statistics.json" with { type: "json" };

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** The share of ones, as a statistic. */
const share = (ones: ArrayLike<number>) => (times: Int32Array) => [
  dot(ones, times) / times.reduce((sum, n) => sum + n, 0),
];

describe("bootstrap", () => {
  it.each(fixture.bootstrap)(
    "equals scipy's BCa on the same resamples: case %#, $n samples, $resamples resamples",
    ({ n, groups, resamples, right, x, w, intervals }) => {
      const ones = right.map(() => 1);
      const rightWeights = right.map((hit, i) => hit * w[i]);
      const result = bootstrap(
        n,
        (times) => [
          dot(right, times) / dot(ones, times),
          dot(x, times) / dot(w, times),
          dot(rightWeights, times) / dot(w, times),
        ],
        {
          random: new RandomState(5),
          resamples,
          groups: groups === null ? undefined : Int32Array.from(groups),
        },
      );
      expect(result).toHaveLength(3);
      result.forEach((interval, s) => {
        const [estimate, low, high, defined] = intervals[s];
        expect(interval.estimate).toBeCloseTo(estimate!, 13);
        expect(interval.resamples).toBe(defined);
        expect(interval.level).toBe(0.95);
        if (low === null || high === null) {
          expect([interval.low, interval.high]).toEqual([null, null]);
          expect(interval.note).toContain("resampling cannot tell how sure it is");
        } else {
          expect(interval.low).toBeCloseTo(low, 11);
          expect(interval.high).toBeCloseTo(high, 11);
        }
      });
    },
  );

  it("gives the same for the same seed, another for another", () => {
    const right = Array.from({ length: 40 }, (_, i) => Number(i % 4 > 0));
    const once = (seed: number) =>
      bootstrap(40, share(right), { random: new RandomState([seed, 1]), resamples: 100 });
    expect(once(3)).toEqual(once(3));
    expect(once(3)).not.toEqual(once(4));
  });

  it("draws 2000 resamples of the size of the samples, groups as a whole", () => {
    const groups = Int32Array.of(7, 7, -1, 7, -1, 20);
    let calls = 0;
    bootstrap(
      6,
      (times) => {
        calls++;
        expect([times[0], times[0], times[2]]).toEqual([times[1], times[3], times[4]]);
        expect([3, 2]).toContain(times[0] + times[2] + times[5]); // 2 where a group is left out
        return [];
      },
      { random: new RandomState(1), groups },
    );
    expect(calls).toBe(2000 + 1 + 3);
  });

  it("counts the resamples in which a statistic is defined, and draws the interval from them", () => {
    const times: number[] = [];
    const [interval] = bootstrap(
      4,
      (n) => {
        times.push(n[0]);
        return [n[0] === 0 ? Number.NaN : n[0]];
      },
      { random: new RandomState(1), resamples: 500 },
    );
    const defined = times.slice(1, 501).filter((n) => n > 0);
    expect(interval.resamples).toBe(defined.length);
    expect(interval.low).toBe(1);
    expect(interval.high).toBe(Math.max(...defined));
  });

  it("has no interval, and says why, where there is nothing to draw it from", () => {
    const one = (values: (times: Int32Array) => number) =>
      bootstrap(3, (times) => [values(times)], { random: new RandomState(1), resamples: 50 })[0];
    const none = { low: null, high: null, level: 0.95 };
    expect(one(() => 0.123456)).toEqual({
      ...none,
      estimate: 0.123456,
      resamples: 50,
      note: "Every resample gives 0.123, so resampling cannot tell how sure it is.",
    });
    expect(one(() => Number.NaN)).toEqual({
      ...none,
      estimate: null,
      resamples: 0,
      note: "It is not defined on these samples.",
    });
    let calls = 0;
    expect(one(() => (calls++ === 0 ? 1 : Number.NaN))).toEqual({
      ...none,
      estimate: 1,
      resamples: 0,
      note: "It is not defined on any resample.",
    });
  });

  it("warns of few groups, not of few samples", () => {
    const values = Float64Array.from({ length: 20 }, (_, i) => i % 7);
    const notes = (groups?: Int32Array) =>
      bootstrap(20, share(values), { random: new RandomState(1), resamples: 50, groups })[0].note;
    const by = (n: number) => Int32Array.from({ length: 20 }, (_, i) => i % n);
    expect(notes()).toBeUndefined();
    expect(notes(by(10))).toBeUndefined();
    expect(notes(by(9))).toBe("Drawn from 9 groups: an interval from so few is easily too narrow.");
    expect(notes(by(1))).toMatch(/^Every resample gives .* Drawn from 1 group:/);
  });

  it("stays defined where the estimate lies beyond all resamples", () => {
    let calls = 0;
    const [interval] = bootstrap(5, (times) => [calls++ === 0 ? 99 : times[0]], {
      random: new RandomState(1),
      resamples: 100,
    });
    expect(interval.low).toBeGreaterThanOrEqual(0);
    expect(interval.high).toBeGreaterThanOrEqual(interval.low!);
  });

  it("widens with the level", () => {
    const right = Array.from({ length: 40 }, (_, i) => Number(i % 4 > 0));
    const width = (level: number) => {
      const [{ low, high, ...rest }] = bootstrap(40, share(right), { random: new RandomState(1), level });
      expect(rest.level).toBe(level);
      return high! - low!;
    };
    expect(width(0.8)).toBeLessThan(width(0.95));
    expect(width(0.95)).toBeLessThan(width(0.99));
  });

  it("covers the true accuracy in about 95 of 100 simulations", () => {
    const random = new RandomState(2024);
    const covered = (interval: Interval) => interval.low! <= 0.85 && 0.85 <= interval.high!;
    let hits = 0;
    for (let simulation = 0; simulation < 500; simulation++) {
      const right = Uint8Array.from({ length: 60 }, () => Number(random.random() < 0.85));
      hits += Number(covered(bootstrap(60, share(right), { random, resamples: 300 })[0]));
    }
    // three standard errors around 0.95 are 0.92 to 0.98; a 90 % interval would cover 450
    expect(hits).toBeGreaterThanOrEqual(465);
    expect(hits).toBeLessThanOrEqual(490);
  });

  it("covers it by groups where samples of a group go together, and not without", () => {
    const random = new RandomState(2025);
    const groups = Int32Array.from({ length: 180 }, (_, i) => i % 12);
    let grouped = 0;
    let single = 0;
    for (let simulation = 0; simulation < 300; simulation++) {
      const easy = Array.from({ length: 12 }, () => random.random() < 0.5);
      const right = Uint8Array.from(groups, (g) => Number(random.random() < (easy[g] ? 0.95 : 0.65)));
      for (const by of [groups, undefined]) {
        const [{ low, high }] = bootstrap(180, share(right), { random, resamples: 200, groups: by });
        if (low! > 0.8 || high! < 0.8) continue;
        if (by) grouped++;
        else single++;
      }
    }
    expect(grouped).toBeGreaterThanOrEqual(270);
    expect(single).toBeLessThanOrEqual(240);
  });

  it("refuses no samples, groups of another length and options out of range", () => {
    const random = new RandomState(1);
    const of = (samples: number, options: object) => () =>
      bootstrap(samples, () => [1], { random, ...options });
    expect(of(0, {})).toThrow(RangeError);
    expect(of(3, { groups: Int32Array.of(1, 2) })).toThrow(/2 groups given for 3 samples/);
    for (const resamples of [0, 1, 2.5, Number.NaN]) expect(of(3, { resamples })).toThrow(RangeError);
    for (const level of [0, 1, Number.NaN]) expect(of(3, { level })).toThrow(RangeError);
  });
});

describe("unitsOf", () => {
  it("numbers groups by their codes, and samples without groups as they come", () => {
    expect(unitsOf(4, Int32Array.of(9, -2, 9, 5))).toEqual({ unitOf: Int32Array.of(2, 0, 2, 1), units: 3 });
    expect(unitsOf(3)).toEqual({ unitOf: Int32Array.of(0, 1, 2), units: 3 });
  });
});
