import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { describeGenes, makeUnique, symbolsOfDate } from "../../src/io/gene-names.js";
import { openExpression } from "../../src/io/reader.js";

const { lists } = JSON.parse(readFileSync("test/fixtures/gene_names.json", "utf8")) as {
  lists: { names: string[]; unique: string[] }[];
};

describe("makeUnique equals anndata's make_index_unique", () => {
  it.each(lists.map((list, i) => [i, list] as const))("list %i", (_, { names, unique }) => {
    expect(makeUnique(names)).toEqual(unique);
  });
  it("takes no longer for a name that is repeated often", () => {
    const names = makeUnique(Array<string>(200_000).fill("a"));
    expect(names.at(-1)).toBe("a-199999");
  });
});

describe("dates that were symbols", () => {
  it.each([
    ["MAR-1", "MARCHF1 (MARCH1)"],
    ["1-Mar", "MARCHF1 (MARCH1)"],
    ["Mar-01", "MARCHF1 (MARCH1)"],
    ["11-Mar", "MARCHF11 (MARCH11)"],
    ["Sep-2", "SEPTIN2 (SEPT2)"],
    ["2-Sep", "SEPTIN2 (SEPT2)"],
    ["02-Sep", "SEPTIN2 (SEPT2)"],
    ["15-Sep", "SELENOF (SEP15)"],
    ["1-Dec", "DELEC1 or BHLHE40 (DEC1)"],
    ["4-Oct", "POU5F1 (OCT4)"],
    ["1. Mrz", "MARCHF1 (MARCH1)"],
    ["2-sept", "SEPTIN2 (SEPT2)"],
    ["1-Dez", "DELEC1 or BHLHE40 (DEC1)"],
    ["2-Sep-21", "SEPTIN2 (SEPT2)"],
    ["43526", "MARCHF2 (MARCH2)"],
    ["43526.0", "MARCHF2 (MARCH2)"],
    ["2021-09-02", "SEPTIN2 (SEPT2)"],
    ["2021-09-02 00:00:00", "SEPTIN2 (SEPT2)"],
    ["9/2/2021", "SEPTIN2 (SEPT2)"],
    ["02.09.2021", "SEPTIN2 (SEPT2)"],
  ])("%s: %s", (name, symbol) => {
    expect(symbolsOfDate(name, true)?.[0]).toBe(symbol);
  });
  it.each(
    "MARCH1 SEPT2 DEC1 MARC1 SEPTIN2 JUN JUND APRT NOV MARK1 MARCKS HLA-A NKX2-1 H2-K1 MT-CO1 SEC61-1 12345 70000 AUGUST-1x 1-Foo 32-Mar0 DECR1 MARS-1A mar-x 1007_s_at 7SK 5-8S U2".split(
      " ",
    ),
  )("%s is none", (name) => {
    expect(symbolsOfDate(name, true)).toBeNull();
  });
  it("a date that no symbol turns into still is one", () => {
    expect(symbolsOfDate("17-Jul", true)).toEqual([]);
  });
  it("numbers are no dates where names are numbers", () => {
    const entrez = ["43526", "7157", "1956", "43527"];
    expect(describeGenes(entrez)).toMatchObject({ kind: "entrez", dates: { count: 0 } });
    expect(describeGenes(["TP53", "EGFR", "43526", "PTEN"])).toMatchObject({
      kind: "symbols",
      dates: { count: 1 },
    });
  });
});

describe("describeGenes", () => {
  it("has nothing to say of good names, or of none", () => {
    expect(describeGenes(["TP53", "EGFR", "HLA-A"])).toEqual({
      total: 3,
      kind: "symbols",
      empty: 0,
      repeated: { names: 0, extra: 0, example: null },
      ensembl: { count: 0, versioned: 0, clashing: 0 },
      dates: { count: 0, examples: [] },
      atRisk: { count: 0, example: null },
      padded: { count: 0, example: null },
      summaries: [],
      rule: null,
    });
    expect(describeGenes([])).toMatchObject({ total: 0, kind: "other", rule: null });
  });
  it("counts what is repeated, empty, padded, at risk or no gene", () => {
    const report = describeGenes([
      "A",
      "B",
      "A",
      "A",
      "B",
      "",
      " ",
      " C",
      "DEC1",
      "1-Mar",
      "2-Mar",
      "1-Mar",
      "__no_feature",
    ]);
    expect(report).toMatchObject({
      empty: 2,
      repeated: { names: 3, extra: 4, example: "A" },
      dates: { count: 3, examples: [{ name: "1-Mar" }, { name: "2-Mar" }] },
      atRisk: { count: 1, example: "DEC1" },
      padded: { count: 1, example: " C" },
      summaries: ["__no_feature"],
    });
    expect(report.rule).toContain("NAME-1");
  });
  it("Ensembl with and without version, and two versions of one gene", () => {
    expect(
      describeGenes(["ENSG00000141510.18", "ENSG00000141510.17", "ENSG00000146648", "ENSMUSG00000059552.3"]),
    ).toMatchObject({
      kind: "ensembl",
      ensembl: { count: 4, versioned: 3, clashing: 1 },
    });
  });
  it.each([
    ["probes", ["1007_s_at", "AFFX-BioB-5_at", "ILMN_1343291"]],
    ["row numbers", ["0", "1", "2"]],
    ["row numbers", ["1", "2", "3"]],
    ["row numbers", ["gene_0", "gene_1", "gene_2"]],
    ["row numbers", ["", "1"].map((_, i) => `g${i + 1}`)],
    ["symbols", ["g0", "g1", "g3"]],
    ["entrez", ["7157", "1956", "x"]],
    ["other", ["?", "§", "a b c"]],
  ])("%s", (kind, names) => {
    expect(describeGenes(names).kind).toBe(kind);
  });
});

describe("real data", () => {
  const shared = "../shared/data/";
  it.each([
    ["assets/demo/infercnvpy_oligodendroglioma.h5ad", "symbols"],
    [`${shared}tcga_gbm_verhaak.h5ad`, "symbols"],
    [`${shared}formats/czi_example_valid.h5ad`, "ensembl"],
    [`${shared}mb_kool_gse10327_62.h5ad`, "probes"],
  ])("%s: %s", async (path, kind) => {
    if (!existsSync(path)) return;
    const reader = await openExpression(path, { requireX: false });
    expect(describeGenes(reader.var().index).kind).toBe(kind);
    reader.close();
  });
});
