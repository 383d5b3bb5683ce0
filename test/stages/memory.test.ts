import { totalmem } from "node:os";
import { expect, it } from "vitest";
import { memoryCaution, memoryLimit } from "../../src/stages/memory.js";

const dense = { source: "X", storage: "dense", dtype: "float32", nonzero: null } as const;
const sparse = { source: "X", storage: "csr", dtype: "float32", nonzero: 50e6 } as const;

it("warns where the matrix and the libraries cannot fit", () => {
  expect(memoryCaution({ samples: 36, genes: 20, x: dense }, 400e6)).toBeUndefined();
  expect(memoryCaution({ samples: 36, genes: 20, x: dense }, 300e6)).toMatch(
    /0\.3 GB.*36 samples × 20 genes/,
  );
  // 350 MB and twice 4 bytes × 1e9 entries
  expect(memoryCaution({ samples: 1e5, genes: 1e4, x: dense }, 8.34e9)).toMatch(/more than 8\.3 GB/);
  expect(memoryCaution({ samples: 1e5, genes: 1e4, x: dense }, 8.36e9)).toBeUndefined();
  // twice 8 bytes × 50e6 stored entries
  expect(memoryCaution({ samples: 1e5, genes: 1e4, x: sparse }, 1.14e9)).toMatch(/more than/);
  expect(memoryCaution({ samples: 1e5, genes: 1e4, x: sparse }, 1.16e9)).toBeUndefined();
});

it("the limit is the machine's, or less in a container", () => {
  expect(memoryLimit()).toBeGreaterThan(1e8);
  expect(memoryLimit()).toBeLessThanOrEqual(totalmem());
});
