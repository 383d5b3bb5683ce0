/** The counts of `classCounts` where each sample is taken a number of times, as in a bootstrap resample. */
import type { ClassCounts } from "./counts.js";

/**
 * @param actual codes in 0…classes−1 (not checked anew: a bootstrap calls this thousands of times)
 * @param predicted as `actual`
 * @param times how often each sample is taken
 */
export function weightedCounts(
  actual: Int32Array,
  predicted: Int32Array,
  classes: number,
  times: Int32Array,
): ClassCounts {
  const counts = {
    total: 0,
    actual: new Float64Array(classes),
    predicted: new Float64Array(classes),
    right: new Float64Array(classes),
  };
  for (let i = 0; i < actual.length; i++) {
    const n = times[i];
    counts.total += n;
    counts.actual[actual[i]] += n;
    counts.predicted[predicted[i]] += n;
    if (actual[i] === predicted[i]) counts.right[actual[i]] += n;
  }
  return counts;
}
