/**
 * Preprocess: expression → PCA → UMAP and t-SNE → one image a sample. Writes embedding.csv, benchmarking/<class>/
 * sample_<row>.png and the three published figures. Each embedding is kept under work/ until the stage is done, so that
 * a run that was cut off takes up where it was.
 */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import type { Settings } from "../config.js";
import { throwIfAborted } from "../errors.js";
import { csvText } from "../io/csv.js";
import type { RunFolder } from "../io/run-folder.js";
import { RandomState } from "../random.js";
import type { StageContext } from "./context.js";
import type { RunInput } from "./prepare.js";

const pointSize = 3;
/** Images encoded and written side by side; sharp has four threads of its own. */
const atOnce = 8;

export async function preprocessStage(
  run: RunFolder,
  settings: Settings,
  ctx: StageContext,
  input: RunInput,
): Promise<void> {
  const { progress, signal } = ctx;
  const step = await run.begin("preprocess", settings);
  if (step === "done") {
    progress.note("preprocess: done before with the same settings");
    return;
  }
  const { labels, classes } = input;
  const n = labels.rows.length;
  const { seed, components: k, threads } = settings;

  const scores = await kept(run, "pca", n * k, async () => {
    const { pca } = await import("../embed/pca.js");
    const random = new RandomState(seed);
    const fit = await pca(await input.take(), {
      components: k,
      random,
      threads: threads || undefined,
      progress,
      signal,
    });
    return fit.scores;
  });
  throwIfAborted(signal);
  const umap = await kept(run, "umap", n * 2, async () => {
    const { umap } = await import("../embed/umap.js");
    return umap(scores, n, k, { seed, threads, progress, signal });
  });
  throwIfAborted(signal);
  const tsne = await kept(run, "tsne", n * 2, async () => {
    const { tsne } = await import("../embed/tsne.js");
    return tsne(scores, n, k, { seed, threads, progress, signal });
  });
  throwIfAborted(signal);

  await run.write("embedding.csv", embeddingCsv(input, { scores, k, umap, tsne }));
  const { spectralLayout } = await import("../encode/spectral.js");
  const layout = spectralLayout(tsne, column(scores, k, 0), column(umap, 2, 0), settings.size);
  await writeImages(run, settings, ctx, input, layout);

  const { figure1, figureCombined, figureGenesPixel } = await import("../report/figures.js");
  const { writeFigure } = await import("../report/figure.js");
  const map = {
    x: layout.x,
    y: layout.y,
    codes: labels.codes,
    classes: labels.classes,
    size: settings.size,
    side: 2 * pointSize + 1,
  };
  const names: string[] = [];
  for (const draw of [figure1, figureCombined, figureGenesPixel]) {
    throwIfAborted(signal);
    const figure = await draw(map);
    await writeFigure(run.path("figures"), figure);
    names.push(`figures/${figure.name}.svg`, `figures/${figure.name}.png`);
  }
  await rm(run.path("work"), { recursive: true, force: true });
  await run.finish("preprocess", [
    "embedding.csv",
    ...classes.map(({ folder }) => `benchmarking/${folder}`),
    ...names,
  ]);
}

/** A float32 array that is made once: read from work/ where it is there whole, else computed and put there. */
async function kept(
  run: RunFolder,
  name: string,
  length: number,
  compute: () => Promise<Float32Array>,
): Promise<Float32Array> {
  const path = `work/${name}.f32`;
  const bytes = await readFile(run.path(path)).catch(() => undefined);
  if (bytes?.byteLength === 4 * length) {
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  }
  const values = await compute();
  await run.write(path, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return values;
}

/** Column j of a row-major table of `width` columns. */
function column(values: Float32Array, width: number, j: number): Float32Array {
  return Float32Array.from({ length: values.length / width }, (_, i) => values[i * width + j]);
}

/** The shortest decimal number that reads back to the same float32. */
export function shortFloat32(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

interface Embeddings {
  scores: Float32Array;
  k: number;
  umap: Float32Array;
  tsne: Float32Array;
}

function embeddingCsv({ labels, samples }: RunInput, { scores, k, umap, tsne }: Embeddings): string {
  const pcs = Array.from({ length: k }, (_, j) => `pc${j + 1}`);
  const header = ["sample", "row", "label", ...pcs, "umap1", "umap2", "tsne1", "tsne2"];
  const numbers = (values: Float32Array, width: number, i: number) =>
    Array.from(values.subarray(i * width, (i + 1) * width), shortFloat32);
  return csvText(
    header,
    samples.map((sample, i) => [
      sample,
      labels.rows[i],
      labels.classes[labels.codes[i]],
      ...numbers(scores, k, i),
      ...numbers(umap, 2, i),
      ...numbers(tsne, 2, i),
    ]),
  );
}

/** One PNG a sample; those that a run which was cut off has written already stay. */
async function writeImages(
  run: RunFolder,
  settings: Settings,
  { progress, signal }: StageContext,
  { labels, classes }: RunInput,
  layout: import("../encode/spectral.js").SpectralLayout,
): Promise<void> {
  const [{ renderSpectral }, { encodePng }] = await Promise.all([
    import("../encode/spectral.js"),
    import("../io/png.js"),
  ]);
  const there = new Set<string>();
  for (const { folder } of classes) {
    await mkdir(run.path("benchmarking", folder), { recursive: true });
    for (const name of await readdir(run.path("benchmarking", folder)))
      there.add(`benchmarking/${folder}/${name}`);
  }
  const { size } = settings;
  const n = labels.rows.length;
  const task = progress.task("images", n);
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < n) {
      throwIfAborted(signal);
      const i = next++;
      const path = `benchmarking/${classes[labels.codes[i]].folder}/sample_${labels.rows[i]}.png`;
      if (!there.has(path)) {
        const png = await encodePng(renderSpectral(layout, i, size, pointSize), size, size);
        await run.write(path, png, { flush: false });
      }
      task.update(++done);
    }
  };
  try {
    // All are waited for, also where one fails: none is to be cut off in the middle of a file.
    const ends = await Promise.allSettled(
      Array.from({ length: atOnce }, () =>
        worker().catch((error: unknown) => {
          next = n;
          throw error;
        }),
      ),
    );
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  } finally {
    task.end();
  }
}
