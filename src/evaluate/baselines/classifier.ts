/**
 * What all baselines have in common: samples and their codes in, probabilities of new samples out. A baseline is a
 * function that is fitted on training samples alone and gives back another one, the classifier.
 */
import type { Progress } from "../../progress.js";

/** Samples × features, row-major; a dense expression matrix is one as well. */
export interface Features {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float32Array | Float64Array;
}

/** Samples × classes probabilities of new samples, row-major; each row sums to 1. */
export type Classifier = (x: Features) => Float64Array;

/**
 * @param x training samples, finite
 * @param codes class of each, in 0…classes−1; a class without a training sample gets probability 0
 * @param progress hears where a fit did not converge
 * @throws RangeError where shapes or codes do not fit, there is no sample, or a value is not finite
 */
export type Fit = (x: Features, codes: Int32Array, classes: number, progress?: Progress) => Classifier;

/** @throws RangeError where the shape is not that of the data, a value is not finite, or there are not `cols` features */
export function checkFeatures(x: Features, cols = x.cols): void {
  if (x.data.length !== x.rows * x.cols)
    throw new RangeError(`${x.data.length} values, not ${x.rows} samples × ${x.cols} features`);
  if (x.cols !== cols) throw new RangeError(`${x.cols} features, but the baseline was fitted on ${cols}`);
  const bad = x.data.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0)
    throw new RangeError(
      `sample ${Math.floor(bad / x.cols)}, feature ${bad % x.cols} is ${x.data[bad]}, not a finite number`,
    );
}

/** @returns the samples of each class */
export function checkTraining(x: Features, codes: Int32Array, classes: number): Float64Array {
  checkFeatures(x);
  if (codes.length !== x.rows) throw new RangeError(`${codes.length} codes for ${x.rows} training samples`);
  if (x.rows === 0) throw new RangeError("no training samples");
  const sizes = new Float64Array(classes);
  codes.forEach((code, i) => {
    if (code < 0 || code >= classes)
      throw new RangeError(`training sample ${i} has class ${code}, not one of ${classes} classes`);
    sizes[code]++;
  });
  return sizes;
}
