/** The cases of test/oracles/calibration.py as typed arrays. */
import fixture from "../fixtures/calibration.json" with { type: "json" };

export const scoreCases = fixture.scores.map((raw) => {
  const quotients = raw.numerators.map((numerator) => numerator / raw.denominator);
  return {
    ...raw,
    name: raw.float32 ? `${raw.name}, float32` : raw.name,
    actual: Int32Array.from(raw.actual),
    probabilities: raw.float32 ? Float32Array.from(quotients) : Float64Array.from(quotients),
  };
});

export const temperatureCases = fixture.temperatures.map((raw) => ({
  ...raw,
  codes: Int32Array.from(raw.codes),
  logits: Float64Array.from(raw.hundredths, (z) => z / 100),
}));

/** What every function of true classes and probabilities refuses. */
export const badProbabilities: [what: string, actual: Int32Array, probabilities: Float64Array][] = [
  ["no samples", new Int32Array(0), new Float64Array(0)],
  ["too few probabilities", Int32Array.of(0, 1), Float64Array.of(1, 0, 0)],
  ["an unknown class", Int32Array.of(0, 2), Float64Array.of(1, 0, 0, 1)],
  ["NaN", Int32Array.of(0, 1), Float64Array.of(1, 0, Number.NaN, 1)],
  ["a negative probability", Int32Array.of(0, 1), Float64Array.of(1, 0, -0.1, 1)],
  ["logits", Int32Array.of(0, 1), Float64Array.of(1, 0, 2.5, 1)],
];
