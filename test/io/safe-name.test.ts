import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { safeNames } from "../../src/io/safe-name.js";
import { RandomState } from "../../src/random.js";

/** What must hold of a name on Linux, macOS and Windows, written apart from the code under test. */
function faults(name: string): string[] {
  const found: string[] = [];
  if (name.length === 0) found.push("empty");
  if (Buffer.byteLength(name) > 120) found.push("long");
  if (/[<>:"/\\|?*]/.test(name)) found.push("a sign that Windows or Unix forbids");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/.test(name))
    found.push("control");
  if (/[. ]$|^[. ]/.test(name)) found.push("a dot or space at an end");
  if (/^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i.test(name)) found.push("a device");
  if (name !== name.normalize("NFC")) found.push("not composed");
  if (/\p{Cs}/u.test(name)) found.push("half a surrogate pair");
  return found;
}

const folded = (name: string) => name.normalize("NFKC").toLowerCase().normalize("NFC");

function check(labels: string[]): string[] {
  const names = safeNames(labels);
  expect(names.length).toBe(labels.length);
  names.forEach((name, i) => {
    expect(faults(name), `${JSON.stringify(labels[i])} → ${name}`).toEqual([]);
  });
  expect(new Set(names.map(folded)).size, JSON.stringify(names)).toBe(names.length);
  return names;
}

describe("safeNames", () => {
  it("keeps plain labels", () => {
    const labels = [
      "malignant_93",
      "Group3",
      "Oligodendrocytes (non-malignant)",
      "Microglia_Macrophage",
      "CD8+ T",
      "0",
      "AT-RT",
      "Ösophagus",
      "胶质瘤",
      "__proto__",
      "constructor",
    ];
    expect(safeNames(labels)).toEqual(labels);
  });

  it("replaces each label that is unsafe somewhere", () => {
    const labels = [
      "CD4+/CD25 T Reg",
      "../../x",
      "..",
      ".",
      ".hidden",
      "<script>alert(1)</script>",
      "con",
      "NUL.txt",
      "com1 ",
      "COM¹",
      "dot.",
      "tab\tnew\nline",
      "\u202egnp.exe",
      "\ud800",
      "\udc00",
      "x".repeat(300),
      "🧠".repeat(90),
      "",
      " ",
      "-rf",
      "e\u0301",
      "a:b",
      "C:\\Windows",
      "$(rm)",
      "`x`",
    ];
    const names = check(labels);
    names.forEach((name, i) => {
      expect(name, labels[i]).not.toBe(labels[i]);
    });
    expect(names[0]).toMatch(/^CD4\+_CD25_T_Reg-[\da-f]{12}$/);
  });

  it("tells apart what differs only by case, composition or width", () => {
    const names = check([
      "Tumour",
      "tumour",
      "TUMOUR",
      "é",
      "e\u0301",
      "É",
      "ﬁ",
      "fi",
      "Ⅳ",
      "IV",
      "straße",
      "STRASSE",
    ]);
    expect(names[0]).toMatch(/^Tumour-/);
  });

  it("survives labels that equal names it makes", () => {
    const [made] = safeNames(["a/b"]);
    const again = check(["a/b", made, made.toUpperCase()]);
    expect(again[0]).toBe(made);
    check(["a/b", made, ...safeNames(["a/b", made])].filter((name, i, all) => all.indexOf(name) === i));
  });

  it("gives a label the same name in whatever order", () => {
    const labels = ["b", "B", "x/y", "a", "con", "A b"];
    const forward = new Map(labels.map((label, i) => [label, safeNames(labels)[i]]));
    const backward = [...labels].reverse();
    expect(safeNames(backward)).toEqual(backward.map((label) => forward.get(label)));
  });

  it("holds for thousands of random labels", () => {
    const random = new RandomState(7);
    const alphabet = [
      ..."aAbBéÉ .-_+/\\:<>|?*\u0000\n\t()'\"&%$#@!~^`;,=[]{}conulpt1ß🧠\u0301\u200d\u202e\ud800",
    ];
    for (let round = 0; round < 200; round++) {
      const labels = new Set<string>();
      while (labels.size < 30) {
        const length = random.interval(6);
        let label = "";
        for (let i = 0; i < length; i++) label += alphabet[random.interval(alphabet.length - 1)];
        labels.add(label);
      }
      check([...labels]);
    }
  });

  it("makes folders that can really be made", () => {
    const folder = mkdtempSync(join(tmpdir(), "cellhue-names-"));
    try {
      const labels = Array.from({ length: 300 }, (_, i) => `${i % 2 ? "../" : "k "}${i}${i % 3 ? "" : "?"}`);
      for (const name of check(labels)) mkdirSync(join(folder, name));
      expect(readdirSync(folder).length).toBe(300);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("refuses a label that comes twice; none give none", () => {
    expect(() => safeNames(["a", "a"])).toThrow(RangeError);
    expect(safeNames([])).toEqual([]);
  });
});
