import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { describeMatrix, requireFinite } from "../../src/io/matrix-state.js";
import { openExpression } from "../../src/io/reader.js";
import type { DenseMatrix, Matrix } from "../../src/matrix.js";
import { toCsr } from "./matrices.js";

type Frozen = { rows: number; cols: number; data: number[] };
const read = (name: string) =>
  JSON.parse(readFileSync(`test/fixtures/${name}.json`, "utf8")) as Record<string, Frozen>;
const states = read("h5ad_states");
const more = read("matrix_states");
const dense = (rows: number, cols: number, data: ArrayLike<number>): DenseMatrix => ({
  kind: "dense",
  rows,
  cols,
  data: Float32Array.from(data),
});

describe("the usual states, as scanpy leaves them", () => {
  it.each([
    ["counts", "counts", /whole numbers 0 to/, true],
    ["log1p_cp10k", "log", /range of logarithms/, false],
    ["log1p_cp10k_no_empty_sample", "log", /log1p of counts per 10,000/, false],
    ["log2", "log", /range of logarithms/, false],
    ["cpm", "non-negative", /adds up to about 1,000,000/, true],
    ["scaled", "scaled", /mean 0 and deviation 1/, false],
    ["centred", "centred", /mean near 0/, false],
    ["differences", "negative", /numbers -1.3/, false],
    ["intensities", "non-negative", /none of them 0: beyond/, true],
  ])("%s: %s", async (name, state, evidence, wantsLog) => {
    const m = dense(states[name].rows, states[name].cols, states[name].data);
    const told = await describeMatrix(m);
    expect(told.state).toBe(state);
    expect(told.evidence).toMatch(evidence);
    expect(told.wantsLog).toBe(wantsLog);
    expect(told.min).toBe(Math.min(...m.data));
    expect(told.max).toBe(Math.max(...m.data));
    expect(told.zeroFraction).toBe(m.data.filter((v) => v === 0).length / m.data.length);
    expect(await describeMatrix(toCsr(m))).toEqual(told);
  });
});

describe("more states, as numpy, scipy and scikit-learn leave them", () => {
  it.each([
    ["counts", "counts", /whole numbers 0 to/],
    [
      "log1p_cpm",
      "log",
      /exp\(x\) − 1 adds up to about 1,000,000 in every sample: log1p of counts per 1,000,000/,
    ],
    ["log2_cpm", "log", /2\^x − 1 adds up to about 1,000,000 in every sample: log2\(1 \+ x\) of counts/],
    ["log10_cpm", "log", /10\^x − 1 adds up to about 1,000,000 in every sample: log10\(1 \+ x\) of counts/],
    ["tpm", "non-negative", /adds up to about 1,000,000 \(as CPM and TPM do\)/],
    ["gene_ranks", "ranked", /within each gene the numbers are their own ranks, 1 to 24/],
    ["gene_ranks_scaled", "ranked", /within each gene the numbers are their own ranks, ranks times 0.04167/],
    ["sample_ranks", "ranked", /within each sample the numbers are their own ranks, 1 to 9/],
    ["min_max", "unit-range", /100 % of the genes go from 0 to 1/],
    ["fractions", "unit-range", /numbers from 0 to 1/],
  ])("%s: %s", async (name, state, evidence) => {
    const m = dense(more[name].rows, more[name].cols, more[name].data);
    const told = await describeMatrix(m);
    expect(told.state).toBe(state);
    expect(told.evidence).toMatch(evidence);
    expect(await describeMatrix(toCsr(m))).toEqual(told);
  });
  it("warns of what the method is not made for, and of nothing else", async () => {
    const caution = async (name: string) => {
      const { rows, cols, data } = states[name] ?? more[name];
      return (await describeMatrix(dense(rows, cols, data))).caution?.what ?? null;
    };
    for (const name of ["log1p_cp10k", "log2", "scaled", "centred", "log10_cpm"])
      expect(await caution(name), name).toBeNull();
    for (const name of ["counts", "cpm", "intensities", "tpm"])
      expect(await caution(name), name).toMatch(/linear scale/);
    expect(await caution("gene_ranks")).toMatch(/ranks/);
    expect(await caution("min_max")).toMatch(/alike/);
    expect(await caution("differences")).toMatch(/mixed origin/);
  });
  it("one number out of its rank is no ranking", async () => {
    const { rows, cols, data } = more.gene_ranks;
    const changed = [...data];
    changed[cols * 3 + 4] += 0.5;
    expect((await describeMatrix(dense(rows, cols, changed))).state).not.toBe("ranked");
  });
});

describe("edge cases", () => {
  it.each([
    [0, 0],
    [0, 4],
    [3, 0],
  ])("%i × %i is empty", async (rows, cols) => {
    expect(await describeMatrix(dense(rows, cols, []))).toMatchObject({
      state: "empty",
      min: null,
      max: null,
    });
  });
  it("all zero, or all the same, is constant", async () => {
    expect(await describeMatrix(dense(2, 2, [0, 0, 0, 0]))).toMatchObject({
      state: "constant",
      zeroFraction: 1,
    });
    expect(await describeMatrix(toCsr(dense(2, 2, [0, 0, 0, 0])))).toMatchObject({
      state: "constant",
      max: 0,
    });
    expect(await describeMatrix(dense(1, 1, [2.5]))).toMatchObject({ state: "constant", min: 2.5 });
  });
  it("only 0 and 1", async () => {
    expect(await describeMatrix(dense(2, 2, [0, 1, 1, 0]))).toMatchObject({
      state: "counts",
      integers: true,
    });
  });
  it("whole numbers without a zero or a one are no counts", async () => {
    expect((await describeMatrix(dense(2, 2, [20, 300, 41, 52]))).state).toBe("non-negative");
  });
  it("an unstored zero is the minimum of a sparse matrix, whose stored entries may all be above it", async () => {
    const m = toCsr(dense(2, 2, [0, 1.5, 2.5, 3]));
    expect(await describeMatrix(m)).toMatchObject({ min: 0, max: 3, zeroFraction: 0.25 });
  });
  it("not finite: how many, and where first; the range is that of the rest", async () => {
    const m = dense(2, 3, [0, 1, Number.NaN, Number.NEGATIVE_INFINITY, 5, Number.POSITIVE_INFINITY]);
    for (const x of [m, toCsr(m)]) {
      expect(await describeMatrix(x)).toMatchObject({
        state: "not-finite",
        min: 0,
        max: 5,
        nonFinite: { count: 3, nan: 1, infinite: 2, first: { row: 0, col: 2 } },
      });
    }
  });
});

describe("requireFinite", () => {
  const refuse = async (m: Matrix, genes: string[], samples: string[], where: string) =>
    requireFinite((await describeMatrix(m)).nonFinite, m, genes, samples, where);

  it("passes finite numbers", async () => {
    await refuse(dense(1, 2, [1, -3e38]), ["a", "b"], ["s"], "f");
  });
  it("counts and names what is not", async () => {
    const m = dense(2, 2, [0, 1, Number.NaN, Number.POSITIVE_INFINITY]);
    for (const x of [m, toCsr(m)]) {
      try {
        await refuse(x, ["EGFR", "PTEN"], ["s1", "s\x1b2"], "f.h5ad");
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(CellhueError);
        expect((error as CellhueError).message).toContain("2 entries");
        expect((error as CellhueError).parts.found).toBe(
          "1 NaN and 1 infinite of 4; the first at sample 's\\u{1b}2' (row 1), gene 'EGFR' (column 0)",
        );
      }
    }
  });
});

describe("real data", () => {
  const shared = "../shared/data/";
  const files: [string, string][] = [
    ["assets/demo/infercnvpy_oligodendroglioma.h5ad", "non-negative"],
    [`${shared}10x_pbmc68k_reduced.h5ad`, "scaled"],
    [`${shared}tcga_gbm_verhaak.h5ad`, "centred"],
    [`${shared}glioma_nutt50.h5ad`, "log"],
    [`${shared}zeisel_simlr680.h5ad`, "log"],
    [`${shared}brain_tumor1_pomeroy90.h5ad`, "negative"],
    [`${shared}formats/anndata_v0.7.8.h5ad`, "counts"],
  ];
  for (const [path, state] of files) {
    it.skipIf(!existsSync(path))(`${path}: ${state}`, async () => {
      const reader = await openExpression(path);
      expect((await describeMatrix(reader.readMatrix())).state).toBe(state);
      reader.close();
    });
  }
});
