/**
 * The two ways to rank values: with mean ranks for ties, which rank statistics need (`scipy.stats.rankdata`), and as an
 * order without ties, of which the first k are "the top k".
 */

/**
 * @param values any numbers but NaN
 * @returns the rank of each from 1, the smallest first; equal values share their mean rank
 * @throws RangeError where a value is NaN
 */
export function averageRanks(values: ArrayLike<number>): Float64Array {
  const order = sorted(values, (i, j) => values[i] - values[j] || 0); // ∞ − ∞ is NaN
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let i = from; i < to; i++) ranks[order[i]] = (from + 1 + to) / 2; // the mean of from + 1 … to
    from = to;
  }
  return ranks;
}

/**
 * @param values any numbers but NaN
 * @returns their indices, the greatest value first, of equal ones the first index first
 * @throws RangeError where a value is NaN
 */
export function descending(values: ArrayLike<number>): Int32Array {
  return sorted(values, (i, j) => values[j] - values[i] || i - j);
}

function sorted(values: ArrayLike<number>, compare: (i: number, j: number) => number): Int32Array {
  const order = new Int32Array(values.length);
  for (let i = 0; i < order.length; i++) {
    if (Number.isNaN(values[i])) throw new RangeError(`value ${i} is NaN and has no rank`);
    order[i] = i;
  }
  return order.sort(compare);
}
