/** How well a map keeps what the scores told: scikit-learn's trustworthiness, and a leave-one-out neighbour vote. */

/** The other samples of each, nearest first (ties by index). */
function ranked(points: Float32Array, n: number, k: number): Int32Array[] {
  return Array.from({ length: n }, (_, i) => {
    const distance = new Float64Array(n);
    for (let j = 0; j < n; j++)
      for (let c = 0; c < k; c++) distance[j] += (points[i * k + c] - points[j * k + c]) ** 2;
    const others = Array.from({ length: n }, (_, j) => j).filter((j) => j !== i);
    return Int32Array.from(others.sort((a, b) => distance[a] - distance[b] || a - b));
  });
}

/** 1 − 2 / (n m (2n − 3m − 1)) · Σ (rank in the scores − m) over the map's m neighbours (Venna & Kaski 2001). */
export function trustworthiness(x: Float32Array, k: number, map: Float32Array, m: number): number {
  const n = map.length / 2;
  const near = ranked(map, n, 2);
  let excess = 0;
  ranked(x, n, k).forEach((order, i) => {
    const rank = new Int32Array(n);
    order.forEach((j, r) => {
      rank[j] = r + 1;
    });
    for (const j of near[i].subarray(0, m)) excess += Math.max(0, rank[j] - m);
  });
  return 1 - (excess * 2) / (n * m * (2 * n - 3 * m - 1));
}

/** Share of samples whose class wins the vote of their m nearest others; ties go to the lower code. */
export function neighbourAccuracy(map: Float32Array, codes: ArrayLike<number>, m: number): number {
  const n = map.length / 2;
  const classes = Math.max(...Array.from(codes)) + 1;
  let right = 0;
  ranked(map, n, 2).forEach((order, i) => {
    const votes = new Int32Array(classes);
    for (const j of order.subarray(0, m)) votes[codes[j]]++;
    if (votes.indexOf(Math.max(...votes)) === codes[i]) right++;
  });
  return right / n;
}
