/**
 * Minimises a smooth convex function, or such a one plus a weighted L1 norm, by limited-memory BFGS; with the norm by
 * its orthant-wise variant (OWL-QN), which keeps exact zeros. No line search of Wolfe's kind is needed: on a convex
 * function every step has sᵀy ≥ 0, so that halving the step until it descends enough suffices.
 * Contract: float64, deterministic; the start is left as it is.
 * References: Liu & Nocedal 1989; Andrew & Gao 2007, "Scalable training of L1-regularized log-linear models".
 */

/** Writes the gradient of the smooth part at `at` and returns its value there. */
export type Objective = (at: Float64Array, gradient: Float64Array) => number;

export interface MinimiseOptions {
  /** The minimum is found when no entry of the slope is further from 0. */
  tolerance: number;
  maxIterations: number;
  /** Weight of |xᵢ| for each variable, 0 where there is none; left out: no L1 norm at all. */
  l1?: Float64Array;
  /** Moves a point, in place, to one with the same smooth part and gradient and an L1 norm that is no larger. */
  shorten?: (at: Float64Array) => void;
}

export interface Minimum {
  at: Float64Array;
  /** The L1 norm included. */
  value: number;
  iterations: number;
  converged: boolean;
}

/** A step and how it changed the gradient: what is known of the curvature. */
interface Pair {
  s: Float64Array;
  y: Float64Array;
}

/** Pairs that are kept: against the usual 10 they save a tenth of the steps and cost little. */
const MEMORY = 20;
/** Share of the first-order descent that a step must reach (Armijo). */
const DESCENT = 1e-4;
/** Relative rounding of a value: near the minimum a step may seem to rise by so much. */
const ROUNDING = 1e-14;
const MAX_HALVINGS = 50;
/** Least sᵀy / yᵀy: less curvature than this is rounding. */
const LEAST_CURVATURE = 1e-12;

export function minimise(objective: Objective, start: Float64Array, options: MinimiseOptions): Minimum {
  const { l1, shorten, tolerance, maxIterations } = options;
  const n = start.length;
  let at = start.slice();
  let gradient = new Float64Array(n);
  let next = new Float64Array(n);
  let nextGradient = new Float64Array(n);
  const pairs: Pair[] = [];
  let smooth = objective(at, gradient);

  for (let iteration = 0; ; iteration++) {
    const value = smooth + norm(at, l1);
    const slope = l1 === undefined ? gradient : pseudoGradient(at, gradient, l1);
    const converged = slope.every((g) => Math.abs(g) <= tolerance);
    if (converged || iteration === maxIterations) return { at, value, iterations: iteration, converged };

    const direction = descentDirection(slope, l1 === undefined ? pairs : freePairs(pairs, at, slope));
    if (l1 !== undefined)
      for (let i = 0; i < n; i++) if (l1[i] > 0 && direction[i] * slope[i] >= 0) direction[i] = 0;

    // Without pairs the length of the direction means nothing: start with a step of length 1.
    let step = pairs.length > 0 ? 1 : 1 / Math.sqrt(dot(slope, slope));
    let accepted = false;
    for (let halving = 0; halving <= MAX_HALVINGS && !accepted; halving++, step /= 2) {
      for (let i = 0; i < n; i++) {
        next[i] = at[i] + step * direction[i];
        // no variable passes through 0: the slope beyond is another one
        const orthant = at[i] !== 0 ? at[i] : -slope[i];
        if (l1 !== undefined && l1[i] > 0 && next[i] * orthant <= 0) next[i] = 0;
      }
      smooth = objective(next, nextGradient);
      let expected = 0;
      for (let i = 0; i < n; i++) expected += slope[i] * (next[i] - at[i]);
      accepted = smooth + norm(next, l1) <= value + DESCENT * expected + ROUNDING * Math.abs(value);
    }
    if (!accepted) {
      smooth = value - norm(at, l1);
      if (pairs.length === 0) return { at, value, iterations: iteration, converged: false };
      pairs.length = 0; // they mislead: once more from the slope alone
      continue;
    }

    const pair =
      pairs.length === MEMORY ? pairs.shift()! : { s: new Float64Array(n), y: new Float64Array(n) };
    for (let i = 0; i < n; i++) {
      pair.s[i] = next[i] - at[i];
      pair.y[i] = nextGradient[i] - gradient[i];
    }
    if (bends(pair)) pairs.push(pair);
    shorten?.(next);
    [at, next] = [next, at];
    [gradient, nextGradient] = [nextGradient, gradient];
  }
}

/** The gradient, the norm included; where the norm has a kink, the least slope on either side, 0 if both sides rise. */
function pseudoGradient(at: Float64Array, gradient: Float64Array, l1: Float64Array): Float64Array {
  return gradient.map((g, i) => {
    if (at[i] !== 0) return g + Math.sign(at[i]) * l1[i];
    return g > l1[i] ? g - l1[i] : g < -l1[i] ? g + l1[i] : 0;
  });
}

/**
 * The pairs without the variables that rest on a kink: the direction is then by the inverse of the free block of the
 * curvature, not by the free block of the inverse, which saves a third of the steps.
 */
function freePairs(pairs: readonly Pair[], at: Float64Array, slope: Float64Array): Pair[] {
  const free = slope.map((g, i) => (g !== 0 || at[i] !== 0 ? 1 : 0));
  const part = (v: Float64Array) => v.map((value, i) => value * free[i]);
  return pairs.map(({ s, y }) => ({ s: part(s), y: part(y) })).filter(bends);
}

const bends = ({ s, y }: Pair): boolean => dot(s, y) > LEAST_CURVATURE * dot(y, y);

/** −H·slope by the two-loop recursion, H the inverse curvature that the pairs stand for. */
function descentDirection(slope: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = slope.map((g) => -g);
  const rho = pairs.map(({ s, y }) => 1 / dot(s, y));
  const alpha = new Float64Array(pairs.length);
  for (let h = pairs.length - 1; h >= 0; h--) {
    alpha[h] = rho[h] * dot(pairs[h].s, direction);
    add(direction, -alpha[h], pairs[h].y);
  }
  const last = pairs.at(-1);
  if (last !== undefined) {
    const scale = dot(last.s, last.y) / dot(last.y, last.y);
    for (let i = 0; i < direction.length; i++) direction[i] *= scale;
  }
  for (let h = 0; h < pairs.length; h++)
    add(direction, alpha[h] - rho[h] * dot(pairs[h].y, direction), pairs[h].s);
  return direction;
}

function norm(at: Float64Array, l1: Float64Array | undefined): number {
  let sum = 0;
  if (l1 !== undefined) for (let i = 0; i < at.length; i++) sum += l1[i] * Math.abs(at[i]);
  return sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** a += factor · b */
function add(a: Float64Array, factor: number, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i] += factor * b[i];
}
