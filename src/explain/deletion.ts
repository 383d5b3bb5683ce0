/**
 * Deletion and insertion curves in gene space: how fast a sample's score falls where its genes are set to their training
 * mean, in an order that is said to put what matters first; and how fast it rises where they are put back into a sample
 * of training means. A good order has a small area under the first and a large one under the second.
 * Reference: Petsiuk, Das & Saenko 2018, "RISE"; Samek et al. 2017 for the deletion.
 */
import { throwIfAborted } from "../errors.js";

export type Direction = "deletion" | "insertion";

/** What the curves are of. */
export interface Deletable {
  /** Samples × genes → samples × classes: logits or probabilities, row-major. A sample's scores depend on it alone. */
  readonly scores: (x: Float32Array) => Promise<Float32Array>;
  readonly classes: number;
  /** n samples × genes, row-major, n ≥ 1. */
  readonly x: Float32Array;
  /** The class of each sample whose score is looked at. */
  readonly codes: ArrayLike<number>;
  /** Training mean of each gene. */
  readonly mean: Float32Array;
}

export interface Curves {
  /** Share of the genes that are set to the mean (deletion) or put back (insertion), from 0 to 1. */
  fractions: Float64Array;
  /** n × fractions, row-major: the score of each sample's class. */
  values: Float64Array;
  /** Area under each sample's curve, by the trapezoid rule over the fractions. */
  areas: Float64Array;
}

/** Fine where the first genes decide. */
export const defaultFractions: readonly number[] = [
  0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1,
];

/**
 * @param orders n × genes, row-major: the genes of each sample, those that matter most first
 * @param fractions rising, rounded to whole genes; 0 and 1 always belong to it
 * @returns the curves over the fractions that are left (those of equally many genes count once)
 * @throws RangeError where shapes, codes, orders or fractions do not fit, or a score is not finite; InterruptedError
 */
export async function deletionCurves(
  of: Deletable,
  orders: Int32Array,
  direction: Direction,
  fractions: readonly number[] = defaultFractions,
  signal?: AbortSignal,
): Promise<Curves> {
  const { x, mean } = of;
  const genes = mean.length;
  const n = checkDeletable(of);
  checkOrders(orders, n, genes);
  const counts = geneCounts(fractions, genes);
  const points = counts.length;

  const means = new Float32Array(n * genes);
  for (let i = 0; i < n; i++) means.set(mean, i * genes);
  const [from, to] = direction === "deletion" ? [x, means] : [means, x];
  const now = from.slice();
  const values = new Float64Array(n * points);
  for (let point = 0, done = 0; point < points; point++) {
    throwIfAborted(signal);
    for (let i = 0; i < n; i++)
      for (let k = i * genes + done; k < i * genes + counts[point]; k++) {
        const at = i * genes + orders[k];
        now[at] = to[at];
      }
    done = counts[point];
    const scores = await scoresOf(of, now);
    for (let i = 0; i < n; i++) values[i * points + point] = scores[i];
  }

  const shares = Float64Array.from(counts, (count) => count / genes);
  const areas = new Float64Array(n);
  for (let i = 0; i < n; i++)
    for (let point = 1; point < points; point++) {
      const at = i * points + point;
      areas[i] += ((values[at] + values[at - 1]) / 2) * (shares[point] - shares[point - 1]);
    }
  return { fractions: shares, values, areas };
}

/** Of each sample the score of its class. */
async function scoresOf({ scores, classes, codes }: Deletable, x: Float32Array): Promise<Float32Array> {
  const all = await scores(x);
  if (all.length !== codes.length * classes)
    throw new RangeError(`${all.length} scores, not ${codes.length} samples × ${classes} classes`);
  return Float32Array.from(codes, (code, i) => {
    const score = all[i * classes + code];
    if (!Number.isFinite(score)) throw new RangeError(`the score of sample ${i} is ${score}`);
    return score;
  });
}

/** @returns the number of samples. @throws RangeError */
export function checkDeletable({ x, codes, classes, mean }: Deletable): number {
  const n = codes.length;
  if (n === 0 || mean.length === 0)
    throw new RangeError(`${n} samples of ${mean.length} genes: nothing to delete`);
  if (x.length !== n * mean.length)
    throw new RangeError(`${x.length} values, not ${n} samples × ${mean.length} genes`);
  for (let i = 0; i < n; i++)
    if (!(Number.isInteger(codes[i]) && codes[i] >= 0 && codes[i] < classes))
      throw new RangeError(`sample ${i} has class ${codes[i]}, not one of ${classes} classes`);
  return n;
}

function checkOrders(orders: Int32Array, n: number, genes: number): void {
  if (orders.length !== n * genes)
    throw new RangeError(`the orders have ${orders.length} genes, not ${n} samples × ${genes} genes`);
  const seen = new Int32Array(genes).fill(-1);
  for (let i = 0; i < n; i++)
    for (let k = i * genes; k < (i + 1) * genes; k++) {
      if (seen[orders[k]] === i || !(orders[k] >= 0 && orders[k] < genes))
        throw new RangeError(`the order of sample ${i} does not hold every gene once`);
      seen[orders[k]] = i;
    }
}

/** Rising numbers of genes from 0 to all. */
function geneCounts(fractions: readonly number[], genes: number): number[] {
  const odd = fractions.findIndex((f, k) => !(f >= 0 && f <= 1) || (k > 0 && f < fractions[k - 1]));
  if (odd >= 0) throw new RangeError(`fraction ${odd} is ${fractions[odd]}; they rise from 0 to 1`);
  return [...new Set([0, ...fractions.map((f) => Math.round(f * genes)), genes])];
}
