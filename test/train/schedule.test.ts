/** Learning rates step by step against PyTorch's schedulers (oracle: test/oracles/training.py). */
import { describe, expect, it } from "vitest";
import { learningRate, type Schedule } from "../../src/train/schedule.js";
import oracle from "../fixtures/training.json" with { type: "json" };

describe("learningRate", () => {
  it.each(oracle.schedules)("$schedule over $steps steps is PyTorch's", ({ schedule, lr, steps, rates }) => {
    expect(rates.length).toBe(steps);
    rates.forEach((rate, step) => {
      const found = learningRate(schedule as Schedule, lr, step, steps);
      expect(Math.abs(found - rate)).toBeLessThan(1e-13 * lr);
    });
  });

  it("constant is the very rate that is given", () => {
    expect(learningRate("constant", 1e-4, 6, 7)).toBe(1e-4);
  });

  it.each([
    [-1, 5],
    [5, 5],
    [0, 0],
    [0.5, 5],
    [Number.NaN, 5],
  ])("refuses step %d of %d", (step, steps) => {
    for (const schedule of ["constant", "cosine", "one-cycle"] as const)
      expect(() => learningRate(schedule, 1, step, steps)).toThrow(RangeError);
  });
});
