import { describe, expect, it } from "vitest";
import { rankWins } from "../../src/evaluate/rank-wins.js";
import { weightedRankWins } from "../../src/evaluate/weighted-rank-wins.js";
import { RandomState } from "../../src/random.js";
import { metricCases } from "./oracle.js";
import { repeated } from "./repeated.js";

describe("weightedRankWins", () => {
  it.each(metricCases)(
    "equals comparing the repeated samples: $name",
    ({ actual, probabilities, classes }) => {
      const winsOf = weightedRankWins(actual, probabilities, classes);
      const random = new RandomState(actual.length);
      for (let resample = 0; resample < 3; resample++) {
        const times = actual.map(() => random.interval(3));
        times[0] = 1; // not all 0
        expect(winsOf(times)).toEqual(
          rankWins(repeated(actual, times), repeated(probabilities, times, classes), classes),
        );
      }
      expect(winsOf(actual.map(() => 1))).toEqual(rankWins(actual, probabilities, classes));
    },
  );

  it("is all 0 where nothing is taken", () => {
    const winsOf = weightedRankWins(Int32Array.of(0, 1), Float64Array.of(1, 0, 0, 1), 2);
    expect(winsOf(Int32Array.of(0, 0))).toEqual({ doubled: new Float64Array(4), sizes: new Float64Array(2) });
  });

  it("refuses what rankWins refuses", () => {
    expect(() => weightedRankWins(Int32Array.of(0, 1), Float64Array.of(1, 0, Number.NaN, 1), 2)).toThrow(
      /sample 1, class 0/,
    );
    expect(() => weightedRankWins(Int32Array.of(0, 1), new Float64Array(3), 2)).toThrow(RangeError);
    expect(() => weightedRankWins(Int32Array.of(0, 2), new Float64Array(4), 2)).toThrow(RangeError);
    expect(() => weightedRankWins(new Int32Array(0), new Float64Array(0), 2)).toThrow(RangeError);
  });
});
