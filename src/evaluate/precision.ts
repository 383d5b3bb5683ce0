/**
 * Macro precision: mean of right / predicted over all `classes`, as scikit-learn's `precision_score(…, labels=range(classes),
 * average="macro", zero_division=0)`: a class for which it is not defined counts as 0, so every fold is an average over
 * the same classes.
 */
import { classCounts } from "./counts.js";

export function precisionMacro(actual: Int32Array, predicted: Int32Array, classes: number): number {
  const counts = classCounts(actual, predicted, classes);
  let sum = 0;
  for (let c = 0; c < classes; c++) if (counts.predicted[c] > 0) sum += counts.right[c] / counts.predicted[c];
  return sum / classes;
}
