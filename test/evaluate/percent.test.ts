import { expect, it } from "vitest";
import { percent } from "../../src/evaluate/percent.js";

it("percent writes as many digits as the share has, four at most", () => {
  const shares = [0, 1, 0.95, 1 - 0.07, 0.0005, 2 / 3, 0.995];
  expect(shares.map(percent)).toEqual(["0 %", "100 %", "95 %", "93 %", "0.05 %", "66.67 %", "99.5 %"]);
});
