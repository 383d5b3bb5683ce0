import { expect, it } from "vitest";
import { fromKernels, heldInBlocks, toKernels } from "../../src/graph/kernel-layout.js";

const dims = [8, 12, 2, 3];
const plain = Float32Array.from({ length: 8 * 12 * 6 }, (_, i) => i);

it("holds weights as C/b × K/b × kh × kw × b of C × b of K", () => {
  const held = toKernels(plain, dims, 4);
  let i = 0;
  for (let cc = 0; cc < 3; cc++)
    for (let kk = 0; kk < 2; kk++)
      for (let p = 0; p < 6; p++)
        for (let c = 0; c < 4; c++)
          for (let k = 0; k < 4; k++) expect(held[i++]).toBe(((kk * 4 + k) * 12 + cc * 4 + c) * 6 + p);
});

it("gives back what it was given", () => {
  expect(fromKernels(toKernels(plain, dims, 4), dims, 4)).toEqual(plain);
});

it("holds whole blocks and kernels of several positions only", () => {
  expect(heldInBlocks([32, 16, 3, 3], 16)).toBe(true);
  expect(heldInBlocks([32, 24, 3, 3], 16)).toBe(false);
  expect(heldInBlocks([24, 32, 3, 3], 16)).toBe(false);
  expect(heldInBlocks([32, 16, 1, 1], 16)).toBe(false);
  expect(heldInBlocks([32, 16], 16)).toBe(false);
  expect(heldInBlocks([32, 16, 3, 3], 1)).toBe(false);
});
