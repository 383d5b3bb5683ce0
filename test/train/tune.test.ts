import { describe, expect, it } from "vitest";
import { bestCandidate, candidates } from "../../src/train/tune.js";

describe("candidates", () => {
  it("are all combinations, the last setting changing fastest", () => {
    expect(candidates({ lr: [1, 2], epochs: [5, 6, 7] })).toEqual([
      { lr: 1, epochs: 5 },
      { lr: 1, epochs: 6 },
      { lr: 1, epochs: 7 },
      { lr: 2, epochs: 5 },
      { lr: 2, epochs: 6 },
      { lr: 2, epochs: 7 },
    ]);
    expect(candidates({ lr: [1] })).toEqual([{ lr: 1 }]);
    expect(candidates({})).toEqual([{}]);
  });
});

describe("bestCandidate", () => {
  it("has the best mean; of equal ones the first", () => {
    expect(
      bestCandidate([
        [0.5, 0.7],
        [0.9, 0.5],
        [0.7, 0.7],
      ]),
    ).toBe(1);
    expect(bestCandidate([[0.25], [0.5], [0.5]])).toBe(1);
    expect(bestCandidate([[0]])).toBe(0);
  });
});
