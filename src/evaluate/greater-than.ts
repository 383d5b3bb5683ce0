/** How many of the values, sorted from the greatest on, are greater than `value`: by halving. */
export function greaterThan(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] > value) low = middle + 1;
    else high = middle;
  }
  return low;
}
