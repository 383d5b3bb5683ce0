/**
 * Knows nothing of the features: every sample gets the class shares of the training samples, so that the largest class
 * is always predicted. scikit-learn's `DummyClassifier(strategy="prior")`.
 */
import { type Classifier, checkFeatures, checkTraining, type Features } from "./classifier.js";

export function fitMajority(x: Features, codes: Int32Array, classes: number): Classifier {
  const shares = checkTraining(x, codes, classes).map((size) => size / x.rows);
  return (query) => {
    checkFeatures(query, x.cols);
    const out = new Float64Array(query.rows * classes);
    for (let i = 0; i < query.rows; i++) out.set(shares, i * classes);
    return out;
  };
}
