import { describe, expect, it } from "vitest";
import { CellhueError } from "../../src/errors.js";
import { byCodePoint, columnAsLabels, labelCandidates, resolveLabels } from "../../src/io/labels.js";
import { editDistance, nearNames } from "../../src/io/near.js";
import { openExpression } from "../../src/io/reader.js";
import { shellWord, visible } from "../../src/io/visible.js";
import type { Column, Table } from "../../src/table.js";

const text = (values: (string | null)[]): Column => ({ kind: "string", values });
const numbers = (values: number[], integer = false): Column => ({
  kind: "number",
  values: Float64Array.from(values),
  integer,
});
function table(columns: Record<string, Column>): Table {
  const [first] = Object.values(columns);
  const length = first === undefined ? 0 : columnAsLabels(first).length;
  return {
    length,
    index: Array.from({ length }, (_, i) => `s${i}`),
    columns: new Map(Object.entries(columns)),
  };
}
const repeat = (names: string[], times: number) => Array.from({ length: times }, () => names).flat();
const settings = { dropUnlabelled: false, folds: 5 };
function refusal(work: () => unknown): CellhueError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(CellhueError);
    return error as CellhueError;
  }
  throw new Error("nothing was thrown");
}

describe("columnAsLabels", () => {
  it("categorical: codes to names, -1 and blanks missing", () => {
    const codes = Int32Array.of(1, 0, -1, 2);
    expect(
      columnAsLabels({ kind: "categorical", categories: ["a", "b", " "], codes, ordered: false }),
    ).toEqual(["b", "a", null, null]);
  });
  it("text: kept as it is, empty or blank missing", () => {
    expect(columnAsLabels(text(["x", " x", "", "\t ", null]))).toEqual(["x", " x", null, null, null]);
  });
  it("numbers: whole ones without .0, NaN missing", () => {
    expect(columnAsLabels(numbers([1, 2.5, Number.NaN, -3, 1e3]))).toEqual(["1", "2.5", null, "-3", "1000"]);
  });
  it("booleans as Python writes them", () => {
    expect(columnAsLabels({ kind: "boolean", values: Int8Array.of(1, 0, -1) })).toEqual([
      "True",
      "False",
      null,
    ]);
  });
});

describe("resolveLabels", () => {
  it("sorts classes by code point and keeps every row", () => {
    const set = resolveLabels(table({ type: text(repeat(["b", "a", "B", "é"], 5)) }), "type", settings);
    expect(set.classes).toEqual(["B", "a", "b", "é"]);
    expect([...set.codes.subarray(0, 4)]).toEqual([2, 1, 0, 3]);
    expect([...set.rows]).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(set).toMatchObject({ column: "type", dropped: 0, counts: [5, 5, 5, 5] });
  });
  it("drops unlabelled rows when asked to, and categories that no kept row has", () => {
    const codes = Int32Array.of(0, -1, 2, 0, 2, 0, 2, -1, 0, 2, 0, 2);
    const type: Column = { kind: "categorical", categories: ["y", "unused", "x"], codes, ordered: false };
    const set = resolveLabels(table({ type }), "type", { dropUnlabelled: true, folds: 5 });
    expect(set.classes).toEqual(["x", "y"]);
    expect([...set.rows]).toEqual([0, 2, 3, 4, 5, 6, 8, 9, 10, 11]);
    expect([...set.codes]).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
    expect(set).toMatchObject({ dropped: 2, counts: [5, 5] });
  });
  it("takes odd labels as they are", () => {
    const odd = ["CD4+/CD25 T Reg", "../../x", "<script>", "Case", "case", "__proto__", "constructor"];
    const set = resolveLabels(table({ odd: text(repeat(odd, 5)) }), "odd", settings);
    expect(set.classes).toEqual([...odd].sort(byCodePoint));
    expect(set.counts).toEqual(odd.map(() => 5));
  });
  it("no such column: names the near ones and those that could serve", () => {
    const obs = table({ cell_type: text(repeat(["a", "b"], 5)), batch: text(repeat(["x", "y"], 5)) });
    const e = refusal(() => resolveLabels(obs, "celltype", settings));
    expect(e.message).toBe("no column 'celltype' in obs");
    expect(e.parts.found).toBe("cell_type, batch");
    expect(e.parts.remedy).toEqual(["--label cell_type", "--label batch (2 classes)"]);
    expect(refusal(() => resolveLabels(table({}), "x", settings)).parts.found).toContain("no columns");
  });
  it("missing labels: how many, and the option", () => {
    const obs = table({ type: text([...repeat(["a", "b"], 5), null, ""]) });
    const e = refusal(() => resolveLabels(obs, "type", settings));
    expect(e.message).toBe("2 of 12 samples have no label");
    expect(e.parts.found).toContain("row 10 ('s10')");
    expect(e.parts.remedy).toContain("--drop-unlabelled");
    expect(resolveLabels(obs, "type", { ...settings, dropUnlabelled: true }).dropped).toBe(2);
  });
  it("no labels at all, even where they may be dropped", () => {
    const obs = table({ type: text(["", null, " "]) });
    expect(
      refusal(() => resolveLabels(obs, "type", { ...settings, dropUnlabelled: true })).message,
    ).toContain("no sample has a label");
  });
  it("one class only", () => {
    const e = refusal(() => resolveLabels(table({ type: text(repeat(["a"], 9)) }), "type", settings));
    expect(e.message).toBe("'type' has one class only");
    expect(e.parts.found).toBe("'a' in all 9 labelled samples");
  });
  it("a class smaller than the folds: says which, offers fewer folds", () => {
    const obs = table({
      type: text([...repeat(["big"], 9), ...repeat(["small"], 4), ...repeat(["tiny"], 3)]),
    });
    const e = refusal(() => resolveLabels(obs, "type", settings));
    expect(e.message).toContain("2 classes");
    expect(e.parts.found).toBe("'small' (4), 'tiny' (3); folds: 5");
    expect(e.parts.remedy).toBe("--folds 3");
    expect(resolveLabels(obs, "type", { ...settings, folds: 3 }).counts).toEqual([9, 4, 3]);
    const one = table({ type: text([...repeat(["big"], 9), "single"]) });
    const lonely = refusal(() => resolveLabels(one, "type", settings));
    expect(lonely.message).toContain("class 'single'");
    expect(lonely.parts.remedy).toEqual(["remove or merge the classes with a single sample in the file"]);
  });
  it("continuous numbers, and names of samples", () => {
    const obs = table({
      depth: numbers(Array.from({ length: 20 }, (_, i) => i / 7)),
      barcode: text(Array.from({ length: 20 }, (_, i) => `ACGT-${i}`)),
      type: text(repeat(["a", "b"], 10)),
    });
    const e = refusal(() => resolveLabels(obs, "depth", settings));
    expect(e.message).toContain("continuous numbers (20 values, all different)");
    expect(e.parts.remedy).toEqual(["--label type (2 classes)"]);
    expect(refusal(() => resolveLabels(obs, "barcode", settings)).message).toContain("names samples");
  });
  it("makes control characters visible in what it says", () => {
    const e = refusal(() => resolveLabels(table({ type: text(repeat(["\x1b[31m"], 9)) }), "type", settings));
    expect(e.describe()).not.toContain("\x1b");
  });
});

it("labelCandidates tells which columns can serve, and why others cannot", async () => {
  const reader = await openExpression("test/fixtures/h5ad/small.h5ad");
  const found = labelCandidates(reader.obs()).map((c) => [c.column, c.usable, c.maxFolds, c.missing, c.why]);
  reader.close();
  expect(found).toEqual([
    ["type", true, 4, 0, null],
    ["patient", true, 8, 0, null],
    ["partial", true, 15, 5, null],
    ["same", false, 40, 0, "one class only"],
    ["lonely", false, 1, 0, "'one' has a single sample"],
    ["depth", false, 1, 0, "it holds continuous numbers (40 values, all different)"],
    ["barcode", false, 1, 0, "it names samples rather than classes (40 values, all different)"],
  ]);
});

describe("near names", () => {
  it.each([
    ["", "", 0],
    ["", "abc", 3],
    ["kitten", "sitting", 3],
    ["ab", "ba", 1],
    ["\u{1f600}a", "a", 1],
  ])("editDistance(%s, %s) is %i", (a, b, d) => {
    expect(editDistance(a, b)).toBe(d);
    expect(editDistance(b, a)).toBe(d);
  });
  it("is blind to case and separators, and finds names inside of names", () => {
    expect(nearNames("CellType", ["batch", "cell_type", "cell type 2"])).toEqual([
      "cell_type",
      "cell type 2",
    ]);
    expect(nearNames("label", ["bulk_labels", "phase"])).toEqual(["bulk_labels"]);
    expect(nearNames("x", ["nothing", "alike"])).toEqual([]);
  });
});

describe("visible", () => {
  it("writes control characters out", () => {
    expect(visible("a\x1b[31mb\r\n\u202ec\u200bd")).toBe("a\\u{1b}[31mb\\u{d}\\u{a}\\u{202e}c\\u{200b}d");
    expect(visible("é 日本 <b>")).toBe("é 日本 <b>");
    expect(visible("x".repeat(300), 5)).toBe("xxxxx…");
  });
  it("quotes words for a shell", () => {
    expect(shellWord("cell_type")).toBe("cell_type");
    expect(shellWord("tumour name")).toBe("'tumour name'");
    expect(shellWord("it's")).toBe("'it'\\''s'");
    expect(shellWord("")).toBe("''");
  });
});
