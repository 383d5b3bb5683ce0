import { expect, it } from "vitest";
import { square } from "../../src/image-size.js";
import { fillBatch, stepsPerEpoch } from "../../src/train/batches.js";

it("fillBatch puts bytes as RGB planes of 0…1, in the order of the rows, repeats included", () => {
  const size = 2;
  const images = Uint8Array.from({ length: 3 * 12 }, (_, i) => (i * 7) % 256);
  const rows = [2, 0, 2];
  const into = new Float32Array(rows.length * 12);
  fillBatch(images, rows, square(size), into);
  for (const [at, row] of rows.entries())
    for (let channel = 0; channel < 3; channel++)
      for (let y = 0; y < size; y++)
        for (let x = 0; x < size; x++)
          expect(into[at * 12 + channel * 4 + y * 2 + x]).toBe(
            Math.fround(images[row * 12 + (y * size + x) * 3 + channel] / 255),
          );
});

it("fillBatch takes 0 to 0 and 255 to 1, and leaves what lies beyond the batch", () => {
  const into = new Float32Array(6).fill(-1);
  fillBatch(Uint8Array.of(0, 255, 51), Int32Array.of(0), square(1), into);
  expect([...into]).toEqual([0, 1, Math.fround(0.2), -1, -1, -1]);
  fillBatch(new Uint8Array(0), [], square(1), into);
  expect(into[1]).toBe(1);
});

it.each([
  [10, 4, 3],
  [9, 4, 2],
  [8, 4, 2],
  [5, 4, 1],
  [4, 4, 1],
  [3, 4, 1],
  [2, 4, 1],
  [1, 4, 0],
  [0, 4, 0],
  [7, 1, 7],
  [131, 16, 8],
  [132, 16, 9],
  [3, 16, 1],
  [71, 32, 2],
  [72, 32, 3],
  [46, 9, 5],
])("%i samples in batches of %i make %i steps", (samples, batch, steps) => {
  expect(stepsPerEpoch(samples, batch)).toBe(steps);
});
