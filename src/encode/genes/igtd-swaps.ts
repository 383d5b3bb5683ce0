/**
 * IGTD's search as published: the gene that has not been considered for the longest time changes places with the gene
 * whose exchange lowers the error most, if any does. What every exchange would bring is kept in a table, which a step reads
 * a row of; only an exchange costs genes × pixels, as the others change by the terms of two genes alone.
 *
 * Of the published constants the limit of 30,000 steps is kept. Its other criterion, 500 steps that together bring less
 * than a millionth, is not: the search ends where no exchange of two places lowers the error, so from the same start it
 * ends no higher than the published one. Published as well is one gene to each pixel; an empty pixel is a gene here that
 * has no distances.
 * Reference: Zhu et al. 2021, "Converting tabular data into images for deep learning with convolutional neural networks";
 * Taillard 1991 (the table, for the quadratic assignment problem, which this is one of).
 */
import { breathe, SLICE } from "../../embed/scran.js";
import { areaOf, type ImageSize } from "../../image-size.js";
import { type Progress, silent } from "../../progress.js";

/** Of a pair: the absolute or the squared difference between the rank of its genes and that of its pixels. */
export type RankError = "abs" | "squared";

export interface SwapOptions {
  readonly error?: RankError;
  /** Most genes considered. */
  readonly steps?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

const STEPS = 30_000;
/** What an exchange must bring, as a share of the error: rounding must not move genes to and fro. */
const LEAST_GAIN = 1e-13;

/**
 * @param ranks genes × genes, symmetric, 0 on the diagonal: rank of each pair's distance, as one of as many pairs as
 *   there are of pixels
 * @param pixelRanks rank by offset (distance-ranks.ts)
 * @param start pixel of each gene, all different
 * @returns pixel of each gene
 */
export async function swapGenes(
  ranks: Float64Array,
  pixelRanks: Float64Array,
  size: ImageSize,
  start: Int32Array,
  options: SwapOptions = {},
): Promise<Int32Array> {
  const { error = "abs", steps = STEPS, progress = silent, signal } = options;
  const genes = start.length;
  const items = areaOf(size); // genes, then empty pixels
  const { width } = size;
  const squared = error === "squared";
  const taken = new Set(start);
  const empty = Array.from({ length: items }, (_, pixel) => pixel).filter((pixel) => !taken.has(pixel));
  const pixels = Int32Array.from([...start, ...empty]);

  const weigh = squared ? (d: number) => d * d : Math.abs;
  const rankOf = (i: number, k: number) => {
    const rows = Math.floor(pixels[i] / width) - Math.floor(pixels[k] / width);
    const columns = (pixels[i] % width) - (pixels[k] % width);
    return pixelRanks[Math.abs(rows) * width + Math.abs(columns)];
  };
  // Rank of the pixels of each item and each gene; error of each gene, over all others.
  const placed = Float64Array.from({ length: items * genes }, (_, p) =>
    rankOf(Math.floor(p / genes), p % genes),
  );
  const errors = new Float64Array(genes);
  const addUp = (i: number) => {
    errors[i] = 0;
    for (let k = i * genes; k < (i + 1) * genes; k++) errors[i] += weigh(ranks[k] - placed[k]);
  };
  for (let i = 0; i < genes; i++) addUp(i);

  /** How much an exchange of gene i with item l changes the error, counted over all genes. */
  const change = (i: number, l: number): number => {
    const [ri, rl, pi, pl] = [i, l, i, l].map((item) => item * genes);
    // Terms of the two with themselves and each other, which an exchange leaves alone.
    const apart = weigh(placed[pl + i]);
    let sum = 0;
    if (squared) for (let k = 0; k < genes; k++) sum += (ranks[ri + k] - placed[pl + k]) ** 2;
    else for (let k = 0; k < genes; k++) sum += Math.abs(ranks[ri + k] - placed[pl + k]);
    if (l >= genes) return sum - errors[i] - apart;
    if (squared) for (let k = 0; k < genes; k++) sum += (ranks[rl + k] - placed[pi + k]) ** 2;
    else for (let k = 0; k < genes; k++) sum += Math.abs(ranks[rl + k] - placed[pi + k]);
    const between = weigh(ranks[ri + l] - placed[pi + l]);
    return sum - errors[i] - errors[l] + 2 * (between - apart - weigh(ranks[ri + l]));
  };
  // Genes × items, above the diagonal.
  const changes = new Float64Array(genes * items);
  const fill = (i: number, l: number) => {
    if (i < l) changes[i * items + l] = change(i, l);
    else if (l < i) changes[l * items + i] = change(l, i);
  };

  const exchange = (u: number, v: number): void => {
    const both = v < genes ? 1 : 0;
    const of = (item: number) => Float64Array.from({ length: items }, (_, k) => rankOf(k, item));
    const [qu, qv] = [of(u), of(v)];
    const ru = ranks.subarray(u * genes, (u + 1) * genes);
    const rv = both ? ranks.subarray(v * genes, (v + 1) * genes) : ru;
    const own = Float64Array.from(
      { length: genes },
      (_, k) =>
        weigh(ru[k] - qu[k]) - weigh(ru[k] - qv[k]) + both * (weigh(rv[k] - qv[k]) - weigh(rv[k] - qu[k])),
    );
    // Entries of u and v come out wrong here; they are filled anew below.
    for (let i = 0; i < genes; i++) {
      const [rui, rvi, qui, qvi, row] = [ru[i], rv[i], qu[i], qv[i], i * items];
      for (let l = i + 1; l < items; l++)
        changes[row + l] +=
          own[i] + weigh(rui - qv[l]) - weigh(rui - qu[l]) + both * (weigh(rvi - qu[l]) - weigh(rvi - qv[l]));
      for (let l = i + 1; l < genes; l++)
        changes[row + l] +=
          own[l] + weigh(ru[l] - qvi) - weigh(ru[l] - qui) + both * (weigh(rv[l] - qui) - weigh(rv[l] - qvi));
    }
    [pixels[u], pixels[v]] = [pixels[v], pixels[u]];
    const moved = both ? [u, v] : [u];
    for (let k = 0; k < genes; k++)
      for (const j of moved) errors[k] -= weigh(ranks[k * genes + j] - placed[k * genes + j]);
    for (const j of [u, v]) for (let k = 0; k < genes; k++) placed[j * genes + k] = rankOf(j, k);
    for (const j of moved) for (let k = 0; k < items; k++) placed[k * genes + j] = rankOf(k, j);
    for (let k = 0; k < genes; k++)
      for (const j of moved) errors[k] += weigh(ranks[k * genes + j] - placed[k * genes + j]);
    for (const j of moved) addUp(j);
    for (let l = 0; l < items; l++) fill(u, l);
    for (let l = 0; l < (both ? items : genes); l++) fill(l, v);
  };

  const task = progress.task("IGTD", steps);
  let until = performance.now() + SLICE;
  const breath = async (done: number) => {
    if (performance.now() <= until) return;
    task.update(done);
    await breathe(signal);
    until = performance.now() + SLICE;
  };
  try {
    for (let i = 0; i < genes; i++) {
      for (let l = i + 1; l < items; l++) fill(i, l);
      await breath(0);
    }
    const least = LEAST_GAIN * errors.reduce((sum, e) => sum + e, 0);
    const considered = new Int32Array(genes).fill(-1); // the step at which each gene was last
    let still = 0; // steps since the last exchange
    for (let step = 0; step < steps && still < genes; step++) {
      let i = 0;
      for (let k = 1; k < genes; k++) if (considered[k] < considered[i]) i = k;
      let best = -least;
      let other = -1;
      for (let l = 0; l < items; l++) {
        if (l === i) continue;
        const by = l < i ? changes[l * items + i] : changes[i * items + l];
        if (by >= best) continue;
        best = by;
        other = l;
      }
      considered[i] = step;
      still++;
      if (other >= 0) {
        exchange(i, other);
        if (other < genes) considered[other] = step;
        still = 0;
      }
      await breath(step + 1);
    }
  } finally {
    task.end();
  }
  return pixels.slice(0, genes);
}
