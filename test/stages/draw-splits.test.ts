/** The splits of a run from labels and settings: what is drawn, what is refused before a folder is made. */
import { describe, expect, it } from "vitest";
import { callSource, resolveSettings, type SettingsInput } from "../../src/config.js";
import { CellhueError } from "../../src/errors.js";
import type { LabelSet } from "../../src/io/labels.js";
import { drawSplits } from "../../src/stages/draw-splits.js";

const n = 48;
const classes = ["a", "b", "c"];
const codes = Int32Array.from({ length: n }, (_, i) => i % 3);
const labels: LabelSet = {
  column: "type",
  classes,
  codes,
  rows: codes.map((_, i) => i),
  dropped: 0,
  counts: [16, 16, 16],
};
const columns: Record<string, (string | null)[]> = {
  patient: Array.from(codes, (_, i) => `p${Math.floor(i / 6)}`),
  constant: Array.from(codes, () => "x"),
  two: Array.from(codes, (_, i) => (i < 24 ? "u" : "v")),
  same: Array.from(codes, (code) => `patient ${code}`),
  large: Array.from(codes, (code, i) => (code === 2 ? "big" : `q${i % 7}`)),
  gaps: Array.from(codes, (_, i) => (i === 5 ? null : `p${i % 6}`)),
  part: Array.from(codes, (_, i) => (i < 33 ? "train" : "test")),
};
const draw = (more: SettingsInput) =>
  drawSplits(
    labels,
    resolveSettings([callSource({ file: "x.h5ad", label: "type", ...more })]),
    (name) => columns[name],
  );
const errorOf = (more: SettingsInput): CellhueError => {
  try {
    draw(more);
  } catch (error) {
    expect(error).toBeInstanceOf(CellhueError);
    return error as CellhueError;
  }
  throw new Error(`${JSON.stringify(more)} was taken`);
};
const sorted = (...parts: Int32Array[]) => parts.flatMap((part) => [...part]).sort((a, b) => a - b);
const all = Array.from({ length: n }, (_, i) => i);

describe("drawSplits", () => {
  it.each([
    ["stratified", {}, 5],
    ["repeated", { repeats: 3, folds: 4 }, 12],
    ["stratified by group", { group: "patient" }, 5],
    ["by group", { group: "patient", cv: "group", folds: 4 }, 4],
    ["leave one group out", { group: "patient", cv: "leave-one-group-out" }, 8],
  ] as const)("%s: every sample is in one part of each split, and tested once a repeat", (_, more, count) => {
    const { splits, final, groups } = draw({ ...more, validation: 0.2 });
    expect(splits.length).toBe(count);
    for (const { train, validation, test } of splits) {
      expect(sorted(train, validation, test)).toEqual(all);
      expect(validation.length).toBeGreaterThan(0);
      expect(new Set(train.map((i) => codes[i])).size).toBe(3);
    }
    const repeats = Math.max(...splits.map(({ repeat }) => repeat)) + 1;
    for (let r = 0; r < repeats; r++)
      expect(sorted(...splits.filter((s) => s.repeat === r).map((s) => s.test))).toEqual(all);
    expect(sorted(final.train, final.validation)).toEqual(all);
    if (groups === null) return;
    // A group is in one part only, validation parts included.
    for (const { train, validation, test } of splits) {
      const of = (part: Int32Array) => new Set(Array.from(part, (i) => groups[i]));
      for (const [a, b] of [
        [train, test],
        [train, validation],
        [validation, test],
      ])
        expect([...of(a)].filter((g) => of(b).has(g))).toEqual([]);
    }
  });

  it("names what is left out", () => {
    const { splits } = draw({ group: "patient", cv: "leave-one-group-out" });
    expect(splits.map(({ name }) => name)).toEqual(["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"]);
  });

  it("takes a fixed split; its net is the final one, and its test part stays unseen", () => {
    const { splits, final } = draw({ split: "part", validation: 0.2 });
    expect(splits.length).toBe(1);
    expect([...splits[0].test]).toEqual(all.slice(33));
    expect(final).toEqual({ train: splits[0].train, validation: splits[0].validation, sameAs: 0 });
    expect(sorted(final.train, final.validation)).toEqual(all.slice(0, 33));
  });

  it("has no validation part under the published protocol, unless it is asked for", () => {
    expect(draw({ protocol: "published" }).splits.every((s) => s.validation.length === 0)).toBe(true);
    expect(draw({ protocol: "published" }).final.train.length).toBe(n);
    expect(draw({ protocol: "published", validation: 0.2 }).splits[0].validation.length).toBeGreaterThan(0);
  });

  it("trains on all where the usual share is too small to calibrate by", () => {
    const { splits, final, notes } = draw({});
    for (const { validation } of [...splits, final]) expect(validation.length).toBe(0);
    for (const { train, test } of splits) expect(sorted(train, test)).toEqual(all);
    expect(final.train.length).toBe(n);
    expect(notes).toEqual([]); // nothing is wrong; the report says that nothing is calibrated
    expect(draw({ patience: 5 }).splits[0].validation.length).toBeGreaterThan(0); // needed to stop early by
  });

  it("draws the same samples under both protocols", () => {
    const [a, b] = (["inductive", "published"] as const).map((protocol) =>
      draw({ protocol, validation: 0.15 }),
    );
    expect(a.splits).toEqual(b.splits);
  });

  it("says why group folds do not exist, and what ungrouped ones mean", () => {
    expect(errorOf({ group: "constant" }).message).toMatch(/the same in all samples/);
    expect(errorOf({ group: "two" }).parts.remedy).toContain("--folds 2");
    const coincide = errorOf({ group: "same" });
    expect(coincide.message).toMatch(/coincide: every class is one group, so there are no group folds/);
    expect(coincide.describe()).toMatch(/may recognise the 'same', not the 'type'/);
    expect(errorOf({ group: "large" }).message).toMatch(/'c'.*gone from training/);
    expect(errorOf({ group: "gaps" }).parts.found).toBe("first in row 5");
    const told = draw({ group: "same", cv: "stratified" });
    expect(told.notes.join()).toMatch(/coincide.*may recognise/);
  });

  it("looks for inner folds before it trains", () => {
    expect(draw({ tune: { lr: [1e-4, 1e-3] } }).splits.length).toBe(5);
    expect(errorOf({ tune: { lr: [1e-4] }, group: "two", folds: 2 }).message).toMatch(/too few groups/);
  });
});
