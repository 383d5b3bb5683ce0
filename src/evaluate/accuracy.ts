/** Accuracy: the share of samples that are predicted right (scikit-learn's `accuracy_score`). */
export function accuracy(actual: Int32Array, predicted: Int32Array): number {
  if (actual.length === 0) throw new RangeError("no samples to evaluate");
  if (actual.length !== predicted.length)
    throw new RangeError(`${actual.length} true classes, but ${predicted.length} predicted ones`);
  let right = 0;
  for (let i = 0; i < actual.length; i++) if (actual[i] === predicted[i]) right++;
  return right / actual.length;
}
