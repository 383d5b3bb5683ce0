import { describe, expect, it } from "vitest";
import { CellhueError } from "../../../src/errors.js";
import { columnAsLabels } from "../../../src/io/labels.js";
import { openExpression } from "../../../src/io/reader.js";
import { associate } from "../../../src/train/folds/association.js";
import {
  checkCv,
  checkGroups,
  checkNested,
  checkSplits,
  type GroupRequest,
  type SplitRequest,
} from "../../../src/train/folds/check.js";
import { type Cv, cvs, makeFolds, type Split } from "../../../src/train/folds/make-folds.js";

function refusal(work: () => unknown): CellhueError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(CellhueError);
    return error as CellhueError;
  }
  throw new Error("nothing was thrown");
}

/** "aab xxy": labels and groups, one letter a sample; "." is a missing group. */
function request(text: string, cv: Cv, more: Partial<GroupRequest> = {}): GroupRequest {
  const [labels, groups] = text.split(" ").map((letters) => [...letters]);
  const filled = groups.map((group) => (group === "." ? null : group));
  return { labels, groups: filled, label: "tumour", group: "patient", cv, folds: 2, ...more };
}

describe("associate", () => {
  it.each([
    ["aabb xxyy", "coincide"],
    ["aabbc xxxxy", "class in one group"],
    ["aabb xyzw", "group in one class"],
    ["aabb xyxy", "crossed"],
    ["aabb xxxy", "crossed"],
  ])("%s: %s", (text, relation) => {
    const [labels, groups] = text.split(" ").map((letters) => [...letters]);
    expect(associate(labels, groups).relation).toBe(relation);
  });

  it("counts samples of each class in each group, largest first, names by code point", () => {
    const found = associate(["b", "a", "b", "b", "a", "b"], ["y", "é", "X", "y", "y", "é"]);
    expect(found.groups).toEqual({ names: ["X", "y", "é"], codes: Int32Array.of(1, 2, 0, 1, 1, 2) });
    expect(found.classes).toEqual([
      { name: "a", samples: 2, groups: [expect.objectContaining({ name: "y" }), { name: "é", samples: 1 }] },
      {
        name: "b",
        samples: 4,
        groups: [
          { name: "y", samples: 2 },
          { name: "X", samples: 1 },
          { name: "é", samples: 1 },
        ],
      },
    ]);
  });
});

describe("checkCv", () => {
  const options = { cv: "stratified" as Cv, repeats: 1, group: null, split: null };
  it("lets pass what belongs together", () => {
    checkCv(options);
    checkCv({ ...options, repeats: 10 });
    checkCv({ ...options, cv: "stratified-group", repeats: 10, group: "patient" });
    checkCv({ ...options, cv: "leave-one-group-out", group: "patient" });
    checkCv({ ...options, cv: "split", split: "set" });
  });
  it.each<[Cv, { group?: string; split?: string; repeats?: number }, RegExp]>([
    ["group", {}, /needs to know the groups/],
    ["leave-one-group-out", {}, /needs to know the groups/],
    ["split", {}, /needs to know the split/],
    ["split", { group: "patient", split: "set", repeats: 2 }, /cannot be repeated/],
    ["leave-one-group-out", { group: "patient", split: "set", repeats: 2 }, /cannot be repeated/],
  ])("%s with %o is refused", (cv, more, message) => {
    expect(refusal(() => checkCv({ ...options, cv, ...more })).message).toMatch(message);
  });
});

describe("checkGroups refuses", () => {
  const withGroups = cvs.filter((cv) => cv !== "stratified" && cv !== "split");

  it.each(cvs)("a sample without a group, with --cv %s: how many, and the first row of the file", (cv) => {
    const rows = Int32Array.of(2, 3, 5, 8, 9, 11);
    const error = refusal(() => checkGroups(request("aabbab xy.x.y", cv, { rows })));
    expect(error.message).toBe("2 of 6 samples have no group");
    expect(error.parts.found).toBe("first in row 5");
  });

  it.each(cvs)("a constant column, with --cv %s", (cv) => {
    const error = refusal(() => checkGroups(request("aabb xxxx", cv)));
    expect(error.message).toBe("'patient' is the same in all samples");
    expect(error.parts.found).toBe("'x' in all 4 samples");
  });

  it("fewer groups than folds, naming a number of folds that works", () => {
    const error = refusal(() => checkGroups(request("abababab xxyyzzzx", "group", { folds: 5 })));
    expect(error.message).toBe("'patient' has 3 groups, fewer than the 5 folds");
    expect(error.parts.remedy).toEqual(["--folds 3", "--cv leave-one-group-out"]);
    checkGroups(request("abababab xxyyzzzx", "leave-one-group-out", { folds: 5 }));
  });

  it.each(withGroups)("label and group that coincide, with --cv %s", (cv) => {
    const error = refusal(() => checkGroups(request("aaabb xxxyy", cv)));
    expect(error.message).toBe(
      "'tumour' and 'patient' coincide: every class is one group, so there are no group folds",
    );
    expect(error.describe()).toContain("'a' (3) only in 'x', 'b' (2) only in 'y'");
    expect(error.describe()).toContain("the net may recognise the 'patient', not the 'tumour'");
  });

  it("classes that lie in one group each, several in some", () => {
    const error = refusal(() => checkGroups(request("aabbcc xxxxyy", "stratified-group")));
    expect(error.message).toBe("every class of 'tumour' has one 'patient' only, so there are no group folds");
    expect(error.describe()).toContain("the net may recognise the 'patient', not the 'tumour'");
  });

  it("one class that lies in one group, naming both", () => {
    const error = refusal(() => checkGroups(request("ababcc xxyyxx", "leave-one-group-out")));
    expect(error.message).toMatch(/^class 'c' has one 'patient' only/);
    expect(error.parts.found).toBe("'c' (2) only in 'x'");
    expect(error.parts.remedy).toContain("leave these classes out of the file");
  });

  it("names out of a file are made safe for a terminal", () => {
    const hostile = request("aabb xxyy", "group", { group: "pat\u001b[31m" });
    expect(refusal(() => checkGroups(hostile)).describe()).not.toContain("\u001b");
  });

  it("lists of different lengths, which is a bug", () => {
    expect(() => checkGroups({ ...request("aabb xyxy", "group"), groups: ["x"] })).toThrow(RangeError);
  });
});

describe("checkGroups warns", () => {
  it("of nothing where groups hold one class each and every class has several", () => {
    const { groups, association, warnings } = checkGroups(request("aaaabbbb xxyyzzww", "group"));
    expect(groups.names).toEqual(["w", "x", "y", "z"]);
    expect(association.cramersV).toBe(1);
    expect(warnings).toEqual([]);
  });

  it("of label and group that go together in part, naming the class that suffers most", () => {
    const text = `${"a".repeat(10)}${"b".repeat(10)} xxxxxxxxxyyyyyyyyyxx`;
    const { warnings, association } = checkGroups(request(text, "group"));
    expect(association.cramersV).toBeCloseTo(0.704, 2);
    expect(warnings).toEqual([
      expect.stringMatching(
        /go together in part \(Cramér's V = 0.70\): 'a' has 9 of its 10 samples in 'x', and 1 to/,
      ),
    ]);
    expect(checkGroups(request("abababab xxyyxxyy", "group")).warnings).toEqual([]);
  });

  it("of groups of one sample each", () => {
    const { warnings } = checkGroups(request("aabb wxyz", "group"));
    expect(warnings).toEqual([expect.stringMatching(/'patient' is different in every sample/)]);
  });

  it.each([
    [
      "aabb xxyy",
      /^'tumour' and 'patient' coincide: every class is one group\. Folds that ignore .* recognise the 'patient', not the 'tumour'/,
    ],
    ["aabbcc xxxxyy", /^every class of 'tumour' has one 'patient' only\. Folds that ignore/],
    [
      "ababcc xxyyxx",
      /V = 0\.\d\d \(0: not at all, 1: wholly\), and 'c' has one 'patient' only\. Folds that ignore .* Where a class has one/,
    ],
    [
      "abab xxyy",
      /V = 0\.00 .*; --cv stratified-group holds whole groups out\. Folds that ignore .* is likely too high for a new one/,
    ],
  ])("with --cv stratified, of what an accuracy then means: %s", (text, message) => {
    expect(checkGroups(request(text, "stratified")).warnings).toEqual([expect.stringMatching(message)]);
  });

  it("of nothing with --cv stratified and groups of one sample each", () => {
    expect(checkGroups(request("aabb wxyz", "stratified")).warnings).toEqual([]);
  });
});

describe("checkSplits", () => {
  const classes = ["glioma", "normal"];
  const split = (train: number[], test: number[], more: Partial<Split> = {}): Split => ({
    repeat: 0,
    fold: 0,
    name: "fold 1",
    train: Int32Array.from(train),
    validation: new Int32Array(0),
    test: Int32Array.from(test),
    ...more,
  });
  const codes = Int32Array.of(0, 0, 0, 1, 1, 1);
  const asked: SplitRequest = { codes, classes, cv: "group", validation: 0 };

  it("is silent where all is well", () => {
    const splits = [split([0, 1, 3, 4], [2, 5]), split([2, 5], [0, 1, 3, 4])];
    expect(checkSplits(splits, asked)).toEqual([]);
  });

  it.each<[Cv, RegExp]>([
    ["group", /in fold 1$/],
    ["leave-one-group-out", /in the fold that holds 'fold 1' out$/],
    ["split", /in the fold 'fold 1' of the split$/],
  ])("--cv %s: names the class that is gone from training, and the fold", (cv, fold) => {
    const error = refusal(() => checkSplits([split([0, 1, 2], [3, 4, 5])], { ...asked, cv }));
    expect(error.message).toMatch(/^class 'normal' has no training sample/);
    expect(error.message).toMatch(fold);
    expect(error.parts.found).toBe("3 training samples, none of 'normal'; 3 of 3 test samples are");
  });

  it("a stratified fold that tests the only sample of a class", () => {
    const single = Int32Array.of(0, 0, 0, 0, 1);
    const splits = makeFolds(single, { cv: "stratified", folds: 2, repeats: 1, seed: 1, validation: 0 });
    expect(refusal(() => checkSplits(splits, { ...asked, codes: single, cv: "stratified" })).message).toMatch(
      /class 'normal' has no training sample in fold \d/,
    );
  });

  it("a fold without test samples", () => {
    const error = refusal(() =>
      checkSplits([split([0, 1, 2, 3, 4, 5], [])], { ...asked, cv: "stratified-group" }),
    );
    expect(error.message).toBe("fold 1 has no test samples");
    expect(error.parts.remedy).toContain("--cv group, which fills every fold");
  });

  it("a validation part that was asked for and cannot be", () => {
    const splits = [split([0, 1, 3, 4], [2, 5])];
    const error = refusal(() => checkSplits(splits, { ...asked, validation: 0.2 }));
    expect(error.message).toBe("no validation part can be set aside in fold 1");
  });

  it("warns of classes without test samples, but not where one group is left out", () => {
    const splits = [split([0, 1, 3, 4, 5], [2]), split([2, 3], [0, 1, 4, 5], { fold: 1, name: "fold 2" })];
    expect(checkSplits(splits, asked)).toEqual([
      expect.stringMatching(/^1 of 2 folds do not test every class \('normal' is not in fold 1\)/),
    ]);
    expect(checkSplits(splits, { ...asked, cv: "leave-one-group-out" })).toEqual([]);
  });

  it("warns of repeats that are copies, in whatever order their folds come", () => {
    const round = (repeat: number, tests: number[][]) =>
      tests.map((test, fold) =>
        split(
          [0, 1, 2, 3, 4, 5].filter((row) => !test.includes(row)),
          test,
          { repeat, fold },
        ),
      );
    const [a, b, c] = [
      [0, 3],
      [1, 4],
      [2, 5],
    ];
    expect(checkSplits([...round(0, [a, b, c]), ...round(1, [b, c, a])], asked)).toEqual([
      expect.stringMatching(/^the 2 repeats hold 1 different set of folds only/),
    ]);
    const other = [
      [0, 4],
      [1, 3],
      [2, 5],
    ];
    expect(checkSplits([...round(0, [a, b, c]), ...round(1, other)], asked)).toEqual([]);
  });

  it("stratified group folds of groups that differ in size are copies indeed, and said to be", () => {
    const sizes = [9, 7, 6, 4, 3, 2];
    const grouped = sizes.flatMap((size, g) => new Array<number>(2 * size + g).fill(g));
    const y = Int32Array.from(grouped, (_, i) => (i % 7 < 3 ? 0 : 1));
    const groups = { names: sizes.map(String), codes: Int32Array.from(grouped) };
    const splits = makeFolds(y, {
      cv: "stratified-group",
      folds: 3,
      repeats: 5,
      seed: 42,
      groups,
      validation: 0,
    });
    const warnings = checkSplits(splits, { ...asked, codes: y, cv: "stratified-group" });
    expect(warnings).toEqual([expect.stringMatching(/^the 5 repeats hold 2 different sets of folds only/)]);
  });

  it("warns of a fixed split that cuts through groups", () => {
    const groups = { names: ["p1", "p2", "p3"], codes: Int32Array.of(0, 1, 2, 0, 2, 2) };
    const splits = [split([0, 1, 3, 4], [2, 5])];
    expect(checkSplits(splits, { ...asked, cv: "split", groups })).toEqual([
      "the split has 1 of 3 groups in training and test ('p3')",
    ]);
    expect(checkSplits(splits, { ...asked, cv: "split" })).toEqual([]);
  });
});

describe("checkNested", () => {
  const codes = Int32Array.from({ length: 24 }, (_, i) => i % 2);
  const groups = {
    names: ["a", "b", "c", "d"],
    codes: Int32Array.from({ length: 24 }, (_, i) => Math.floor(i / 6)),
  };
  const asked: SplitRequest = {
    codes,
    classes: ["x", "y"],
    cv: "leave-one-group-out",
    validation: 0,
    groups,
  };
  const outer = makeFolds(codes, {
    cv: "leave-one-group-out",
    folds: 2,
    repeats: 1,
    seed: 1,
    groups,
    validation: 0,
  });

  it("is silent where there are inner folds", () => {
    checkNested(outer, { ...asked, inner: { cv: "group", folds: 3, seed: 1, groups } });
    checkNested(outer, { ...asked, inner: { cv: "leave-one-group-out", folds: 9, seed: 1, groups } });
    checkNested(outer, { ...asked, inner: { cv: "stratified", folds: 9, seed: 1 } });
  });

  it("refuses more inner folds than training groups, or than samples of a class", () => {
    const tooMany = refusal(() =>
      checkNested(outer, { ...asked, inner: { cv: "group", folds: 4, seed: 1, groups } }),
    );
    expect(tooMany.message).toBe("too few groups to choose settings by within the fold that holds 'a' out");
    expect(tooMany.parts.found).toBe("3 groups to train on");
    const few = refusal(() =>
      checkNested(outer, { ...asked, inner: { cv: "stratified", folds: 10, seed: 1 } }),
    );
    expect(few.parts.found).toBe("9 training samples in the largest class");
  });

  it("names the inner fold from whose training part a class is gone", () => {
    const bound = codes.map((code, i) => (i >= 18 ? code : i < 6 ? 1 : 0));
    const error = refusal(() =>
      checkNested(outer.slice(3), {
        ...asked,
        codes: bound,
        inner: { cv: "leave-one-group-out", folds: 2, seed: 1, groups },
      }),
    );
    expect(error.message).toBe(
      "class 'y' has no training sample in inner fold 1 of the fold that holds 'd' out",
    );
  });
});

describe("oligodendroglioma: malignant cells named by their patient", () => {
  // The patient is what stands before the first _ of a cell's name; the file has no column of it.
  const read = async () => {
    const reader = await openExpression("assets/demo/infercnvpy_oligodendroglioma.h5ad");
    try {
      const obs = reader.obs();
      const column = obs.columns.get("cell_type");
      if (column === undefined) throw new Error("no cell_type");
      const labels = columnAsLabels(column) as string[];
      return {
        labels,
        groups: obs.index.map((cell) => cell.split("_")[0]),
        label: "cell_type",
        group: "patient",
      };
    } finally {
      reader.close();
    }
  };

  it("every malignant class is a patient: no group folds, and why", async () => {
    const real = await read();
    const error = refusal(() => checkGroups({ ...real, cv: "leave-one-group-out", folds: 5 }));
    expect(error.message).toBe(
      "4 of 6 classes have one 'patient' only, and are gone from training when that is held out",
    );
    expect(error.parts.found).toBe(
      "'malignant_93' (40) only in '93', 'malignant_97' (35) only in '97', 'malignant_MGH36' (33) only in 'MGH36', 'malignant_MGH53' (34) only in 'MGH53'",
    );
  });

  it("malignant, oligodendrocyte and microglia: group folds that test on a new patient", async () => {
    const real = await read();
    const labels = real.labels.map((label) => label.replace(/^malignant_.*/, "malignant"));
    const { groups } = checkGroups({ ...real, labels, cv: "leave-one-group-out", folds: 5 });
    expect(groups.names).toEqual(["93", "97", "MGH36", "MGH53", "MGH54"]);
    const classes = associate(labels, real.groups).classes.map(({ name }) => name);
    const codes = Int32Array.from(labels, (label) => classes.indexOf(label));
    const cv = "leave-one-group-out";
    const splits = makeFolds(codes, { cv, folds: 5, repeats: 1, seed: 42, groups, validation: 0.2 });
    expect(splits.map(({ name, test }) => [name, test.length])).toEqual(
      groups.names.map((name) => [name, real.groups.filter((group) => group === name).length]),
    );
    expect(checkSplits(splits, { codes, classes, cv, validation: 0.2, groups })).toEqual([]);
  });
});
