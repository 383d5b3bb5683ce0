/**
 * Macro F1: mean of 2·right / (true + predicted) over all `classes`, as scikit-learn's `f1_score(…, labels=range(classes),
 * average="macro", zero_division=0)`: a class for which it is not defined counts as 0, so every fold is an average over
 * the same classes.
 */
import { classCounts } from "./counts.js";

export function f1Macro(actual: Int32Array, predicted: Int32Array, classes: number): number {
  const counts = classCounts(actual, predicted, classes);
  let sum = 0;
  for (let c = 0; c < classes; c++) {
    const either = counts.actual[c] + counts.predicted[c];
    if (either > 0) sum += (2 * counts.right[c]) / either;
  }
  return sum / classes;
}
