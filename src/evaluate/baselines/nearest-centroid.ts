/**
 * Nearest centroid by Euclidean distance: the class predicted is that of scikit-learn's `NearestCentroid().predict`.
 * Probabilities are those of the model under which this rule is the best one: classes that are equally frequent and
 * spread around their centroids as spheres of one variance σ² (the pooled within-class variance, averaged over the
 * features), so p(class) ∝ exp(−distance² / 2σ²). scikit-learn's own `predict_proba` scales each feature by its own
 * variance, and so may rank another class first than its `predict` does; ours never does.
 * Reference: Hastie, Tibshirani & Friedman 2009, "The Elements of Statistical Learning", 4.3 (a common, spherical
 * covariance and equal priors).
 */
import { type Classifier, checkFeatures, checkTraining, type Features } from "./classifier.js";

export function fitNearestCentroid(x: Features, codes: Int32Array, classes: number): Classifier {
  const sizes = checkTraining(x, codes, classes);
  const { rows: n, cols, data } = x;
  const centroids = new Float64Array(classes * cols);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < cols; j++) centroids[codes[i] * cols + j] += data[i * cols + j] / sizes[codes[i]];
  let squares = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < cols; j++) squares += (data[i * cols + j] - centroids[codes[i] * cols + j]) ** 2;
  const present = sizes.filter((size) => size > 0).length;
  const variance = n > present ? squares / ((n - present) * cols) : 0; // one sample a class has no spread

  return (query) => {
    checkFeatures(query, cols);
    const out = new Float64Array(query.rows * classes);
    const distances = new Float64Array(classes);
    for (let i = 0; i < query.rows; i++) {
      for (let c = 0; c < classes; c++) {
        let sum = 0;
        for (let j = 0; j < cols; j++) sum += (query.data[i * cols + j] - centroids[c * cols + j]) ** 2;
        distances[c] = sizes[c] > 0 ? sum : Infinity;
      }
      const least = Math.min(...distances);
      let total = 0;
      for (let c = 0; c < classes; c++) {
        const excess = distances[c] - least;
        // without any spread the nearest class is certain, and equally near ones share
        const p = excess === 0 ? 1 : variance > 0 ? Math.exp(-excess / (2 * variance)) : 0;
        out[i * classes + c] = p;
        total += p;
      }
      for (let c = 0; c < classes; c++) out[i * classes + c] /= total;
    }
    return out;
  };
}
