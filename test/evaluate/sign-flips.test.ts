import { describe, expect, it } from "vitest";
import { signFlipTail } from "../../src/evaluate/sign-flips.js";

describe("signFlipTail", () => {
  it.each([
    { values: [1] },
    { values: [1, 1, 1, 1, 1, 1] },
    { values: [3, 0, 5, 1] },
    { values: [2, 2, 4, 8, 8, 30] },
    { values: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
    { values: [0, 0] },
    { values: [] },
  ])("equals counting all signs of $values at every limit", ({ values }) => {
    const total = values.reduce((sum, value) => sum + value, 0);
    for (let limit = 0; limit <= total; limit++) {
      let within = 0;
      for (let signs = 0; signs < 2 ** values.length; signs++)
        if (values.reduce((sum, value, i) => sum + ((signs >> i) & 1) * value, 0) <= limit) within++;
      expect(signFlipTail(values, limit)).toBe(within / 2 ** values.length);
    }
  });

  it("keeps the digits of a small tail", () => {
    expect(signFlipTail(new Array(1000).fill(1), 0)).toBe(2 ** -1000);
    expect(signFlipTail(new Array(1000).fill(1), 1)).toBe(1001 * 2 ** -1000);
  });
});
