/** Confusion matrix, as scikit-learn's `confusion_matrix(…, labels=range(classes))`; of many classes as its cells that are not 0. */
import { classCounts } from "./counts.js";
import { largestClasses } from "./many-classes.js";

/** @returns classes × classes counts; rows are true classes, columns predicted ones */
export function confusionMatrix(actual: Int32Array, predicted: Int32Array, classes: number): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [a, b, count] of confusionCells(actual, predicted, classes)) matrix[a][b] = count;
  return matrix;
}

export type ConfusionCell = [actual: number, predicted: number, count: number];

/** @returns the cells that are not 0, row by row */
export function confusionCells(actual: Int32Array, predicted: Int32Array, classes: number): ConfusionCell[] {
  classCounts(actual, predicted, classes); // checks the codes
  const counts = new Map<number, number>();
  actual.forEach((code, i) => {
    const cell = code * classes + predicted[i];
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  });
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([cell, count]) => [Math.floor(cell / classes), cell % classes, count]);
}

/**
 * The matrix of the largest classes, the others taken together as one more.
 * @returns classes × classes counts; the codes of those shown, rising (the others come after them)
 */
export function largestConfusion(
  cells: readonly ConfusionCell[],
  sizes: readonly number[],
  largest: number,
): { shown: number[]; matrix: number[][] } {
  const shown = largestClasses(sizes, largest);
  const place = new Map(shown.map((code, at) => [code, at]));
  const matrix = Array.from({ length: shown.length + 1 }, () => new Array<number>(shown.length + 1).fill(0));
  for (const [a, b, count] of cells)
    matrix[place.get(a) ?? shown.length][place.get(b) ?? shown.length] += count;
  return { shown, matrix };
}
