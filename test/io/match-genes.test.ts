import { describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { matchGenes, requireOverlap } from "../../src/io/match-genes.js";
import type { GeneNames } from "../../src/io/second-names.js";
import { RandomState } from "../../src/random.js";

const names = (index: string[], others: Record<string, (string | null)[]> = {}): GeneNames => ({
  index,
  others: new Map(Object.entries(others)),
});
const match = (wanted: string[], have: GeneNames, ids: string[] | null = null) => {
  const { from, ...rest } = matchGenes({ names: wanted, ids }, have);
  return { from: [...from], ...rest };
};

describe("matchGenes", () => {
  it("finds names as they are, in any order", () => {
    expect(match(["A", "B", "C"], names(["C", "x", "A", "B"]))).toEqual({
      from: [2, 3, 0],
      overlap: 3,
      share: 1,
      missing: [],
      ambiguous: [],
      how: { exact: 3, case: 0, version: 0, otherName: 0 },
    });
  });

  it("takes the strictest rule that finds: equal, case, version", () => {
    const wanted = ["ACTB", "Tp53", "ENSG00000141510.12", "ENSG00000146648", "none"];
    const file = names([
      "actb",
      "ACTB",
      "TP53",
      "ENSG00000141510",
      "ensg00000146648.3",
      "ENSG00000141510.1x",
    ]);
    expect(match(wanted, file)).toMatchObject({
      from: [1, 2, 3, 4, -1],
      missing: ["none"],
      ambiguous: [],
      how: { exact: 1, case: 1, version: 2, otherName: 0 },
    });
  });

  it("strips versions of Ensembl ids only", () => {
    const file = names(["AC012345.2", "ENSG00000002586.20_PAR_Y", "ENSMUSG00000000001.5"]);
    expect(match(["AC012345.1", "ENSG00000002586", "ENSMUSG00000000001"], file).from).toEqual([-1, -1, 2]);
  });

  it("goes from symbols to ids and back where either side knows both", () => {
    const symbols = ["EGFR", "TP53"];
    const ids = ["ENSG00000146648.18", "ENSG00000141510"];
    const versions = ["ENSG00000141510.16", "ENSG00000146648.1"];
    const fileKnows = names(versions, { feature_name: ["TP53", "egfr"] });
    expect(match(symbols, fileKnows)).toMatchObject({ from: [1, 0], how: { otherName: 2 } });
    expect(match(symbols, names(versions), ids)).toMatchObject({ from: [1, 0], how: { otherName: 2 } });
    expect(match(ids, names(["tp53", "EGFR"]), symbols)).toMatchObject({
      from: [1, 0],
      how: { otherName: 2 },
    });
    expect(match(ids, names(["x", "y"], { gene_ids: versions, gene_symbols: [null, ""] }))).toMatchObject({
      from: [1, 0],
      how: { otherName: 2 },
    });
    expect(match(symbols, names(versions)).overlap).toBe(0);
  });

  it("lets an id decide between columns of one symbol", () => {
    const file = names(["ENSG00000280987", "ENSG00000015479"], { symbol: ["MATR3", "MATR3"] });
    expect(match(["MATR3"], file)).toMatchObject({ from: [-1], missing: ["MATR3"], ambiguous: ["MATR3"] });
    expect(match(["MATR3"], file, ["ENSG00000015479"])).toMatchObject({ from: [1], ambiguous: [] });
    const twice = names(["MATR3", "MATR3"], { gene_ids: ["ENSG00000280987.1", "ENSG00000015479.2"] });
    expect(match(["MATR3", "MATR3"], twice, ["ENSG00000015479", "ENSG00000280987"])).toMatchObject({
      from: [1, 0],
      how: { exact: 2 },
    });
  });

  it("leaves out what a looser rule finds twice, on either side", () => {
    expect(match(["Actb"], names(["ACTB", "actb"]))).toMatchObject({ from: [-1], ambiguous: ["Actb"] });
    expect(match(["Actb", "ACTb"], names(["actb"]))).toMatchObject({
      from: [-1, -1],
      ambiguous: ["Actb", "ACTb"],
    });
    // the one that is equal keeps its column
    expect(match(["Actb", "actb"], names(["actb"]))).toMatchObject({ from: [-1, 0], ambiguous: [] });
  });

  it("refuses equal names of a gene that is needed, and no others", () => {
    const file = names(["A", "B", "B", "C", "C", "C"], {
      gene_ids: ["ENSG00000000001", "ENSG00000000002", "ENSG00000000003"].concat([
        "ENSG00000000004",
        "ENSG00000000005",
        "ENSG00000000006",
      ]),
    });
    expect(match(["A", "D"], file).from).toEqual([0, -1]);
    let error: unknown;
    try {
      matchGenes({ names: ["A", "B", "C"], ids: null }, file, "new.h5ad");
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(CellhueError);
    const text = (error as CellhueError).describe();
    expect(text).toMatch(/duplicate gene names/);
    expect(text).toMatch(/'B' \(2 columns\), 'C' \(3 columns\) among 6 genes/);
    expect(text).toMatch(/new\.h5ad/);
    expect(text).toMatch(/duplicated\(\)[\s\S]*adata\.var\["gene_ids"\]/);
  });

  it("takes no empty name for a name", () => {
    expect(match(["", "A"], names(["", "", "A"], { id: ["", null, ""] }), ["", ""])).toMatchObject({
      from: [-1, 2],
      overlap: 1,
    });
  });

  it.each<[string[], string[], number, number]>([
    [[], [], 0, 0],
    [[], ["A"], 0, 0],
    [["A"], [], 0, 0],
    [["A"], ["A"], 1, 1],
    [["A", "B", "C"], ["B"], 1, 1 / 3],
    [["A", "B"], ["x", "y", "z"], 0, 0],
    [["__proto__", "constructor"], ["constructor", "__proto__"], 2, 1],
  ])("%j in %j: %i found", (wanted, file, overlap, share) => {
    expect(match(wanted, names(file))).toMatchObject({ overlap, share });
    expect(match(wanted, names(file)).missing.length).toBe(wanted.length - overlap);
  });

  it("equals the obvious search on thousands of shuffled names", () => {
    const random = new RandomState(3);
    const file = Array.from({ length: 5000 }, (_, i) => `g${i}`);
    const wanted = Array.from(random.permutation(7000).subarray(0, 3001), (i) => `G${i}`);
    const { from, how } = matchGenes({ names: wanted, ids: null }, names(file));
    expect([...from]).toEqual(wanted.map((name) => file.indexOf(name.toLowerCase())));
    expect(how.case).toBe(wanted.filter((name) => Number(name.slice(1)) < 5000).length);
  });

  it("refuses lists that do not fit", () => {
    expect(() => match(["A"], names(["A"]), [])).toThrow(RangeError);
    expect(() => match(["A"], names(["A"], { x: [] }))).toThrow(RangeError);
  });
});

describe("requireOverlap", () => {
  const refusal = (wanted: string[], file: GeneNames, floor: number): string | null => {
    const genes = { names: wanted, ids: null };
    try {
      requireOverlap(matchGenes(genes, file), genes, file, floor, "new.h5ad");
      return null;
    } catch (error) {
      expect(error).toBeInstanceOf(CellhueError);
      return (error as CellhueError).describe();
    }
  };

  it("lets the floor itself pass, and says the share below it", () => {
    const file = names(["A", "x"]);
    expect(refusal(["A", "B"], file, 0.5)).toBeNull();
    expect(refusal(["A", "B", "C"], file, 0.3)).toBeNull();
    expect(refusal(["A", "B", "C"], file, 0.5)).toMatch(
      /too few[\s\S]*1 of the model's 3 genes \(33\.3 %\)[\s\S]*at least 50 %[\s\S]*--min-overlap 0\.33/,
    );
  });

  it("refuses a file without any gene of the model, whatever the floor", () => {
    const text = refusal(["ENSG00000141510"], names(["TP53"], { chr: ["chr17"] }), 0);
    expect(text).toMatch(/no gene of the model[\s\S]*'TP53', and in var: chr[\s\S]*'ENSG00000141510'/);
    expect(text).not.toMatch(/--min-overlap/);
    expect(refusal(["A"], names([]), 0)).toMatch(/names its genes none at all/);
  });
});
