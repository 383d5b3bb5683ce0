/** Mean and standard deviation of the metrics over folds. */
import { type FoldMetrics, METRIC_NAMES, type MetricName } from "./metrics.js";

/** A metric is null where no fold defines it, a standard deviation also where only one fold does. */
export type MetricSpread = Record<MetricName, number | null>;

/**
 * Folds in which a metric is null are skipped for that metric.
 *
 * @returns the mean, and the standard deviation with n − 1 (`numpy.std(ddof=1)`)
 * @throws RangeError where there is no fold
 */
export function meanAndSd(metrics: readonly FoldMetrics[]): { mean: FoldMetrics; sd: MetricSpread } {
  if (metrics.length === 0) throw new RangeError("meanAndSd: no folds");
  const mean = { ...metrics[0] };
  const sd: MetricSpread = { ...metrics[0] };
  for (const name of METRIC_NAMES) {
    const values = metrics.map((fold) => fold[name]).filter((value) => value !== null);
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - average) ** 2, 0);
    // only the AUCs can be null in every fold, so the assertion below holds for the others
    (mean as MetricSpread)[name] = values.length === 0 ? null : average;
    sd[name] = values.length < 2 ? null : Math.sqrt(squares / (values.length - 1));
  }
  return { mean, sd };
}
