import { totalmem } from "node:os";
import { expect, it } from "vitest";
import { memoryCaution, memoryLimit } from "../../src/io/memory.js";

it("warns where libraries and matrix cannot fit", () => {
  expect(memoryCaution(0, 400e6)).toBeUndefined();
  expect(memoryCaution(0, 300e6)).toMatch(/0\.3 GB of memory/);
  expect(memoryCaution(4e9, 4.34e9)).toMatch(/at least 4\.1 GB/);
  expect(memoryCaution(4e9, 4.36e9)).toBeUndefined();
});

it("X may take what is asked for, else a quarter of what there is", () => {
  expect(memoryLimit(2)).toBe(2 ** 31);
  expect(memoryLimit()).toBeLessThanOrEqual(totalmem() / 4);
  expect(memoryLimit()).toBeGreaterThan(0);
});
