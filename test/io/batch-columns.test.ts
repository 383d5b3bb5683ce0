import { describe, expect, it } from "vitest";
import { batchColumns } from "../../src/io/batch-columns.js";
import type { Column, Table } from "../../src/table.js";

const n = 12;
const cycle = (values: string[]): Column => ({
  kind: "string",
  values: Array.from({ length: n }, (_, i) => values[i % values.length]),
});
const numbers = (of: (i: number) => number, integer = true): Column => ({
  kind: "number",
  integer,
  values: Float64Array.from({ length: n }, (_, i) => of(i)),
});
const table = (columns: Record<string, Column>): Table => ({
  length: n,
  index: Array.from({ length: n }, (_, i) => `s${i}`),
  columns: new Map(Object.entries(columns)),
});
const rows = Int32Array.from({ length: n }, (_, i) => i);
const found = (columns: Record<string, Column>, asked: string[] = []) =>
  batchColumns(table(columns), "label", asked, rows).map(({ name, values }) => `${name}: ${values.kind}`);

describe("batchColumns", () => {
  it("finds columns by name, as files call them", () => {
    expect(
      found({
        label: cycle(["a", "b"]),
        Patient: cycle(["p1", "p2", "p3"]),
        donor_id: cycle(["x", "y"]),
        "plate.no": numbers((i) => i % 3),
        n_genes: numbers((i) => 1000 + i),
        total_counts: numbers((i) => 5.5 * i, false),
        louvain: cycle(["0", "1"]),
        impatient: cycle(["u", "v"]),
        samples_seen: cycle(["u", "v"]),
      }),
    ).toEqual([
      "Patient: categorical",
      "donor_id: categorical",
      "plate.no: categorical",
      "n_genes: number",
      "total_counts: number",
    ]);
  });

  it("leaves out what cannot tell samples apart, and the label", () => {
    expect(
      found({
        batch: cycle(["only"]),
        sample: cycle(Array.from({ length: n }, (_, i) => `s${i}`)),
        n_counts: numbers(() => 7, false),
        "label run": cycle(["a", "b"]),
      }),
    ).toEqual(["label run: categorical"]);
    expect(batchColumns(table({ batch: cycle(["a", "b"]) }), "batch", [], rows)).toEqual([]);
  });

  it("takes the columns that are named, whatever they are called; missing values are −1", () => {
    const columns = { louvain: cycle(["b", "a", ""]), batch: cycle(["x", "y"]) };
    const [column] = batchColumns(table(columns), "label", ["louvain"], rows.subarray(0, 4));
    expect(column).toEqual({
      name: "louvain",
      values: {
        kind: "categorical",
        ordered: false,
        categories: ["a", "b"],
        codes: Int32Array.of(1, 0, -1, 1),
      },
    });
    expect(() => found(columns, ["bach"])).toThrow("no column 'bach' in obs");
  });
});
