/**
 * Softmax of rows at a temperature T: exp(logit / T), normalised. T > 1 makes probabilities more even, T < 1 sharper;
 * the order of the classes stays. Where only probabilities are stored, their logarithms are logits: they differ from
 * the net's by a constant a row, which softmax does not see.
 */

/** Probabilities that float32 has rounded to 0 count as its smallest number, 2^−149, so that they have a logarithm. */
const smallest = 2 ** -149;

/**
 * @param logits samples × classes, row-major
 * @param temperature one for all samples, or one a sample
 * @returns probabilities, samples × classes
 * @throws RangeError where shapes do not fit or a temperature is not a positive number
 */
export function softmaxRows(
  logits: Float32Array | Float64Array,
  classes: number,
  temperature: number | ArrayLike<number> = 1,
): Float64Array {
  const samples = logits.length / classes;
  if (!Number.isInteger(samples))
    throw new RangeError(`${logits.length} values are no rows of ${classes} classes`);
  if (typeof temperature !== "number" && temperature.length !== samples)
    throw new RangeError(`${temperature.length} temperatures for ${samples} samples`);
  const out = new Float64Array(logits.length);
  for (let i = 0; i < samples; i++) {
    const t = typeof temperature === "number" ? temperature : temperature[i];
    if (!(t > 0 && t < Number.POSITIVE_INFINITY))
      throw new RangeError(`the temperature is ${t}, not a positive number`);
    const from = i * classes;
    let most = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) most = Math.max(most, logits[from + c]);
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      out[from + c] = Math.exp((logits[from + c] - most) / t);
      sum += out[from + c];
    }
    for (let c = 0; c < classes; c++) out[from + c] /= sum;
  }
  return out;
}

/** Logarithms of probabilities, to be used as logits. */
export function logProbabilities(probabilities: Float32Array | Float64Array): Float64Array {
  return Float64Array.from(probabilities, (p) => Math.log(Math.max(p, smallest)));
}

/**
 * Probabilities at another temperature: softmax(log(p) / T), which is softmax(logits / T).
 *
 * @param probabilities samples × classes, row-major, at temperature 1
 * @param temperature one for all samples, or one a sample
 * @throws RangeError as `softmaxRows`
 */
export function temperRows(
  probabilities: Float32Array | Float64Array,
  classes: number,
  temperature: number | ArrayLike<number>,
): Float64Array {
  return softmaxRows(logProbabilities(probabilities), classes, temperature);
}
