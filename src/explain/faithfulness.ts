/**
 * Whether an order of genes is better than chance: its deletion or insertion curves against those of random orders, and of
 * the order by mean expression, which a method finds that only sees how strongly a gene is expressed.
 *
 * The rule: an order is better than random where its mean area lies beyond that of every random draw, and the 95 %
 * bootstrap interval (over samples, or groups of them) of its gain over the mean of the draws lies above 0. The first
 * holds by luck in 1 of draws + 1 cases; the second asks whether other samples would have shown the same. Against the
 * order by mean expression, of which there is only one, the interval decides.
 * Reference: Samek et al. 2017, "Evaluating the visualization of what a deep neural network has learned".
 */
import { bootstrap, type Interval } from "../evaluate/bootstrap.js";
import { descending } from "../evaluate/ranks.js";
import { type Progress, silent } from "../progress.js";
import type { RandomState } from "../random.js";
import { type Curves, checkDeletable, type Deletable, type Direction, deletionCurves } from "./deletion.js";

export interface OrderCurve {
  /** Mean over the samples (and draws), one value a fraction. */
  curve: Float64Array;
  /** Area under it. */
  area: number;
}

export interface Gain extends Interval {
  /** Whether the order under test is better than this control, by the rule above. */
  better: boolean;
}

export interface Faithfulness {
  direction: Direction;
  /** Share of the genes, from 0 to 1. */
  fractions: Float64Array;
  method: OrderCurve & { /** Of each sample. */ areas: Float64Array };
  random: OrderCurve & {
    /** Mean area of each draw. */
    draws: Float64Array;
    /** Standard deviation of `draws`; null for a single one. */
    sd: number | null;
  };
  expression: OrderCurve;
  /** Area between the random orders and the method, > 0 where the method is better; its interval over the samples. */
  overRandom: Gain;
  /** The same of the order by mean expression. */
  overExpression: Gain;
  /** `overRandom.better`: what the explanation is to be judged by. */
  better: boolean;
  /** The verdict in one sentence. */
  sentence: string;
}

export interface FaithfulnessOptions {
  /** Draws the orders, then the resamples. */
  readonly random: RandomState;
  /** Random orders of every sample; default: 10. */
  readonly draws?: number;
  /** As for `deletionCurves`. */
  readonly fractions?: readonly number[];
  /** A code for each sample: samples of one code (a patient) are drawn together. */
  readonly groups?: Int32Array;
  readonly resamples?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/**
 * @param orders n × genes, row-major: the genes of each sample, those that matter most first
 * @throws RangeError as `deletionCurves`, and where there are no draws; InterruptedError
 */
export async function faithfulness(
  of: Deletable,
  orders: Int32Array,
  direction: Direction,
  options: FaithfulnessOptions,
): Promise<Faithfulness> {
  const { random, draws = 10, fractions, groups, resamples, progress = silent, signal } = options;
  if (!(Number.isInteger(draws) && draws > 0)) throw new RangeError(`faithfulness: ${draws} draws`);
  const n = checkDeletable(of);
  const genes = of.mean.length;
  const task = progress.task(`${direction} curves`, draws + 2);
  let done = 0;
  const curvesOf = async (order: Int32Array) => {
    const curves = await deletionCurves(of, order, direction, fractions, signal);
    task.update(++done);
    return curves;
  };
  try {
    const method = await curvesOf(orders);
    const byMean = descending(of.mean);
    const repeated = new Int32Array(n * genes);
    for (let i = 0; i < n; i++) repeated.set(byMean, i * genes);
    const expression = await curvesOf(repeated);

    const areas = new Float64Array(n); // of each sample, mean over the draws
    const drawn = new Float64Array(draws);
    const curve = new Float64Array(method.fractions.length);
    const order = new Int32Array(n * genes);
    for (let draw = 0; draw < draws; draw++) {
      for (let i = 0; i < n; i++) order.set(random.permutation(genes), i * genes);
      const curves = await curvesOf(order);
      drawn[draw] = mean(curves.areas);
      for (let i = 0; i < n; i++) areas[i] += curves.areas[i] / draws;
      meanCurve(curves).forEach((value, point) => {
        curve[point] += value / draws;
      });
    }

    const sign = direction === "deletion" ? 1 : -1;
    const gains = [areas, expression.areas].map((control) =>
      method.areas.map((area, i) => sign * (control[i] - area)),
    );
    const [overRandom, overExpression] = bootstrap(
      n,
      (times) => gains.map((gain) => weightedMean(gain, times)),
      {
        random,
        groups,
        resamples,
      },
    );
    const area = mean(method.areas);
    const beyond = drawn.every((value) => sign * (value - area) > 0);
    const above = ({ low }: Interval) => low !== null && low > 0;
    const better = beyond && above(overRandom);
    return {
      direction,
      fractions: method.fractions,
      method: { curve: meanCurve(method), area, areas: method.areas },
      random: { curve, area: mean(drawn), draws: drawn, sd: standardDeviation(drawn) },
      expression: { curve: meanCurve(expression), area: mean(expression.areas) },
      overRandom: { ...overRandom, better },
      overExpression: { ...overExpression, better: above(overExpression) },
      better,
      sentence: sentenceOf(direction, area, drawn, overRandom, better, above(overExpression)),
    };
  } finally {
    task.end();
  }
}

function sentenceOf(
  direction: Direction,
  area: number,
  drawn: Float64Array,
  gain: Interval,
  better: boolean,
  betterThanExpression: boolean,
): string {
  const range =
    drawn.length === 1 ? text(drawn[0]) : `${text(Math.min(...drawn))} to ${text(Math.max(...drawn))}`;
  const interval =
    gain.low === null || gain.high === null
      ? "whose interval cannot be told"
      : `95 % interval ${text(gain.low)} to ${text(gain.high)}`;
  const numbers = `area under the ${direction} curve ${text(area)}, in random order ${range}; a gain of ${text(gain.estimate ?? 0)}, ${interval}`;
  if (!better) return `no better than chance: ${numbers}`;
  return `better than chance${betterThanExpression ? "" : ", but no better than the order by mean expression"}: ${numbers}`;
}

/** Three digits, with a true minus sign. */
function text(value: number): string {
  return String(Number(value.toPrecision(3))).replace("-", "−");
}

function meanCurve({ fractions, values, areas }: Curves): Float64Array {
  const points = fractions.length;
  const curve = new Float64Array(points);
  for (let i = 0; i < areas.length; i++)
    for (let point = 0; point < points; point++) curve[point] += values[i * points + point] / areas.length;
  return curve;
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function weightedMean(values: Float64Array, times: Int32Array): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i] * times[i];
    total += times[i];
  }
  return sum / total;
}

function standardDeviation(values: Float64Array): number | null {
  if (values.length < 2) return null;
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}
