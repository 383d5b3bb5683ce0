/** The end of a run in a few lines. */
import { relative } from "node:path";
import { pText } from "../evaluate/verdict-words.js";
import { score, withRange } from "../report/numbers.js";
import { isGuess, ranked } from "../report/scores.js";
import type { Metrics } from "../stages/compare.js";
import type { RunResult } from "../stages/run.js";
import type { Outcome } from "./execute.js";
import { duration } from "./progress.js";

export function outcomeOf(result: RunResult): Outcome {
  const lines = result.metrics ? scoreLines(result.metrics) : [];
  const seconds = Object.values(result.stages).reduce((sum, s) => sum + s, 0);
  const stages = Object.entries(result.stages).map(([stage, s]) => `${stage} ${duration(s)}`);
  if (stages.length > 0) lines.push(`${duration(seconds)}: ${stages.join(", ")}`);
  const here = (path: string) => {
    const short = relative("", path) || ".";
    return short.startsWith("..") ? path : short;
  };
  lines.push(result.report ? `report: ${here(result.report)}` : `run folder: ${here(result.run)}`);
  return { json: result, text: lines.join("\n") };
}

/** Nets and baselines, the best one first, and what the data say of them. */
function scoreLines(metrics: Metrics): string[] {
  const { data, settings, verdict } = metrics;
  const models = ranked(metrics);
  const width = Math.max(...models.map(({ name }) => name.length));
  const repeated = settings.repeats > 1;
  return [
    `${data.samples} samples, ${data.classes.length} classes of '${data.label}'; always guessing the largest class gives ${score(data.majority)}`,
    `accuracy on held-out samples${repeated ? ", mean over all folds; of the first repeat" : ""} (95 % interval):`,
    ...models.map((model) => {
      const { name, kind, rank, scores } = model;
      const { estimate, low, high } = scores.pooled.metrics.accuracy;
      const shown = estimate === null ? "–" : withRange(estimate, low, high);
      const mean = repeated ? `${score(rank.accuracy)}; ` : "";
      const skill = rank.skill.shown || isGuess(model) ? "" : `, no skill shown (${pText(rank.skill.p)})`;
      return `  ${name.padEnd(width)}  ${kind.padEnd(8)}  ${mean}${shown}${skill}`;
    }),
    verdict.summary,
    ...(settings.protocol === "published"
      ? ["published protocol: the embedding saw the test samples, so these accuracies are optimistic"]
      : []),
  ];
}
