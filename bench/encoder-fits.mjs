// Seconds that each encoder of genes takes to be fitted, at 2,000 and 20,000 genes: from the training samples to the pixel of every
// gene. Keeps its figures in bench/kept/encoder-fits.json, from which encoders.mjs writes a table.
// usage: npm run build && node bench/encoder-fits.mjs [--samples 200] [--threads 2]
// Expression: 20 programmes of genes and noise; a square with as many pixels as genes; one gene a pixel, but fotomics by bins.

import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { fitGenePainter } from "../dist/encode/genes/painter.js";
import { RandomState } from "../dist/random.js";
import { madeGenes } from "./made-genes.mjs";

const { values } = parseArgs({
  options: {
    samples: { type: "string", default: "200" },
    threads: { type: "string", default: String(availableParallelism()) },
  },
});
const [samples, threads] = [Number(values.samples), Number(values.threads)];
const painting = { layout: "tsne", metric: "correlation", placing: "assignment", values: "zscore", zoom: 1 };
const encoders = {
  "deepinsight, t-SNE": { encoder: "deepinsight" },
  "deepinsight, UMAP": { encoder: "deepinsight", layout: "umap" },
  "deepinsight, PCA": { encoder: "deepinsight", layout: "pca" },
  "deepinsight, kernel PCA": { encoder: "deepinsight", layout: "kernel-pca" },
  triptych: { encoder: "triptych" },
  fotomics: { encoder: "fotomics", placing: "bins", values: "norm2" },
  igtd: { encoder: "igtd" },
};

const results = [];
for (const genes of [2000, 20_000]) {
  const x = madeGenes(samples, genes, new RandomState(genes));
  const side = Math.ceil(Math.sqrt(genes));
  for (const [name, encoder] of Object.entries(encoders)) {
    const began = performance.now();
    await fitGenePainter(x, null, {
      ...{ ...painting, ...encoder },
      ...{ size: { height: side, width: side }, seed: 1, threads },
    });
    results.push({
      genes,
      encoder: name,
      seconds: Number(((performance.now() - began) / 1000).toPrecision(3)),
    });
    console.log(JSON.stringify(results.at(-1)));
  }
}
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`;
const date = new Date().toISOString().slice(0, 10);
writeFileSync(
  new URL("kept/encoder-fits.json", import.meta.url),
  `${JSON.stringify({ made: date, machine, samples, results }, null, 1)}\n`,
);
