/**
 * What the AUCs need of the comparisons that `weightedRankWins` counts, where each sample is taken a number of times: per
 * class its wins over all others, and the mean AUC of the pairs of classes. Up to MANY_CLASSES from the comparisons of every
 * pair. Above that those, classes × classes for every resample, would be the whole cost; there the sums are made without them:
 *
 * For class a, most samples of other classes lie at one place among the scores of a's own samples (below all of them, by a good
 * net). Only the samples at other places are listed, by place. With T(p) the samples at place p, Q(p) the same each divided by
 * the size of its class, and v(p) what a wins over one of them (doubled), a wins Σ v(p) T(p) in all, and the AUCs of its
 * pairs sum to Σ v(p) Q(p) / (2 |a|). T and Q of the common place are what the listed ones leave of all samples and classes.
 * A resample costs a step for each listed sample, at worst classes × samples.
 */
import { greaterThan } from "./greater-than.js";
import { MANY_CLASSES } from "./many-classes.js";
import { checkScores, type RankWins } from "./rank-wins.js";
import { weightedRankWins } from "./weighted-rank-wins.js";

export interface RankSums {
  /** Per class: twice the wins of its samples over those of all other classes, by its probability. */
  wins: Float64Array;
  /** Samples of each class. */
  sizes: Float64Array;
  /** Mean AUC of the pairs of classes that are there, plain and weighted by the pairs' samples; NaN where there is none. */
  pairs: [mean: number, weighted: number];
}

/**
 * @param actual codes in 0…classes−1
 * @param probabilities samples × classes, row-major; any finite scores will do
 * @returns from how often each sample is taken to the sums
 * @throws RangeError where shapes or codes do not fit, or a probability is NaN
 */
export function rankSums(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): (times: Int32Array) => RankSums {
  if (classes > MANY_CLASSES) return sparseRankSums(actual, probabilities, classes);
  const winsOf = weightedRankWins(actual, probabilities, classes);
  return (times) => sumsOf(winsOf(times));
}

/** The sums of all comparisons. */
export function sumsOf(all: RankWins): RankSums {
  const { doubled, sizes } = all;
  const classes = sizes.length;
  const wins = new Float64Array(classes);
  for (let a = 0; a < classes; a++) for (let b = 0; b < classes; b++) wins[a] += doubled[a * classes + b];
  return { wins, sizes, pairs: meansOfPairs(all) };
}

/** As `aucOvoMacro` and `aucOvoWeighted`, over the pairs of classes that are there. */
function meansOfPairs({ doubled, sizes }: RankWins): [number, number] {
  const classes = sizes.length;
  let sum = 0;
  let pairs = 0;
  let weighted = 0;
  let weights = 0;
  for (let a = 0; a < classes; a++) {
    for (let b = a + 1; b < classes; b++) {
      if (sizes[a] === 0 || sizes[b] === 0) continue;
      const auc = (doubled[a * classes + b] + doubled[b * classes + a]) / (4 * sizes[a] * sizes[b]);
      sum += auc;
      pairs++;
      weighted += (sizes[a] + sizes[b]) * auc;
      weights += sizes[a] + sizes[b];
    }
  }
  return [sum / pairs, weighted / weights];
}

/** The scores of a class's own samples, and where the others stand among them. */
interface Places {
  /** Distinct own scores, from the greatest; place 2k + 1 is at the k-th, 2k above it and below the one before. */
  distinct: number;
  /** k of each own sample, in the order of the class's samples. */
  own: Int32Array;
  /** The place of most samples of other classes. */
  common: number;
  /** The samples at each other place: those of place p from starts[p] to starts[p + 1]. */
  starts: Int32Array;
  samples: Int32Array;
}

/** `rankSums` of any number of classes, without the pairs. */
export function sparseRankSums(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): (times: Int32Array) => RankSums {
  checkScores(actual, probabilities, classes);
  const members = samplesByClass(actual, classes);
  const places = members.map((own, a) => placesOf(own, a, actual, probabilities, classes));
  const samples = actual.length;
  const shares = new Float64Array(samples);
  return (times) => {
    const sizes = new Float64Array(classes);
    for (let i = 0; i < samples; i++) sizes[actual[i]] += times[i];
    let total = 0;
    let there = 0;
    for (let c = 0; c < classes; c++) {
      total += sizes[c];
      if (sizes[c] > 0) there++;
    }
    for (let i = 0; i < samples; i++) shares[i] = times[i] > 0 ? times[i] / sizes[actual[i]] : 0;
    const wins = new Float64Array(classes);
    let aucs = 0; // each pair's in two halves
    let weighted = 0;
    for (let a = 0; a < classes; a++) {
      const size = sizes[a];
      if (size === 0) continue;
      const { distinct, own, common, starts, samples: listed } = places[a];
      const equal = new Float64Array(distinct);
      for (let m = 0; m < own.length; m++) equal[own[m]] += times[members[a][m]];
      let greater = 0; // own samples above the place
      let restTimes = total - size;
      let restShares = there - 1;
      let commonValue = 0;
      let won = 0;
      let wonShares = 0;
      for (let place = 0; place <= 2 * distinct; place++) {
        const here = place % 2 === 1 ? equal[place >> 1] : 0;
        const value = 2 * greater + here;
        greater += here;
        if (place === common) {
          commonValue = value;
          continue;
        }
        let t = 0;
        let q = 0;
        for (let at = starts[place]; at < starts[place + 1]; at++) {
          t += times[listed[at]];
          q += shares[listed[at]];
        }
        restTimes -= t;
        restShares -= q;
        won += value * t;
        wonShares += value * q;
      }
      won += commonValue * restTimes;
      wonShares += commonValue * restShares;
      wins[a] = won;
      aucs += wonShares / (4 * size);
      // (|a| + |b|) · v / (4 |a| |b|), summed over the samples of all b
      weighted += wonShares / 4 + won / (4 * size);
    }
    const pairs = (there * (there - 1)) / 2;
    return { wins, sizes, pairs: [aucs / pairs, weighted / (total * (there - 1))] };
  };
}

/** The samples of each class (or those predicted as it). @param codes in 0…classes−1 */
export function samplesByClass(codes: Int32Array, classes: number): Int32Array[] {
  const starts = new Int32Array(classes + 1);
  for (const code of codes) starts[code + 1]++;
  for (let c = 0; c < classes; c++) starts[c + 1] += starts[c];
  const sorted = new Int32Array(codes.length);
  const next = starts.slice();
  for (const [i, code] of codes.entries()) sorted[next[code]++] = i;
  return Array.from({ length: classes }, (_, c) => sorted.subarray(starts[c], starts[c + 1]));
}

function placesOf(
  members: Int32Array,
  a: number,
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): Places {
  const scores = Float64Array.from(members, (i) => probabilities[i * classes + a]);
  const sorted = Float64Array.from(new Set(scores)).sort().reverse();
  const distinct = sorted.length;
  const samples = actual.length;
  const place = new Int32Array(samples);
  const counts = new Int32Array(2 * distinct + 1);
  for (let i = 0; i < samples; i++) {
    if (actual[i] === a) continue;
    place[i] = placeAmong(sorted, probabilities[i * classes + a]);
    counts[place[i]]++;
  }
  const common = counts.indexOf(counts.reduce((most, n) => Math.max(most, n), 0));
  counts[common] = 0;
  const starts = new Int32Array(counts.length + 1);
  for (let p = 0; p < counts.length; p++) starts[p + 1] = starts[p] + counts[p];
  const listed = new Int32Array(starts[counts.length]);
  const next = starts.slice();
  for (let i = 0; i < samples; i++) if (actual[i] !== a && place[i] !== common) listed[next[place[i]]++] = i;
  return {
    distinct,
    own: Int32Array.from(scores, (score) => placeAmong(sorted, score) >> 1),
    common,
    starts,
    samples: listed,
  };
}

/** 2k + 1 where the value is the k-th of the sorted ones (from the greatest), 2k where k of them are greater and none equal. */
function placeAmong(sorted: Float64Array, value: number): number {
  const greater = greaterThan(sorted, value);
  return 2 * greater + (sorted[greater] === value ? 1 : 0);
}
