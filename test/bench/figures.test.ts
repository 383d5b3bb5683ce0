import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compare, kindOf, type Part, type Parts } from "../../bench/figures.mjs";

const part = (found: unknown): Part => ({ made: "2026-12-01", machine: "a machine", found });
const spread = (median: number) => ({ median, min: median - 0.1, max: median + 0.1 });
const steps = (ratio: number) => part([{ work: "a step", ratio: spread(ratio) }]);
const pca = (ratio: number) => part([{ work: "PCA", ratio: spread(ratio) }]);
const preprocess = (ratio: number) => part({ spread: { read: spread(ratio) } });
const startup = (seconds: number) =>
  part([{ what: "help", seconds: { median: seconds, min: seconds, max: seconds }, limit: 0.3 }]);

describe("kindOf", () => {
  const cpus = [{ model: "AMD EPYC" }, { model: "AMD EPYC" }];
  it.each([
    ["flags : sse4_2 avx avx2 avx512f avx512vl", "2 × AMD EPYC with AVX-512"],
    ["flags : sse4_2 avx avx2 fma", "2 × AMD EPYC with AVX2"],
    ["", "2 × AMD EPYC"],
  ])("%j is %s", (flags, kind) => {
    expect(kindOf(cpus, flags)).toBe(kind);
  });
});

describe("compare", () => {
  const kept: Parts = { steps: steps(1), pca: pca(0.5), preprocess: preprocess(0.3) };

  it("says what became slower and faster outside of the spread", () => {
    const now = { steps: steps(1.3), pca: pca(0.2), preprocess: preprocess(0.35) };
    expect(compare(now, kept, "this kind")).toEqual({
      slower: ["a step"],
      lines: [
        "a step: 1.30 (1.20–1.40), before 1.00 (0.90–1.10)  SLOWER",
        "PCA: 0.20 (0.10–0.30), before 0.50 (0.40–0.60)  faster",
        "preprocess: read: 0.35 (0.25–0.45), before 0.30 (0.20–0.40)",
        "slower: a step",
      ],
    });
  });

  it("a part without figures of this kind of machine is neither slower nor faster", () => {
    expect(compare({ steps: steps(9), pca: pca(0.5) }, { pca: pca(0.5) }, "this kind")).toEqual({
      slower: [],
      lines: [
        "steps: no figures of this kind of machine (this kind), so neither slower nor faster",
        "a step: 9.00 (8.90–9.10), not measured before",
        "PCA: 0.50 (0.40–0.60), before 0.50 (0.40–0.60)",
        "nothing became slower (not compared: steps)",
      ],
    });
    expect(compare({ steps: steps(9) }, {}, "this kind").lines.at(-1)).toBe("nothing was compared");
  });

  it("a start-up is held against its goal on every machine", () => {
    expect(compare({ startup: startup(0.2) }, {}, "this kind")).toEqual({
      slower: [],
      lines: ["nothing became slower"],
    });
    expect(compare({ startup: startup(0.4) }, {}, "this kind")).toEqual({
      slower: ["help"],
      lines: ["help: 0.40 s, at most 0.3 s  SLOWER", "slower: help"],
    });
  });
});

it("figures.json keeps figures by kind of machine", () => {
  const figures: Record<string, Record<string, Part>> = JSON.parse(
    readFileSync("bench/figures.json", "utf8"),
  );
  for (const [kind, parts] of Object.entries(figures)) {
    for (const { machine } of Object.values(parts)) expect(machine.startsWith(`${kind}, `)).toBe(true);
    expect(compare(parts, parts, kind)).toMatchObject({ slower: [] });
  }
});
