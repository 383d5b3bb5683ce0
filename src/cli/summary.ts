/** The end of a run in a few lines. */
import { relative } from "node:path";
import type { ModelMetrics } from "../stages/compare.js";
import type { RunResult } from "../stages/run.js";
import type { Outcome } from "./execute.js";
import { duration } from "./progress.js";

export function outcomeOf(result: RunResult): Outcome {
  const lines: string[] = [];
  const { metrics } = result;
  if (metrics) {
    const { data } = metrics;
    lines.push(
      `${data.samples} samples, ${data.classes.length} classes of '${data.label}'; the largest class alone gives ${data.majority.toFixed(3)}`,
      ...metrics.models.map(
        (model) =>
          `${model.net.padEnd(20)} accuracy ${spread(model, "accuracy")}, balanced ${spread(model, "balancedAccuracy")}, F1 ${spread(model, "f1Macro")}`,
      ),
      ...metrics.comparisons.map(
        ({ a, b, p, pAttainable }) =>
          `${a} against ${b}: Wilcoxon p = ${short(p)} (smallest attainable with these folds: ${short(pAttainable)})`,
      ),
    );
  }
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

function spread({ mean, sd }: ModelMetrics, metric: "accuracy" | "balancedAccuracy" | "f1Macro"): string {
  const deviation = sd[metric];
  return deviation === null
    ? mean[metric].toFixed(3)
    : `${mean[metric].toFixed(3)} ± ${deviation.toFixed(3)}`;
}

const short = (p: number) => String(Number(p.toPrecision(3)));
