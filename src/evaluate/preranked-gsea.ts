/**
 * Preranked gene set enrichment analysis: down the ranking a sum rises at each gene of the set, by its score's size, and
 * falls at every other gene; the enrichment score is where it is farthest from 0. Genes of equal score stand in the order
 * of their columns. p compares with random sets of the same size (not with permuted samples: genes that rise and fall
 * together make it too small; `rankEnrichment` allows for that), with the observed score counted among those of its sign,
 * so that it is never 0; q is Benjamini and Hochberg's, where GSEA's own pools all sets.
 * The score is that of GSEA and gseapy.
 * Reference: Subramanian et al. 2005, "Gene set enrichment analysis".
 */
import type { RandomState } from "../random.js";
import { benjaminiHochberg } from "./benjamini-hochberg.js";
import { descending } from "./ranks.js";

export interface PrerankedGsea {
  name: string;
  /** Genes of the set among the ranked ones. */
  size: number;
  /** −1…1; 0 where all scores of the set are 0. */
  es: number;
  /** es over the mean size of the random ones of its sign; null where no random set has its sign. */
  nes: number | null;
  p: number;
  /** After Benjamini and Hochberg over all sets. */
  q: number;
  /** Columns of the set's genes up to the score's place, from the ranking's near end. */
  leadingEdge: Int32Array;
}

export interface GseaOptions {
  readonly random: RandomState;
  /** Random sets of each size; default: 1000. */
  readonly permutations?: number;
  /** Power of a score's size; default: 1. 0 counts all genes of the set alike. */
  readonly weight?: number;
}

/** Scores that differ by less are the same sum in another order. */
const rounding = 1e-12;

/**
 * Time grows as permutations × (genes + the sum of the different sizes).
 *
 * @param sets columns of the genes of each set, no column twice in a set; neither none nor all genes
 * @param scores one a gene, finite
 * @returns one for each set, in their order
 * @throws RangeError where a score is not finite, a set is empty or holds all genes, or an option is out of range
 */
export function prerankedGsea(
  sets: readonly { readonly name: string; readonly genes: Int32Array }[],
  scores: ArrayLike<number>,
  { random, permutations = 1000, weight = 1 }: GseaOptions,
): PrerankedGsea[] {
  const total = scores.length;
  if (!(Number.isInteger(permutations) && permutations > 0))
    throw new RangeError(`prerankedGsea: ${permutations} permutations`);
  if (!(weight >= 0 && Number.isFinite(weight))) throw new RangeError(`prerankedGsea: weight ${weight}`);
  const order = descending(scores);
  const place = new Int32Array(total);
  const sizes = Float64Array.from(order, (gene, at) => {
    if (!Number.isFinite(scores[gene]))
      throw new RangeError(`prerankedGsea: score ${gene} is ${scores[gene]}`);
    place[gene] = at;
    return Math.abs(scores[gene]) ** weight;
  });
  const observed = sets.map(({ name, genes }) => {
    if (genes.length === 0 || genes.length >= total)
      throw new RangeError(`prerankedGsea: the set '${name}' has ${genes.length} of ${total} genes`);
    const places = genes.map((gene) => place[gene]).sort();
    return { name, size: genes.length, ...enrichment(places, sizes), places };
  });

  const drawn = new Map(observed.map(({ size }) => [size, new Float64Array(permutations)]));
  for (let b = 0; b < permutations; b++) {
    const shuffled = random.permutation(total);
    for (const [size, scores] of drawn) scores[b] = enrichment(shuffled.slice(0, size).sort(), sizes).es;
  }
  const rows = observed.map(({ name, size, es, at, places }) => {
    const ofSign = (drawn.get(size) as Float64Array).filter((value) => (es >= 0 ? value >= 0 : value < 0));
    const beyond = ofSign.filter((value) => Math.abs(value) >= Math.abs(es) - rounding).length;
    const mean = ofSign.reduce((sum, value) => sum + Math.abs(value), 0) / ofSign.length;
    const edge =
      es > 0 ? places.subarray(0, at + 1) : es < 0 ? places.slice(at).reverse() : places.subarray(0, 0);
    return {
      name,
      size,
      es,
      nes: mean > 0 ? es / mean : null,
      p: es === 0 ? 1 : (1 + beyond) / (1 + ofSign.length),
      leadingEdge: edge.map((at) => order[at]),
    };
  });
  const q = benjaminiHochberg(rows.map(({ p }) => p));
  return rows.map((row, i) => ({ ...row, q: q[i] }));
}

/** @returns the score, and which of the set's genes (by place) is the last before, or the first after, its place */
function enrichment(places: Int32Array, sizes: Float64Array): { es: number; at: number } {
  const m = places.length;
  const others = sizes.length - m;
  let total = 0;
  for (const at of places) total += sizes[at];
  if (total === 0) return { es: 0, at: 0 };
  let hits = 0;
  let best = 0;
  let worst = 0;
  let bestAt = 0;
  let worstAt = 0;
  for (let j = 0; j < m; j++) {
    const misses = (places[j] - j) / others;
    const before = hits / total - misses;
    if (before < worst) [worst, worstAt] = [before, j];
    hits += sizes[places[j]];
    const after = hits / total - misses;
    if (after > best) [best, bestAt] = [after, j];
  }
  return best >= -worst - rounding ? { es: best, at: bestAt } : { es: worst, at: worstAt };
}
