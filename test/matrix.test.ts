import { describe, expect, it, vi } from "vitest";
import { chooseGenes } from "../src/embed/highly-variable.js";
import { pca } from "../src/embed/pca.js";
import { fitScale } from "../src/embed/scale.js";
import { InterruptedError } from "../src/errors.js";
import { describeMatrix } from "../src/io/matrix-state.js";
import { openExpression } from "../src/io/reader.js";
import {
  bytesOf,
  type DenseMatrix,
  divideColumns,
  eachEntry,
  fillRows,
  type HeldMatrix,
  hold,
  type Matrix,
  rowBlocks,
  type StoredMatrix,
  selectColumns,
  selectRows,
  settled,
} from "../src/matrix.js";
import { normalizeMatrix } from "../src/normalize/normalize.js";
import { RandomState } from "../src/random.js";
import { toCsr } from "./embed/genes.js";

/** A matrix as if it lay on disk; `reads` counts its rows that were read. */
function stored(m: HeldMatrix, blockRows: number, limit = Infinity): StoredMatrix & { reads: number[] } {
  const reads: number[] = [];
  const read = (first: number, count: number) => {
    reads.push(count);
    return selectRows(
      m,
      Int32Array.from({ length: count }, (_, i) => first + i),
    );
  };
  return { kind: "stored", rows: m.rows, cols: m.cols, blockRows, limit, read, reads };
}

function counts(rows: number, cols: number): DenseMatrix {
  const random = new RandomState(rows * 31 + cols);
  const data = Float32Array.from({ length: rows * cols }, () =>
    random.random() < 0.6 ? 0 : Math.floor(20 * random.random()),
  );
  return { kind: "dense", rows, cols, data };
}

const entries = async (m: Matrix) => {
  const all: number[][] = [];
  for await (const { first, block } of rowBlocks(m)) eachEntry(block, first, (...entry) => all.push(entry));
  return all;
};

describe("a stored matrix", () => {
  const shapes = [
    [0, 4, 3],
    [1, 1, 1],
    [7, 5, 1],
    [7, 5, 3],
    [7, 5, 100],
    [33, 12, 8],
  ];
  for (const [rows, cols, block] of shapes)
    for (const held of [counts(rows, cols), toCsr(counts(rows, cols))])
      it(`${rows}×${cols} ${held.kind} in blocks of ${block}: all is as of the held one`, async () => {
        const m = stored(held, block);
        expect(await hold(m)).toEqual(held);
        expect(await settled(m)).toEqual(held);
        expect(await entries(m)).toEqual(await entries(held));
        const some = Int32Array.from(Array(rows).keys()).filter((i) => i % 3 !== 1);
        expect(await hold(selectRows(m, some))).toEqual(selectRows(held, some));
        const again = Int32Array.from(Array(some.length).keys()).filter((i) => i % 2 === 0);
        expect(await hold(selectRows(selectRows(m, some), again))).toEqual(
          selectRows(selectRows(held, some), again),
        );
        const columns = Int32Array.from(Array(cols).keys()).filter((j) => j % 2 === 0);
        expect(await hold(selectColumns(m, columns))).toEqual(selectColumns(held, columns));
        const divisors = Float32Array.from({ length: cols }, (_, j) => j + 1);
        expect(await hold(divideColumns(m, divisors))).toEqual(divideColumns(held, divisors));
        expect(await hold(normalizeMatrix(m, "log1p-cp10k"))).toEqual(normalizeMatrix(held, "log1p-cp10k"));
        const mixed = rows === 0 ? [] : [rows - 1, 0, 0, ...(rows > 3 ? [1, 2, 3] : [])];
        const [a, b] = [m, held].map((x) => {
          const into = new Float32Array(mixed.length * cols).fill(7);
          fillRows(x, mixed, into);
          return into;
        });
        expect(a).toEqual(b);
        expect(Math.max(0, ...m.reads)).toBeLessThanOrEqual(block);
      });

  it("is held only within its limit", async () => {
    const held = counts(9, 4);
    expect(await settled(stored(held, 2, bytesOf(held)))).toEqual(held);
    const m = stored(held, 2, bytesOf(held) - 1);
    expect(await settled(m)).toBe(m);
    expect(m.reads.length).toBe(5); // it stops where it knows
  });

  it("names rows by their number in the file", async () => {
    const bad = counts(6, 3);
    bad.data[4 * 3 + 1] = -1;
    await expect(hold(normalizeMatrix(stored(bad, 2), "log1p-cpm"))).rejects.toThrow(/needs counts/);
    try {
      await hold(normalizeMatrix(stored(bad, 2), "log1p-cpm"));
    } catch (error) {
      expect((error as { parts: { where: string } }).parts.where).toBe("X, row 4");
    }
  });

  it("gives the same bits in gene choice, scaling and principal components", async () => {
    const held = toCsr(counts(60, 40));
    for (const limit of [0, Infinity]) {
      const m = stored(held, 7, limit);
      expect(await chooseGenes(m, { how: "variance", count: 9 })).toEqual(
        await chooseGenes(held, { how: "variance", count: 9 }),
      );
      expect(await fitScale(m)).toEqual(await fitScale(held));
      const of = (x: Matrix) => pca(x, { components: 5, random: new RandomState(1), threads: 1 });
      expect(await of(m)).toEqual(await of(held));
    }
  });

  it("is described as the held one is", async () => {
    const held = counts(40, 30);
    const states: HeldMatrix[] = [held, toCsr(held), normalizeMatrix(toCsr(held), "log1p-cp10k")];
    const odd = counts(40, 30);
    odd.data[5 * 30 + 2] = Number.NaN;
    odd.data[20 * 30 + 7] = Infinity;
    states.push(odd, toCsr(odd));
    states.push({ ...held, data: held.data.map((v, p) => v - 3 + (p % 7) / 10) });
    for (const m of states) expect(await describeMatrix(stored(m, 6))).toEqual(await describeMatrix(m));
  });
});

describe("a pass over a stored matrix", () => {
  const held = counts(40, 6);

  it("gives timers their turn between the blocks", async () => {
    const m = stored(held, 4);
    const seen: number[] = [];
    let ticks = 0;
    const timer = setInterval(() => {
      ticks++;
      seen.push(m.reads.length);
    }, 0);
    try {
      await fitScale(m);
    } finally {
      clearInterval(timer);
    }
    expect(m.reads.length).toBe(10);
    expect(ticks).toBeGreaterThan(4);
    expect(Math.min(...seen)).toBeLessThan(4);
  });

  it("that is aborted ends before the next block", async () => {
    for (const pass of [
      (m: Matrix, signal: AbortSignal) => fitScale(m, { signal }),
      (m: Matrix, signal: AbortSignal) => chooseGenes(m, { how: "variance", count: 2 }, { signal }),
      (m: Matrix, signal: AbortSignal) => describeMatrix(m, { signal }),
      (m: Matrix, signal: AbortSignal) => settled(m, { signal }),
      (m: Matrix, signal: AbortSignal) =>
        pca(m, { components: 2, random: new RandomState(1), threads: 1, signal }),
    ]) {
      const m = stored(held, 1);
      const stop = new AbortController();
      const reads = new Proxy(m, {
        get: (target, key) =>
          key === "read"
            ? (first: number, count: number) => {
                if (first === 7) stop.abort();
                return m.read(first, count);
              }
            : Reflect.get(target, key),
      });
      await expect(pass(reads, stop.signal)).rejects.toThrow(InterruptedError);
      expect(m.reads.length).toBe(8);
      const before = stored(held, 1);
      await expect(pass(before, AbortSignal.abort())).rejects.toThrow(InterruptedError);
      expect(before.reads).toEqual([]);
    }
  });

  it("has a bar where it takes long, up to all rows; a short one none", async () => {
    const told: (string | number)[] = [];
    const progress = {
      task: (name: string, total: number) => {
        told.push(name, total);
        return { update: (done: number) => void told.push(done), end: () => void told.push("end") };
      },
      note() {},
      warn() {},
    };
    const now = vi.spyOn(performance, "now");
    let seconds = 0;
    now.mockImplementation(() => 1000 * seconds);
    try {
      const m = stored(held, 10);
      const slow = {
        ...m,
        read: (first: number, count: number) => {
          seconds += 0.6;
          return m.read(first, count);
        },
      };
      await fitScale(slow, { progress });
      expect(told).toEqual(["mean and spread of each gene", 40, 10, 20, 30, 40, "end"]);
      told.length = 0;
      await fitScale(m, { progress });
      await fitScale(held, { progress });
      expect(told).toEqual([]);
    } finally {
      now.mockRestore();
    }
  });
});

describe("files read by rows", () => {
  for (const [path, options] of [
    ["test/fixtures/h5ad/small.h5ad", {}],
    ["test/fixtures/h5ad/sparse.h5ad", {}],
    ["test/fixtures/h5ad/chunks.h5ad", {}],
    ["test/fixtures/formats/tenx_v3.h5", {}],
    ["test/fixtures/formats/tenx_v2.h5", {}],
    ["test/fixtures/h5ad/csr_0x4.h5ad", {}],
    ["test/fixtures/h5ad/csr_4x1.h5ad", {}],
    ["test/fixtures/h5ad/dense_1x4.h5ad", {}],
  ] as const)
    it(`${path} is the same as read at once`, async () => {
      const reader = await openExpression(path, options);
      try {
        const held = reader.readMatrix();
        const m = reader.storedMatrix?.(0);
        if (m === null) expect(reader.x.storage).toBe("csc");
        else if (m !== undefined)
          for (const blockRows of [1, 2, 5]) expect(await hold({ ...m, blockRows })).toEqual(held);
        else expect.unreachable("the reader of HDF5 reads by rows");
      } finally {
        reader.close();
      }
    });
});
