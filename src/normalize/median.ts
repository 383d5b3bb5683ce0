/**
 * The median by selection (Hoare 1961): of an even number of values the mean of the two in the middle, as R's median.
 * Contract: linear time on average; the array is reordered.
 */

/** @param values without NaN; its first `count` are looked at and reordered; at least one */
export function medianInPlace(values: Float64Array, count = values.length): number {
  const upper = count >> 1;
  const high = select(values, count, upper);
  if (count % 2 === 1) return high;
  let low = values[0]; // all before `upper` are no larger
  for (let i = 1; i < upper; i++) if (values[i] > low) low = values[i];
  return (low + high) / 2;
}

/** The value that has `k` others before it in order; it is put there, smaller ones before and larger ones behind it. */
function select(values: Float64Array, count: number, k: number): number {
  let left = 0;
  let right = count - 1;
  while (left < right) {
    const pivot = middle(values[left], values[(left + right) >> 1], values[right]);
    let i = left;
    let j = right;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i > j) break;
      const v = values[i];
      values[i++] = values[j];
      values[j--] = v;
    }
    if (k <= j) right = j;
    else if (k >= i) left = i;
    else break; // between the two all are the pivot
  }
  return values[k];
}

const middle = (a: number, b: number, c: number): number =>
  a < b ? (b < c ? b : a < c ? c : a) : a < c ? a : b < c ? c : b;

/**
 * Medians of many arrays of one length that are much alike, as sums of a window that moves on: what lies near the last median is
 * picked out, and the rest only counted. Where the median lies elsewhere, all is looked at.
 * Contract: exactly `medianInPlace`, whatever came before; the arrays are left as they are.
 */
export class MovingMedian {
  private last = 0;
  private reach = -1;
  private readonly near: Float64Array;

  constructor(private readonly length: number) {
    this.near = new Float64Array(length);
  }

  /** @param guess where the median may be found; default: at the last one */
  of(values: Float64Array, guess = this.last): number {
    const found = this.reach > 0 ? this.within(values, guess - this.reach, guess + this.reach) : undefined;
    this.last = found ?? this.anywhere(values);
    return this.last;
  }

  private within(values: Float64Array, low: number, high: number): number | undefined {
    const { length, near } = this;
    let below = 0;
    let count = 0;
    for (let i = 0; i < length; i++) {
      const v = values[i];
      // Without branches: which way they go cannot be foreseen.
      near[count] = v;
      below += Number(v < low);
      count += Number(v >= low) & Number(v <= high);
    }
    // Both of the middle must be among those that were picked out.
    const upper = (length >> 1) - below;
    const lower = ((length - 1) >> 1) - below;
    if (lower < 0 || upper >= count) {
      this.reach *= 2;
      return undefined;
    }
    if (count > length / 16) this.reach *= 0.8;
    const b = select(near, count, upper);
    if (lower === upper) return b;
    let a = near[0];
    for (let i = 1; i < upper; i++) if (near[i] > a) a = near[i];
    return (a + b) / 2;
  }

  private anywhere(values: Float64Array): number {
    this.near.set(values);
    const median = medianInPlace(this.near);
    if (!(this.reach > 0)) this.reach = Math.abs(median) / 10;
    return median;
  }
}
