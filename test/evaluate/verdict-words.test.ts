import { describe, expect, it } from "vitest";
import { pText, shareText } from "../../src/evaluate/verdict-words.js";

describe("pText", () => {
  it("has as many digits as matter", () => {
    expect([1, 0.312, 0.0625, 0.0499, 0.00123, 0.000999, 0].map(pText)).toEqual([
      "p = 1",
      "p = 0.31",
      "p = 0.0625",
      "p = 0.0499",
      "p = 0.0012",
      "p < 0.001",
      "p < 0.001",
    ]);
  });
});

describe("shareText", () => {
  it("has the decimals that so many samples bear, and no minus before 0", () => {
    expect([0.914, -0.0239, -0.001, 0, 1].map((share) => shareText(share, 60))).toEqual([
      "0.91",
      "−0.02",
      "0.00",
      "0.00",
      "1.00",
    ]);
    expect([0.9144, -0.0006].map((share) => shareText(share, 5900))).toEqual(["0.914", "−0.001"]);
  });
});
