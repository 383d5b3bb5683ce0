/**
 * Role: nodes and weights of the Gauss–Legendre rule on 0…1: exact for polynomials up to degree 2n − 1.
 * Contract: pure; float64; nodes rise, weights sum to 1.
 * Reference: Press et al., Numerical Recipes, §4.6 (Newton's method on Legendre polynomials); numpy's leggauss.
 */
export function gaussLegendre(n: number): { nodes: Float64Array; weights: Float64Array } {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`gaussLegendre: ${n} nodes`);
  const nodes = new Float64Array(n);
  const weights = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let x = -Math.cos((Math.PI * (i + 0.75)) / (n + 0.5)); // within Newton's reach of the i-th root
    let slope = 0;
    // The steps square the error; after these few only rounding is left.
    for (let step = 0; step < 8; step++) {
      let previous = 1;
      let value = x;
      for (let k = 2; k <= n; k++)
        [previous, value] = [value, ((2 * k - 1) * x * value - (k - 1) * previous) / k];
      slope = (n * (x * value - previous)) / (x * x - 1);
      x -= value / slope;
    }
    nodes[i] = (1 + x) / 2;
    weights[i] = 1 / ((1 - x * x) * slope * slope);
  }
  return { nodes, weights };
}
