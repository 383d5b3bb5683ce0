/**
 * Each feature to mean 0 and standard deviation 1 over the samples it is fitted on, as scikit-learn's `StandardScaler`:
 * ddof 0, a constant feature is only centred. What counts as constant is scikit-learn's bound on the rounding of the
 * variance (Chan, Golub & LeVeque 1983).
 */
import { checkFeatures, type Features, type Fit } from "./classifier.js";

export interface Scaling {
  readonly mean: Float64Array;
  /** Standard deviation; 1 where the feature is constant. */
  readonly scale: Float64Array;
}

/** @throws RangeError where there is no sample or a value is not finite */
export function fitScaling(x: Features): Scaling {
  checkFeatures(x);
  const { rows: n, cols, data } = x;
  if (n === 0) throw new RangeError("no samples to standardise by");
  const mean = new Float64Array(cols);
  for (let i = 0, p = 0; i < n; i++) for (let j = 0; j < cols; j++, p++) mean[j] += data[p];
  for (let j = 0; j < cols; j++) mean[j] /= n;
  const squares = new Float64Array(cols);
  const rest = new Float64Array(cols); // what rounding left of the mean
  for (let i = 0, p = 0; i < n; i++)
    for (let j = 0; j < cols; j++, p++) {
      const v = data[p] - mean[j];
      squares[j] += v * v;
      rest[j] += v;
    }
  const scale = squares.map((sum, j) => {
    const variance = (sum - (rest[j] * rest[j]) / n) / n;
    const rounding = n * Number.EPSILON * variance + (n * mean[j] * Number.EPSILON) ** 2;
    return variance <= rounding ? 1 : Math.sqrt(variance);
  });
  return { mean, scale };
}

/** (x − mean) / scale, in the precision of x. */
export function standardise(x: Features, { mean, scale }: Scaling): Features {
  checkFeatures(x, mean.length);
  const data = x.data.slice();
  for (let i = 0, p = 0; i < x.rows; i++)
    for (let j = 0; j < x.cols; j++, p++) data[p] = (data[p] - mean[j]) / scale[j];
  return { rows: x.rows, cols: x.cols, data };
}

/** The same baseline on features that are standardised by its training samples. */
export function standardised(baseline: Fit): Fit {
  return (x, codes, classes, progress) => {
    const scaling = fitScaling(x);
    const classify = baseline(standardise(x, scaling), codes, classes, progress);
    return (query) => classify(standardise(query, scaling));
  };
}
