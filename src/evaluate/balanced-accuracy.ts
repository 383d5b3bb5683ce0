/**
 * Balanced accuracy: mean recall of the classes that occur among the true ones, as scikit-learn's
 * `balanced_accuracy_score`. It equals the macro recall wherever every class occurs.
 */
import { classCounts } from "./counts.js";

export function balancedAccuracy(actual: Int32Array, predicted: Int32Array, classes: number): number {
  const counts = classCounts(actual, predicted, classes);
  let sum = 0;
  let present = 0;
  for (let c = 0; c < classes; c++) {
    if (counts.actual[c] === 0) continue;
    sum += counts.right[c] / counts.actual[c];
    present++;
  }
  return sum / present;
}
