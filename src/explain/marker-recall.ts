/**
 * How many known marker genes are among the first k of a ranking, against what a random ranking would find there
 * (k · markers / genes on average, hypergeometric).
 */
import { hypergeometricTail } from "../evaluate/hypergeometric.js";

export interface MarkerRecall {
  /** Markers among the first k, in the ranking's order. */
  found: string[];
  /** Markers that are ranked at all; recall is of these. */
  ranked: number;
  /** Markers that the ranking does not know. */
  unknown: string[];
  /** found / ranked; null where no marker is ranked. */
  recall: number | null;
  /** The recall of a random ranking, on average; null as `recall`. */
  expected: number | null;
  /** How likely a random ranking finds as many or more. */
  p: number;
  /** The k that was used: at most the number of genes. */
  k: number;
}

/**
 * @param ranking names of all genes, the strongest first; no name twice
 * @param markers names, equal to those of the ranking; doubled ones count once
 * @throws RangeError where k is not a whole number above 0, or a name is ranked twice
 */
export function markerRecall(
  ranking: readonly string[],
  markers: readonly string[],
  k: number,
): MarkerRecall {
  if (!(Number.isInteger(k) && k > 0)) throw new RangeError(`markerRecall: k is ${k}`);
  const genes = new Set(ranking);
  if (genes.size < ranking.length) throw new RangeError("markerRecall: a gene is ranked twice");
  const wanted = new Set(markers);
  const unknown = [...wanted].filter((name) => !genes.has(name));
  const ranked = wanted.size - unknown.length;
  const most = Math.min(k, ranking.length);
  const found = ranking.slice(0, most).filter((name) => wanted.has(name));
  return {
    found,
    ranked,
    unknown,
    recall: ranked === 0 ? null : found.length / ranked,
    expected: ranked === 0 ? null : most / ranking.length,
    p: hypergeometricTail(found.length, ranking.length, ranked, most),
    k: most,
  };
}
