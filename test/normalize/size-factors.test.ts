import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { InterruptedError } from "../../src/errors.js";
import { type CsrMatrix, type DenseMatrix, selectRows } from "../../src/matrix.js";
import { cleanSizeFactors } from "../../src/normalize/clean-size-factors.js";
import { leastMean, pooledSizeFactors, ringOf } from "../../src/normalize/pooled-size-factors.js";
import { fitSizeFactors, remarkLines } from "../../src/normalize/size-factors.js";
import { csrOf, toDense } from "../io/matrices.js";
import { madeCells } from "./made.js";

/** By scuttle (test/oracles/size-factors.R). */
interface Case {
  name: string;
  rows: number;
  cols: number;
  minMean: number | null;
  indptr: number[];
  indices: number[];
  values: number[];
  /** Of mean 1 over the positive ones. */
  raw: number[];
  clean: number[];
}
const { cases, cleaning } = JSON.parse(readFileSync("test/fixtures/size-factors.json", "utf8")) as {
  cases: Case[];
  cleaning: { factors: number[]; detected: number[]; cleaned: number[] };
};

/** The greatest relative difference. */
const apart = (found: ArrayLike<number>, expected: readonly number[]) =>
  Math.max(...expected.map((v, i) => Math.abs(found[i] - v) / Math.abs(v)));

describe.each(cases)("as scuttle: $name", (c) => {
  it("before cleaning", async () => {
    for (const x of [csrOf(c), toDense(csrOf(c))]) {
      const { relative, totals } = await pooledSizeFactors(x, { least: c.minMean ?? undefined });
      const factors = relative.map((r, i) => r * totals[i]);
      const positive = factors.filter((v) => v > 0);
      const mean = positive.reduce((a, b) => a + b, 0) / positive.length;
      const found = factors.map((v) => v / mean);
      expect(apart(found, c.raw)).toBeLessThan(1e-8);
    }
  });
  if (c.minMean !== null) return;
  it("cleaned, of mean 1", async () => {
    const { factors } = await fitSizeFactors(csrOf(c), null);
    expect(apart(factors, c.clean)).toBeLessThan(5e-7); // float32, and where R's nls stops
  });
});

describe("cleanSizeFactors", () => {
  it("is scuttle's", () => {
    const found = cleanSizeFactors(Float64Array.from(cleaning.factors), cleaning.detected);
    // R's nls stops when what is left to gain is a hundred-thousandth of the residuals.
    expect(apart(found ?? [], cleaning.cleaned)).toBeLessThan(1e-7);
    expect(cleaning.factors.filter((f) => f <= 0)).toHaveLength(3);
  });
  it("leaves positive factors, and takes the least where no curve can be fitted", () => {
    expect(cleanSizeFactors(Float64Array.of(2, 1), [5, 5])).toEqual(Float64Array.of(2, 1));
    expect(cleanSizeFactors(Float64Array.of(2, 0, 1), [5, 5, 5])).toBeNull();
    expect(cleanSizeFactors(Float64Array.of(2, -1, 2, 2), [5, 5, 5, 5])).toEqual(Float64Array.of(2, 2, 2, 2));
  });
});

describe("pooledSizeFactors", () => {
  it("takes no samples, and a single one", async () => {
    const none = await pooledSizeFactors({ kind: "dense", rows: 0, cols: 3, data: new Float32Array(0) });
    expect(none.relative).toHaveLength(0);
    const one = await pooledSizeFactors({ kind: "dense", rows: 1, cols: 2, data: Float32Array.of(2, 3) });
    expect(one.relative).toEqual(Float64Array.of(1));
  });
  it("has neighbours of like library size on the ring, also across its ends", () => {
    expect([...ringOf(Float64Array.of(50, 10, 30, 20, 40))]).toEqual([1, 2, 0, 4, 3]);
  });
  it("looks at genes of fewer counts where molecules were counted", () => {
    expect(leastMean(Float64Array.of(100, 2000, 1e6))).toBe(0.1);
    expect(leastMean(Float64Array.of(1e5, 1e5))).toBe(1);
  });
  it("stops when it is told to", async () => {
    const { x } = madeCells(30, 50);
    const options = { signal: AbortSignal.abort() };
    await expect(pooledSizeFactors(x, options)).rejects.toThrow(InterruptedError);
  });
});

describe("fitSizeFactors", () => {
  const made = madeCells(60, 300, { counts: 600 });
  const train = Int32Array.from({ length: 48 }, (_, i) => i + (i >> 2)); // every fifth is held out

  it("sees nothing of held-out samples", async () => {
    const before = await fitSizeFactors(made.x, train);
    const changed = toDense(made.x);
    for (let row = 4; row < 60; row += 5)
      changed.data.set(
        changed.data.subarray(row * 300, (row + 1) * 300).map((v, g) => 7 * v + (g % 5)),
        row * 300,
      );
    const after = await fitSizeFactors(changed, train);
    expect(after.rule).toEqual(before.rule);
    for (const row of train) expect(after.factors[row]).toBe(before.factors[row]);
    for (let row = 4; row < 60; row += 5) expect(after.factors[row]).not.toBe(before.factors[row]);
  });
  it("gives training samples what they get among themselves", async () => {
    const alone = await fitSizeFactors(selectRows(made.x, train), null);
    const { factors, rule } = await fitSizeFactors(made.x, train);
    expect(Array.from(train, (row) => factors[row])).toEqual([...alone.factors]);
    expect(rule).toEqual(alone.rule);
  });
  it("is the same for dense and sparse, and a second time", async () => {
    const first = await fitSizeFactors(made.x, train);
    expect(await fitSizeFactors(toDense(made.x), train)).toEqual(first);
    expect(await fitSizeFactors(made.x, train)).toEqual(first);
  });
  it("takes library sizes of fewer samples than a pool, and says so", async () => {
    const { factors, rule, remarks } = await fitSizeFactors(made.x, train.subarray(0, 20));
    const totals = Array.from({ length: 60 }, (_, i) =>
      made.x.values.subarray(made.x.indptr[i], made.x.indptr[i + 1]).reduce((a, b) => a + b, 0),
    );
    const mean = [...train.subarray(0, 20)].reduce((sum, row) => sum + totals[row], 0) / 20;
    expect(rule.pools).toHaveLength(0);
    expect(
      apart(
        factors,
        totals.map((total) => total / mean),
      ),
    ).toBeLessThan(1e-6);
    expect(remarkLines([remarks, remarks], "in the folds: ")).toEqual([
      "in the folds: 20 samples with counts are fewer than a pool of 21: size factors are library sizes",
    ]);
  });
  it("takes library sizes where no gene is counted often enough, and says so", async () => {
    const rare: DenseMatrix = { kind: "dense", rows: 30, cols: 400, data: new Float32Array(30 * 400) };
    for (let i = 0; i < 30; i++) rare.data[i * 400 + i] = 1;
    const { factors, remarks } = await fitSizeFactors(rare, null);
    expect(factors).toEqual(new Float32Array(30).fill(1));
    expect(remarkLines([remarks]).join()).toMatch(/^no gene is counted often enough/);
  });
  it("leaves samples without counts out, with the factor 1", async () => {
    const x = toDense(made.x);
    for (const row of [0, 4]) x.data.fill(0, row * 300, (row + 1) * 300); // one to train on, one held out
    const { factors, rule } = await fitSizeFactors(x, train);
    expect([factors[0], factors[4]]).toEqual([1, 1]);
    expect(rule).toEqual((await fitSizeFactors(x, train.subarray(1))).rule);
  });
  it("says how many factors had to be cleaned", async () => {
    const odd = cases.find(({ raw }) => raw.some((v) => v <= 0)) as Case;
    const { remarks } = await fitSizeFactors(csrOf(odd), null);
    expect(remarkLines([remarks]).join()).toMatch(/^1 size factor came out as 0 or less/);
    expect(remarkLines([(await fitSizeFactors(made.x, train)).remarks])).toEqual([]);
  });
});

describe("the factor of a held-out sample", () => {
  const made = madeCells(300, 1500, { counts: 2000 });
  const held = Int32Array.from({ length: 60 }, (_, i) => 5 * i);
  const train = Int32Array.from({ length: 300 }, (_, i) => i).filter((i) => i % 5 !== 0);
  const spread = (logs: number[]) => {
    const mean = logs.reduce((a, b) => a + b, 0) / logs.length;
    return Math.sqrt(logs.reduce((sum, v) => sum + (v - mean) ** 2, 0) / logs.length);
  };
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const off = (factors: ArrayLike<number>, rows: Int32Array, from: ArrayLike<number>) =>
    Array.from(rows, (row) => Math.log(factors[row] / from[row]));

  it("is near to the one that it gets among all samples, and to the truth, unlike its library size", async () => {
    const among = await fitSizeFactors(made.x, null);
    const { factors } = await fitSizeFactors(made.x, train);
    const library = Array.from({ length: 300 }, (_, i) =>
      made.x.values.subarray(made.x.indptr[i], made.x.indptr[i + 1]).reduce((a, b) => a + b, 0),
    );
    const figures = {
      rule: spread(off(factors, held, made.depth)),
      among: spread(off(among.factors, held, made.depth)),
      library: spread(off(library, held, made.depth)),
      agreement: spread(off(factors, held, among.factors)),
      shift: mean(off(factors, held, made.depth)) - mean(off(factors, train, made.depth)),
    };
    expect(figures.rule).toBeLessThan(figures.library / 3);
    expect(figures.rule).toBeLessThan(1.25 * figures.among);
    expect(figures.agreement).toBeLessThan(0.08);
    // Held-out samples as a whole are no higher or lower than those of training.
    expect(Math.abs(figures.shift)).toBeLessThan(0.04);
  });
  it("depends on no other held-out sample", async () => {
    const one = await fitSizeFactors(
      selectRows(made.x, Int32Array.of(0, ...train)),
      train.map((_, i) => i + 1),
    );
    const { factors } = await fitSizeFactors(made.x, train);
    expect(one.factors[0]).toBe(factors[0]);
  });
  it("does not fall below the least of training", async () => {
    const x = toDense(selectRows(made.x, Int32Array.of(0, ...train)) as CsrMatrix);
    x.data.fill(0, 0, 1500);
    x.data[0] = 5000; // a single gene
    const { factors, rule, remarks } = await fitSizeFactors(
      x,
      train.map((_, i) => i + 1),
    );
    expect(factors[0]).toBeCloseTo((rule.least * 5000) / rule.total, 5);
    expect(remarkLines([remarks, remarks]).join()).toMatch(/^2 size factors of held-out samples/);
  });
});
