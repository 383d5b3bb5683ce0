/**
 * t-SNE in two dimensions by scran.js (Barnes–Hut). As scikit-learn's it starts from the first two components, so the
 * map lies as they do and hardly depends on the seed, which only parts samples that coincide.
 * Reference: van der Maaten 2014; Kobak & Berens 2019 (start from components); scran.js (qdtsne).
 */
import { type Progress, silent } from "../progress.js";
import { RandomState } from "../random.js";
import { breathe, checkScores, nearest, SLICE, withScran } from "./scran.js";

export interface TsneOptions {
  /** Default 30; lowered to (n − 1) / 3 where there are fewer samples than its neighbourhoods need. */
  perplexity?: number;
  seed: number;
  threads?: number;
  progress?: Progress;
  signal?: AbortSignal;
}

const ITERATIONS = 1000;
/** Spread of the first component at the start (scikit-learn's), and of the seeded noise added to it. */
const START = 1e-4;
const NOISE = 1e-6;

/**
 * @param scores n × k, row-major, components falling
 * @returns n × 2, row-major; the same for the same scores and seed, whatever the threads; zeros for n < 3
 */
export async function tsne(
  scores: Float32Array,
  n: number,
  k: number,
  options: TsneOptions,
): Promise<Float32Array> {
  const { seed, threads, progress = silent, signal } = options;
  checkScores("tsne", scores, n, k);
  if (n < 3) return new Float32Array(2 * n);
  const asked = options.perplexity ?? 30;
  const perplexity = Math.min(asked, Math.max(1, (n - 1) / 3));
  if (perplexity < asked)
    progress.warn(`t-SNE: ${n} samples; a perplexity of ${perplexity.toFixed(1)} is used, not ${asked}`);
  const start = startFromComponents(scores, n, k, new RandomState(seed));

  return withScran(threads, async (scran, count) => {
    // The public interface of scran.js has no start but a random one, so its module is called directly.
    const { call } = await import("scran.js/main/wasm.js");
    const near = nearest(scran, scores, n, k, Math.min(n - 1, Math.ceil(3 * perplexity)), count);
    const coordinates = scran.createFloat64WasmArray(2 * n);
    coordinates.array().set(start);
    const status = call((module) => module.initialize_tsne(near.results, perplexity, count));
    const task = progress.task("t-SNE", ITERATIONS);
    while (status.iterations() < ITERATIONS) {
      call((module) => module.run_tsne(status, SLICE, ITERATIONS, coordinates.offset));
      task.update(status.iterations());
      await breathe(signal);
    }
    task.end();
    return Float32Array.from(coordinates.array());
  });
}

/** The first two components, scaled so that the first has the spread START, and a little noise. */
function startFromComponents(scores: Float32Array, n: number, k: number, random: RandomState): Float64Array {
  let mean = 0;
  for (let i = 0; i < n; i++) mean += scores[i * k] / n;
  let variance = 0;
  for (let i = 0; i < n; i++) variance += (scores[i * k] - mean) ** 2 / n;
  const scale = variance > 0 ? START / Math.sqrt(variance) : 0;
  const start = new Float64Array(2 * n);
  for (let i = 0; i < n; i++)
    for (let axis = 0; axis < 2; axis++) {
      const score = axis < k ? scores[i * k + axis] : 0;
      start[2 * i + axis] = scale * score + NOISE * random.standardNormal();
    }
  return start;
}
