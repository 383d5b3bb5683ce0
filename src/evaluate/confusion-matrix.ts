/** Confusion matrix, as scikit-learn's `confusion_matrix(…, labels=range(classes))`. */
import { classCounts } from "./counts.js";

/** @returns classes × classes counts; rows are true classes, columns predicted ones */
export function confusionMatrix(actual: Int32Array, predicted: Int32Array, classes: number): number[][] {
  classCounts(actual, predicted, classes); // checks the codes
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < actual.length; i++) matrix[actual[i]][predicted[i]]++;
  return matrix;
}
