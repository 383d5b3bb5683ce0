import { describe, expect, it } from "vitest";
import type { CellhueError } from "../../src/errors.js";
import { placeGeneSets } from "../../src/io/place-gene-sets.js";

const set = (name: string, ...genes: string[]) => ({ name, description: "", genes });
const have = (index: string[], others: Record<string, (string | null)[]> = {}) => ({
  index,
  others: new Map(Object.entries(others)),
});

describe("placeGeneSets", () => {
  const sets = [set("a", "TP53", "X", "EGFR"), set("b", "EGFR", "CD4"), set("c", "Y")];

  it("gives the columns, rising, and leaves out what the matrix does not have", () => {
    expect(placeGeneSets(sets, have(["EGFR", "P", "cd4", "TP53"]), "f.gmt")).toEqual({
      sets: [
        { name: "a", genes: Int32Array.of(0, 3), size: 3 },
        { name: "b", genes: Int32Array.of(0, 2), size: 2 },
      ],
      without: ["c"],
      total: 5,
      matched: 3,
      how: { exact: 2, case: 1, version: 0, otherName: 0 },
    });
  });

  it("finds symbols beside Ensembl ids, and ids but for their version", () => {
    const ids = ["ENSG00000146648.18", "ENSG00000141510.18"];
    const placed = placeGeneSets(sets, have(ids, { gene_name: ["EGFR", "TP53"] }), "f.gmt");
    expect(placed.sets[0].genes).toEqual(Int32Array.of(0, 1));
    expect(placed.how.otherName).toBe(2);
    const versions = placeGeneSets([set("a", "ENSG00000141510")], have(ids), "f.gmt");
    expect(versions.sets[0].genes).toEqual(Int32Array.of(1));
  });

  it("counts a column once that a set names in two ways", () => {
    const placed = placeGeneSets([set("a", "TP53", "tp53")], have(["Q", "TP53"]), "f.gmt");
    expect(placed.sets[0]).toEqual({ name: "a", genes: Int32Array.of(1), size: 2 });
  });

  const refusal = (index: string[], others: Record<string, string[]> = {}) => {
    try {
      placeGeneSets(sets, have(index, others), "f.gmt");
    } catch (error) {
      return (error as CellhueError).describe();
    }
  };

  it("says how both name their genes where none is common", () => {
    const text = refusal(["ENSG00000146648", "ENSG00000141510"], { biotype: ["a", "b"] });
    expect(text).toContain("the expression file has no gene of the gene sets");
    expect(text).toContain("5 genes such as 'TP53', 'X', 'EGFR' (symbols) in the sets");
    expect(text).toContain(
      "names its 2 genes 'ENSG00000146648', 'ENSG00000141510' (Ensembl ids), and in var: biotype",
    );
    expect(text).toContain("or add symbols to the expression file");
    expect(refusal(["AT1G01010", "AT1G01020"])).toContain("gene sets of the same species and naming");
    expect(refusal([])).toContain("names its 0 genes none at all");
  });

  it("refuses a name that stands at two columns", () => {
    expect(() => placeGeneSets(sets, have(["TP53", "TP53", "EGFR"]), "f.gmt")).toThrow(
      /duplicate gene names/,
    );
  });
});
