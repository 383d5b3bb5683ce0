import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { chooseGenes, type GeneChoice } from "../../src/embed/highly-variable.js";
import { CellhueError } from "../../src/errors.js";
import { type DenseMatrix, selectRows } from "../../src/matrix.js";
import { denseRows, madeMatrix, oracle, readSet, toCsr, trainRows } from "./genes.js";

const chosen = async (x: Parameters<typeof chooseGenes>[0], options: GeneChoice) => [
  ...(await chooseGenes(x, options)),
];
/** Genes given by their values. */
function columns(...genes: number[][]): DenseMatrix {
  const rows = genes[0].length;
  const data = Float32Array.from(
    { length: rows * genes.length },
    (_, p) => genes[p % genes.length][Math.floor(p / genes.length)],
  );
  return { kind: "dense", rows, cols: genes.length, data };
}

describe("chooseGenes of real sets: numpy's variance and scanpy's highly_variable_genes, index for index", () => {
  for (const set of oracle.sets)
    it.skipIf(!existsSync(set.path))(`${set.name} (needs ${set.path})`, async () => {
      const x = await readSet(set);
      const rows = trainRows(x.rows);
      const train = selectRows(x, rows);
      for (const { count, variance, seurat } of set.choices) {
        expect(await chosen(train, { how: "variance", count })).toEqual(variance);
        if (seurat !== null) expect(await chosen(train, { how: "seurat", count })).toEqual(seurat);
      }
      // Dense gives what CSR gives.
      const dense = denseRows(x, rows);
      for (const how of ["variance", "seurat"] as const)
        if (how === "variance" || set.choices[0].seurat !== null)
          expect(await chosen(dense, { how, count: 77 })).toEqual(await chosen(train, { how, count: 77 }));
    });
});

describe("chooseGenes of made matrices", () => {
  for (const made of oracle.cases)
    for (const { count, variance, seurat } of made.choices)
      it(`${made.name}: ${count}`, async () => {
        const x = madeMatrix(made);
        for (const form of [x, toCsr(x)]) {
          expect(await chosen(form, { how: "variance", count })).toEqual(variance);
          const mine = await chosen(form, { how: "seurat", count });
          expect(mine).toHaveLength(count);
          // scanpy takes all of several equals, more than asked for, and no gene without a dispersion.
          const [fewer, more] = [mine, seurat ?? []].sort((a, b) => a.length - b.length);
          expect(more).toEqual(expect.arrayContaining(fewer));
        }
      });

  it("equals in the order of the genes", async () => {
    const x = columns([0, 2], [1, 1], [2, 0], [5, 7], [0, 9]);
    expect(await chosen(x, { how: "variance", count: 2 })).toEqual([0, 4]);
    expect(await chosen(x, { how: "variance", count: 3 })).toEqual([0, 2, 4]);
  });

  it.each(["variance", "seurat"] as const)("%s: constant genes last, whatever their value", async (how) => {
    const x = columns([0.1, 0.1, 0.1], [0, 0.5, 0.2], [0, 0, 0], [3.3, 3.3, 3.3], [1, 2, 1.5]);
    expect(await chosen(x, { how, count: 2 })).toEqual([1, 4]);
    expect(await chosen(x, { how, count: 3 })).toEqual([0, 1, 4]);
    expect(await chosen(x, { how, count: 4 })).toEqual([0, 1, 2, 4]);
  });

  it.each(["variance", "seurat"] as const)("%s: all genes where no more are there", async (how) => {
    const x = columns([0, 1], [1, 1], [2, 5]);
    expect(await chosen(x, { how, count: 3 })).toEqual([0, 1, 2]);
    expect(await chosen(x, { how, count: 100 })).toEqual([0, 1, 2]);
  });

  it.each(["variance", "seurat"] as const)(
    "%s of a single sample: by index, as nothing varies",
    async (how) => {
      expect(await chosen(columns([5], [0], [7]), { how, count: 2 })).toEqual([0, 1]);
    },
  );

  it("means a thousand times the spread cost no accuracy", async () => {
    const x = columns([1000, 1000.5, 1001], [1000, 1000.25, 1000.5], [0, 0.5, 0.9375], [1000, 1000, 1000]);
    expect(await chosen(x, { how: "variance", count: 1 })).toEqual([0]);
    expect(await chosen(x, { how: "variance", count: 2 })).toEqual([0, 2]);
  });
});

describe("chooseGenes refuses", () => {
  const x = columns([0, 1], [1, 1], [2, 5]);
  it.each([0, -1, 1.5, Number.NaN])("%s genes", async (count) => {
    await expect(chooseGenes(x, { how: "variance", count })).rejects.toThrow(RangeError);
  });
  it("no rows", async () => {
    const none = selectRows(x, new Int32Array(0));
    await expect(chooseGenes(none, { how: "seurat", count: 1 })).rejects.toThrow(RangeError);
  });
  it.each(["variance", "seurat"] as const)("%s: values that are not finite", async (how) => {
    for (const bad of [Number.NaN, Infinity])
      await expect(chooseGenes(columns([0, bad], [0, 1]), { how, count: 1 })).rejects.toThrow(/not finite/);
  });
  it("counts where logarithms are expected", async () => {
    const counts = columns([0, 34215], [1, 3]);
    await expect(chooseGenes(counts, { how: "seurat", count: 1 })).rejects.toThrow(CellhueError);
    expect(await chosen(counts, { how: "variance", count: 1 })).toEqual([0]);
  });
});
