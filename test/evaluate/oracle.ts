/** The cases of test/oracles/metrics.py as typed arrays. */
import type { FoldMetrics } from "../../src/evaluate/metrics.js";
import fixture from "../fixtures/metrics.json" with { type: "json" };

export interface MetricCase {
  name: string;
  classes: number;
  actual: Int32Array;
  predicted: Int32Array;
  probabilities: Float32Array | Float64Array;
  confusion: number[][];
  metrics: FoldMetrics;
}

export const metricCases: MetricCase[] = fixture.cases.map((raw) => {
  const quotients = raw.numerators.map((numerator) => numerator / raw.denominator);
  return {
    name: raw.float32 ? `${raw.name}, float32` : raw.name,
    classes: raw.classes,
    actual: Int32Array.from(raw.actual),
    predicted: Int32Array.from(raw.predicted),
    probabilities: raw.float32 ? Float32Array.from(quotients) : Float64Array.from(quotients),
    confusion: raw.confusion,
    metrics: raw.metrics,
  };
});
