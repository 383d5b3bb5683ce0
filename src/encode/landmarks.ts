/**
 * Role: which training samples the maps are made of. t-SNE and UMAP of samples and of genes see at most MOST of them, drawn
 * at random; every other sample is placed among these by the rule that places new ones (embed/neighbour-map.ts). Gene
 * choice, scaling and PCA see all.
 * Contract: the same for the same number and seed, rising.
 * Reference: landmarks as in van der Maaten & Hinton 2008, section 5, and de Silva & Tenenbaum 2004.
 */
import { RandomState } from "../random.js";

/** From here on a map of more samples shows no more than one of these, and costs hours. */
export const MOST_LANDMARKS = 10_000;
/** Keeps its random numbers apart from the others of the seed. */
const STREAM = 0x1a4d;

/** @returns null where all `n` samples are taken */
export function landmarksOf(n: number, seed: number, most = MOST_LANDMARKS): Int32Array | null {
  if (n <= most) return null;
  return Int32Array.from(new RandomState([seed, STREAM]).permutation(n).slice(0, most)).sort();
}
