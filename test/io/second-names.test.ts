import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openExpression } from "../../src/io/reader.js";
import { geneNamesOf, isEnsembl, secondNames, withoutVersion } from "../../src/io/second-names.js";
import type { Column, Table } from "../../src/table.js";

const text = (...values: (string | null)[]): Column => ({ kind: "string", values });
const categorical = (categories: string[], codes: number[]): Column => ({
  kind: "categorical",
  categories,
  codes: Int32Array.from(codes),
  ordered: false,
});
const table = (index: string[], columns: Record<string, Column> = {}): Table => ({
  length: index.length,
  index,
  columns: new Map(Object.entries(columns)),
});
const ids = ["ENSG00000000001.3", "ENSMUSG00000000002", "ENST00000000003", "ensg00000000004.12"];

describe("Ensembl ids", () => {
  it("are told by their form, of any species, whatever the case", () => {
    expect(ids.map(withoutVersion)).toEqual([
      "ENSG00000000001",
      "ENSMUSG00000000002",
      "ENST00000000003",
      "ensg00000000004",
    ]);
    for (const other of ["AC012345.2", "ENSG00000002586.20_PAR_Y", "ENSA", "TP53", "", "ENSG1.2"])
      expect(withoutVersion(other)).toBe(other);
  });

  it("are what a list holds where most of its given names are ids", () => {
    expect(isEnsembl(ids)).toBe(true);
    expect(isEnsembl([ids[0], ids[1], "ERCC-00002"])).toBe(true);
    expect(isEnsembl([ids[0], null, "", ""])).toBe(true);
    expect(isEnsembl([ids[0], "TP53"])).toBe(false);
    expect(isEnsembl(["TP53"])).toBe(false);
    expect(isEnsembl([null, ""])).toBe(false);
    expect(isEnsembl([])).toBe(false);
  });
});

describe("secondNames", () => {
  it("are ids beside symbols, symbols beside ids", () => {
    const symbols = ["TP53", "Actb", "SOX2", "EGFR"];
    const chromosome = text("chr1", "chr1", "chr2", "chr2");
    expect(secondNames(table(symbols, { chromosome, gene_ids: text(...ids) }))).toEqual(ids);
    expect(secondNames(table(ids, { transcript: text(...ids), symbol: text(...symbols) }))).toEqual(symbols);
    expect(secondNames(table(ids, { symbol: categorical(["a1", "b1", "c1"], [0, 1, 2, -1]) }))).toEqual([
      "a1",
      "b1",
      "c1",
      "",
    ]);
  });

  it("are not what is of the same kind, or no names", () => {
    const symbols = ["TP53", "Actb", "SOX2", "EGFR"];
    expect(secondNames(table(symbols))).toBeNull();
    expect(secondNames(table(symbols, { alias: text("p53", "b", "c", "HER1") }))).toBeNull();
    expect(secondNames(table(symbols, { gene_ids: text(ids[0], null, null, null) }))).toBeNull();
    expect(secondNames(table(ids, { biotype: categorical(["coding", "lncRNA"], [0, 0, 0, 1]) }))).toBeNull();
    expect(secondNames(table([], { gene_ids: text() }))).toBeNull();
  });
});

describe("geneNamesOf", () => {
  it("takes columns that hold names, by their content", () => {
    const names = table(["ENSG00000000001", "ENSG00000000002", "ENSG00000000003", "ENSG00000000004"], {
      symbol: text("TP53", "HLA-A", null, "AC.1"),
      "as categories": categorical(["a1", "b1", "c1"], [0, 1, 2, -1]),
      biotype: categorical(["protein_coding", "lncRNA"], [0, 0, 0, 1]),
      description: text("tumour protein", "major complex", "so so", "none at"),
      start: { kind: "number", values: Float64Array.of(1, 2, 3, 4), integer: true },
      "numbers as text": text("1", "2", "3", "4"),
    });
    const found = geneNamesOf(names);
    expect([...found.others.keys()]).toEqual(["symbol", "as categories"]);
    expect(found.others.get("as categories")).toEqual(["a1", "b1", "c1", null]);
    expect(geneNamesOf(table([], { x: text() }))).toEqual({ index: [], others: new Map() });
  });

  const shared = "../shared/data";
  it.skipIf(!existsSync(shared))("finds the second names of files by many writers", async () => {
    const found: Record<string, string[]> = {};
    for (const folder of [shared, join(shared, "formats")]) {
      for (const file of readdirSync(folder).filter((name) => name.endsWith(".h5ad"))) {
        const reader = await openExpression(join(folder, file), { requireX: false });
        const { others } = geneNamesOf(reader.var());
        if (others.size > 0) found[file] = [...others.keys()];
        reader.close();
      }
    }
    // anndata-rs's sample has one gene, and the columns of the anndata and zellkonverter files are made up.
    expect(found).toEqual({
      "anndata-rs_sample.h5ad": [
        "Biotype",
        "Chromosome",
        "Gene",
        "feature_name",
        "feature_reference",
        "feature_biotype",
      ],
      "anndata_v0.7.0.h5ad": ["var_cat", "cat_ordered"],
      "anndata_v0.7.8.h5ad": ["var_cat", "cat_ordered"],
      "squidpy_test_data.h5ad": ["gene_ids"],
      "tiledbsoma_multiome_subset_100_100.h5ad": ["gene_ids"],
      "zellkonverter_krumsiek11_augmented_v0-8.h5ad": ["dummy_str"],
    });
  });
});
