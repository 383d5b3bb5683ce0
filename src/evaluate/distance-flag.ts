/**
 * A flag for samples that are unlike those of training, from one distance a sample (e.g. to the nearest training samples
 * in PCA space): flagged is what is farther than nearly all reference samples, which training has not seen either.
 * The p value of a distance is conformal: of new samples like the reference, at most α have p ≤ α. Distances of training
 * samples to the others may serve as reference where none is held out; they are then a little too small.
 * Reference: Vovk, Gammerman & Shafer 2005, "Algorithmic learning in a random world"; Laxhammar & Falkman 2010 for
 * anomalies.
 */
import { bisectLeft } from "d3-array";
import { conformalRank, scoresNeeded } from "./conformal-rank.js";
import { percent } from "./percent.js";

export interface DistanceFlag {
  /** Greatest share of samples like the reference that is flagged. */
  alpha: number;
  /** Greater distances are flagged, those with p ≤ alpha; null where none can be, for want of reference samples. */
  threshold: number | null;
  /** Reference samples. */
  samples: number;
  /** All of it in words. */
  meaning: string;
}

/**
 * @param reference a distance a reference sample, in any order
 * @param alpha in 0…1, e.g. 0.05
 * @throws RangeError where a distance is not a number or alpha is not in 0…1
 */
export function distanceFlag(reference: Float32Array | Float64Array, alpha: number): DistanceFlag {
  checkDistances(reference);
  const samples = reference.length;
  const rank = conformalRank(samples, alpha);
  if (rank > samples)
    return {
      alpha,
      threshold: null,
      samples,
      meaning: `${samples} reference samples are too few to flag ${percent(alpha)} of them (at least ${scoresNeeded(alpha)} are needed): no sample is flagged, however far it is.`,
    };
  const threshold = Float64Array.from(reference).sort()[rank - 1];
  return {
    alpha,
    threshold,
    samples,
    meaning: `A sample farther than ${threshold.toPrecision(3)} is flagged as unlike those of training; of samples like the ${samples} reference samples at most ${percent(alpha)} are, by chance.`,
  };
}

/**
 * @param reference a distance a reference sample, in any order
 * @param distances of new samples
 * @returns per new sample (1 + reference samples at least as far) / (1 + reference samples), in 0…1
 * @throws RangeError where a distance is not a number
 */
export function distancePValues(
  reference: Float32Array | Float64Array,
  distances: Float32Array | Float64Array,
): Float64Array {
  checkDistances(reference);
  checkDistances(distances);
  const sorted = Float64Array.from(reference).sort();
  const n = sorted.length;
  return Float64Array.from(distances, (distance) => (1 + n - bisectLeft(sorted, distance)) / (1 + n));
}

function checkDistances(distances: Float32Array | Float64Array): void {
  const bad = distances.findIndex(Number.isNaN);
  if (bad >= 0) throw new RangeError(`the distance of sample ${bad} is NaN`);
}
