import { describe, expect, it } from "vitest";
import { rankWins } from "../../src/evaluate/rank-wins.js";
import { metricCases } from "./oracle.js";

describe("rankWins", () => {
  it.each(metricCases)("equals comparing all samples: $name", ({ actual, probabilities, classes }) => {
    const wins = new Array<number>(classes * classes).fill(0);
    const sizes = new Array<number>(classes).fill(0);
    actual.forEach((a, i) => {
      sizes[a]++;
      actual.forEach((b, j) => {
        if (a === b) return;
        const mine = probabilities[i * classes + a];
        const other = probabilities[j * classes + a];
        wins[a * classes + b] += mine > other ? 2 : mine === other ? 1 : 0;
      });
    });
    const result = rankWins(actual, probabilities, classes);
    expect([...result.doubled]).toEqual(wins);
    expect([...result.sizes]).toEqual(sizes);
  });
});
