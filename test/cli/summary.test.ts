import { describe, expect, it } from "vitest";
import { outcomeOf } from "../../src/cli/summary.js";
import type { Metrics } from "../../src/stages/compare.js";
import type { RunResult } from "../../src/stages/run.js";
import { labels, results } from "../report/made.js";

function linesOf(
  scored: ReturnType<typeof results>,
  settings: object = { repeats: 1, protocol: "inductive" },
) {
  const metrics = {
    ...scored,
    data: { samples: 60, classes: [1, 2], label: "subtype", majority: 0.6 },
    settings,
  } as unknown as Metrics;
  const result = { run: "/runs/a", settings: {}, stages: { train: 61 }, metrics } as unknown as RunResult;
  const { json, text } = outcomeOf(result);
  expect(json).toBe(result);
  return text.split("\n");
}

describe("the end of a run", () => {
  it("is nets and baselines with accuracy and interval, best first, then the verdict and the folder", () => {
    const scored = results(60, labels(3));
    const lines = linesOf(scored);
    expect(lines[0]).toBe(
      "60 samples, 2 classes of 'subtype'; always guessing the largest class gives 0.600",
    );
    const models = lines.slice(2, 10);
    expect(models.map((line) => line.trim().split(/\s+/)[0])).toEqual(
      scored.verdict.models.map(({ name }) => name),
    );
    for (const line of models)
      expect(line).toMatch(/^ {2}\w+ +(net|baseline) +0\.\d{3} \(0\.\d{3}–[01]\.\d{3}\)/);
    expect(lines[10]).toBe(scored.verdict.summary);
    expect(lines.slice(11)).toEqual(["1 min 1 s: train 1 min 1 s", "run folder: /runs/a"]);
  });

  it("says where no skill is shown, but not of the guess", () => {
    const lines = linesOf(results(60, labels(2), { skills: [0, 0, 0, 0, 0, 0, 0] }));
    expect(lines.find((line) => line.includes("resnet18"))).toMatch(/, no skill shown \(p = [\d.]+\)$/);
    expect(lines.find((line) => line.startsWith("  majority"))).not.toContain("skill");
    expect(lines[10]).toMatch(/^No model is shown to be better/);
  });

  it("has the mean over folds where there are repeats, and the leak where the protocol has it", () => {
    const lines = linesOf(results(60, labels(3), { repeats: 2 }), { repeats: 2, protocol: "published" });
    expect(lines[1]).toBe(
      "accuracy on held-out samples, mean over all folds; of the first repeat (95 % interval):",
    );
    expect(lines[2]).toMatch(/ 0\.\d{3}; 0\.\d{3} \(/);
    expect(lines[11]).toMatch(/^published protocol: .* optimistic$/);
  });

  it("is the folder alone before anything is scored", () => {
    const result = { run: "/runs/a", settings: {}, stages: {} } as unknown as RunResult;
    expect(outcomeOf(result).text).toBe("run folder: /runs/a");
  });
});
