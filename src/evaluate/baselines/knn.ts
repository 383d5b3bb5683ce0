/**
 * k nearest neighbours by Euclidean distance: the probability of a class is its share among the k nearest training
 * samples. scikit-learn's `KNeighborsClassifier(5)`, whose default k is taken: with 15, the neighbours of the method's
 * UMAP graph, a class of seven samples could never win. Distances are summed from differences; of equal ones the
 * lower row is nearer (scikit-learn leaves both to its blocks and heaps).
 */
import { type Classifier, checkFeatures, checkTraining, type Features } from "./classifier.js";

export const NEIGHBOURS = 5;

/** With fewer training samples than neighbours all of them vote. */
export function fitKnn(x: Features, codes: Int32Array, classes: number): Classifier {
  checkTraining(x, codes, classes);
  const { rows: n, cols, data } = x;
  const k = Math.min(NEIGHBOURS, n);
  return (query) => {
    checkFeatures(query, cols);
    const out = new Float64Array(query.rows * classes);
    const nearest = new Int32Array(k);
    const distances = new Float64Array(k); // squared, rising
    for (let i = 0; i < query.rows; i++) {
      distances.fill(Infinity);
      for (let row = 0; row < n; row++) {
        const distance = squaredDistance(query.data, i * cols, data, row * cols, cols);
        if (!(distance < distances[k - 1])) continue;
        let at = k - 1;
        for (; at > 0 && distance < distances[at - 1]; at--) {
          distances[at] = distances[at - 1];
          nearest[at] = nearest[at - 1];
        }
        distances[at] = distance;
        nearest[at] = row;
      }
      for (const row of nearest) out[i * classes + codes[row]]++;
    }
    return out.map((votes) => votes / k);
  };
}

function squaredDistance(
  a: Features["data"],
  fromA: number,
  b: Features["data"],
  fromB: number,
  cols: number,
): number {
  let sum = 0;
  for (let j = 0; j < cols; j++) {
    const difference = a[fromA + j] - b[fromB + j];
    sum += difference * difference;
  }
  return sum;
}
