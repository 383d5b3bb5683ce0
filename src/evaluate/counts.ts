/**
 * What all metrics of predicted classes are made of: per class, how often it is true, predicted, and both.
 */
export interface ClassCounts {
  /** Samples. */
  total: number;
  /** Per class: samples that are of it. */
  actual: Float64Array;
  /** Per class: samples predicted as it. */
  predicted: Float64Array;
  /** Per class: samples of it that are predicted as it. */
  right: Float64Array;
}

/**
 * @param actual codes in 0…classes−1, one a sample
 * @param predicted as `actual`
 * @throws RangeError where there is no sample, the lengths differ, or a code is out of range
 */
export function classCounts(actual: Int32Array, predicted: Int32Array, classes: number): ClassCounts {
  checkCodes(actual, classes);
  checkCodes(predicted, classes);
  if (actual.length !== predicted.length)
    throw new RangeError(`${actual.length} true classes, but ${predicted.length} predicted ones`);
  const counts = {
    total: actual.length,
    actual: new Float64Array(classes),
    predicted: new Float64Array(classes),
    right: new Float64Array(classes),
  };
  for (let i = 0; i < actual.length; i++) {
    counts.actual[actual[i]]++;
    counts.predicted[predicted[i]]++;
    if (actual[i] === predicted[i]) counts.right[actual[i]]++;
  }
  return counts;
}

/** @throws RangeError where there is no code, or one is not in 0…classes−1 */
export function checkCodes(codes: Int32Array, classes: number): void {
  if (codes.length === 0) throw new RangeError("no samples to evaluate");
  codes.forEach((code, i) => {
    if (code < 0 || code >= classes)
      throw new RangeError(`sample ${i} has class ${code}, not one of ${classes} classes`);
  });
}
