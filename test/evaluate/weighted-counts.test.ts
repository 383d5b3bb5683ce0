import { describe, expect, it } from "vitest";
import { classCounts } from "../../src/evaluate/counts.js";
import { weightedCounts } from "../../src/evaluate/weighted-counts.js";
import { RandomState } from "../../src/random.js";
import { metricCases } from "./oracle.js";
import { repeated } from "./repeated.js";

describe("weightedCounts", () => {
  it.each(metricCases)("equals counting the repeated samples: $name", ({ actual, predicted, classes }) => {
    const random = new RandomState(actual.length);
    const times = actual.map(() => random.interval(3));
    times[0] = 1; // not all 0
    expect(weightedCounts(actual, predicted, classes, times)).toEqual(
      classCounts(repeated(actual, times), repeated(predicted, times), classes),
    );
  });

  it("is all 0 where nothing is taken", () => {
    const counts = weightedCounts(Int32Array.of(0, 1), Int32Array.of(0, 0), 2, Int32Array.of(0, 0));
    expect(counts).toEqual({
      total: 0,
      actual: Float64Array.of(0, 0),
      predicted: Float64Array.of(0, 0),
      right: Float64Array.of(0, 0),
    });
  });
});
