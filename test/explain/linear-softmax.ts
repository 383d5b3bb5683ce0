/** A linear softmax model as the functions under test see a model: x n×genes → probabilities n×classes. */
export function linearSoftmax(w: readonly number[], b: readonly number[]) {
  const classes = b.length;
  const genes = w.length / classes;
  return async (x: Float32Array): Promise<Float32Array> => {
    const n = x.length / genes;
    const out = new Float32Array(n * classes);
    for (let i = 0; i < n; i++) {
      const row = x.subarray(i * genes, (i + 1) * genes);
      const powers = b.map((bias, c) =>
        Math.exp(row.reduce((sum, value, gene) => sum + value * w[c * genes + gene], bias)),
      );
      const total = powers.reduce((sum, power) => sum + power, 0);
      powers.forEach((power, c) => {
        out[i * classes + c] = power / total;
      });
    }
    return out;
  };
}
