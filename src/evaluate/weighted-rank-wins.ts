/**
 * The comparisons of `rankWins` where each sample is taken a number of times, as in a bootstrap resample. Where each
 * sample stands among those of a class is found once; a resample then costs one walk over all samples for each class,
 * class by class so that the sums stay in registers: 165,000 steps for 5,900 samples and 28 classes.
 */
import { greaterThan } from "./greater-than.js";
import { type RankWins, rankWins } from "./rank-wins.js";

/**
 * @param actual codes in 0…classes−1
 * @param probabilities samples × classes, row-major; any finite scores will do
 * @returns from how often each sample is taken to `rankWins` of the samples so repeated
 * @throws RangeError where shapes or codes do not fit, or a probability is NaN
 */
export function weightedRankWins(
  actual: Int32Array,
  probabilities: Float32Array | Float64Array,
  classes: number,
): (times: Int32Array) => RankWins {
  rankWins(actual, probabilities, classes); // checks shapes, codes and values
  const samples = actual.length;
  const starts = new Int32Array(classes + 1); // of each class in `order`
  for (const code of actual) starts[code + 1]++;
  for (let c = 0; c < classes; c++) starts[c + 1] += starts[c];
  const order = Int32Array.from({ length: samples }, (_, i) => i).sort((i, j) => actual[i] - actual[j]);

  // For class a, of each sample in `order`: 2k + 1 where its probability of a is the k-th greatest (from 0) that a sample
  // of a has, 2k where it lies between those and k of them are greater.
  const places = Array.from({ length: classes }, (_, a) => {
    const scores = Float64Array.from(order, (i) => probabilities[i * classes + a]);
    const own = Float64Array.from(new Set(scores.subarray(starts[a], starts[a + 1])))
      .sort()
      .reverse();
    const place = new Int32Array(samples);
    scores.forEach((score, at) => {
      const k = greaterThan(own, score);
      place[at] = 2 * k + (own[k] === score ? 1 : 0);
    });
    return { place, distinct: own.length };
  });

  const taken = new Int32Array(samples); // `times` in `order`
  const above = new Float64Array(2 * samples + 1); // by place: samples of a that are greater, doubled, and equal
  return (times) => {
    const sizes = new Float64Array(classes);
    for (let at = 0; at < samples; at++) taken[at] = times[order[at]];
    for (let c = 0; c < classes; c++)
      for (let at = starts[c]; at < starts[c + 1]; at++) sizes[c] += taken[at];
    const doubled = new Float64Array(classes * classes);
    places.forEach(({ place, distinct }, a) => {
      above.fill(0, 0, 2 * distinct + 1);
      for (let at = starts[a]; at < starts[a + 1]; at++) above[place[at]] += taken[at];
      let greater = 0;
      for (let k = 0; k < distinct; k++) {
        const equal = above[2 * k + 1];
        above[2 * k] = greater;
        above[2 * k + 1] = greater + equal;
        greater += 2 * equal;
      }
      above[2 * distinct] = greater;
      for (let b = 0; b < classes; b++) {
        if (b === a) continue;
        let wins = 0;
        for (let at = starts[b]; at < starts[b + 1]; at++) wins += taken[at] * above[place[at]];
        doubled[a * classes + b] = wins;
      }
    });
    return { doubled, sizes };
  };
}
