/** t-SNE and UMAP of the same scores, at the same time where there are threads for both. */
import { type TsneOptions, tsne } from "./tsne.js";
import { umap } from "./umap.js";

export interface BothMapsOptions extends Omit<TsneOptions, "perplexity"> {
  /** Gives back a map that was made before, or makes it; so a long fit can be taken up again. */
  readonly keep?: (
    name: "tsne" | "umap",
    length: number,
    compute: () => Promise<Float32Array>,
  ) => Promise<Float32Array>;
}

/** Below this many samples a map takes less than the start of a thread that makes it. */
const FEW = 300;

/**
 * @param scores n × k, row-major, components falling
 * @returns the two maps, each n × 2, row-major; the same for the same scores and seed, whatever the threads
 */
export async function bothMaps(
  scores: Float32Array,
  n: number,
  k: number,
  { keep = (_name, _length, compute) => compute(), ...options }: BothMapsOptions,
): Promise<Record<"tsne" | "umap", Float32Array>> {
  const { threads = 1 } = options;
  const inThread = threads > 1 && n >= FEW ? await umapThread() : undefined;
  const first = keep("umap", 2 * n, () =>
    inThread ? inThread(scores, n, k, { ...options, threads: 1 }) : umap(scores, n, k, options),
  );
  const second = keep("tsne", 2 * n, () =>
    tsne(scores, n, k, inThread ? { ...options, threads: threads - 1 } : options),
  );
  const [ofUmap, ofTsne] = await Promise.all([first, second]);
  return { umap: ofUmap, tsne: ofTsne };
}

/** UMAP in a thread of its own, where this is Node and there is one. */
async function umapThread(): Promise<typeof umap | undefined> {
  if (typeof process === "undefined") return undefined;
  const { hasUmapThread, umapInThread } = await import("./umap-thread.js");
  return hasUmapThread() ? umapInThread : undefined;
}
