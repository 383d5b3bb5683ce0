/**
 * Small model files and small .h5ad files, made for tests of `cellhue predict`. The model is of the form that the stages
 * write (the metadata are of the writer's own type, the normalisation is the writer's graph), but with a linear softmax
 * in place of encoder and net, so that its answers can be computed in the slow, obvious way.
 */
import { writeFileSync } from "node:fs";
import { Graph } from "../../src/graph/graph.js";
import { type ModelMetadata, modelSchema } from "../../src/io/model-file.js";
import { normalizeGraph } from "../../src/normalize/normalize-graph.js";
import { RandomState } from "../../src/random.js";

export interface MadeModel {
  genes: string[];
  labels: string[];
  geneIds: string[] | null;
  normalize: "none" | "log1p-cp10k";
  state: string;
  /** Genes × classes, row-major. */
  weights: Float32Array;
  /** What a gene that was not measured counts as, after normalisation. */
  geneMeans: Float32Array;
  /** Each gene's share of all counts. */
  geneShares: Float32Array;
  distance: number | null;
  abstain: number | null;
  conformal: number | null;
  /** Changes of the metadata, and of the strings beside them. */
  metadata: Record<string, unknown>;
  strings: Record<string, string>;
}

/** Means of 0.5, 1, 1.5 …, shares in the same proportion, weights that are random. */
export function madeModel(genes: number, labels: string[], changes: Partial<MadeModel> = {}): MadeModel {
  const random = new RandomState(genes);
  return {
    genes: Array.from({ length: genes }, (_, j) => `G${j}`),
    labels,
    geneIds: null,
    normalize: "none",
    state: "counts",
    weights: Float32Array.from({ length: genes * labels.length }, () => random.random() - 0.5),
    geneMeans: Float32Array.from({ length: genes }, (_, j) => (j + 1) / 2),
    geneShares: Float32Array.from({ length: genes }, (_, j) => (2 * (j + 1)) / (genes * (genes + 1))),
    distance: 10,
    abstain: 0.75,
    conformal: 0.2,
    metadata: {},
    strings: {},
    ...changes,
  };
}

/** expression N×genes, NaN where it was not measured → a linear softmax, and the Euclidean distance to 0. */
export function modelBytes(m: MadeModel): Uint8Array {
  const [genes, classes] = [m.genes.length, m.labels.length];
  const g = new Graph("made");
  const expression = g.input("expression", ["N", genes]);
  const normalised = normalizeGraph(g, expression, m.normalize, m.geneShares);
  const missing = g.op("IsNaN", [normalised], normalised.dims, {}, { type: "bool" });
  const means = g.initializer("means", m.geneMeans, [genes]);
  const x = g.op("Where", [missing, means, normalised], normalised.dims, {}, { type: "float32" });
  const logits = g.op("MatMul", [x, g.initializer("weights", m.weights, [genes, classes])], ["N", classes]);
  g.output("probabilities", g.op("Softmax", [logits], logits.dims, { axis: 1 }));
  g.output("logits", logits);
  g.output("image", expression);
  g.output("distance", g.op("ReduceL2", [x, g.ints([1])], ["N", 1], { keepdims: 1 }));
  const metadata: ModelMetadata = {
    schema: modelSchema,
    net: "resnet18",
    labels: m.labels,
    genes: m.genes,
    geneIds: m.geneIds,
    input: { name: "expression", dims: `N×${genes}`, missing: "NaN" },
    outputs: { probabilities: `N×${classes}`, logits: `N×${classes}`, image: `N×${genes}`, distance: "N×1" },
    inputState: { state: m.state, evidence: "made for a test", normalize: m.normalize },
    encoder: {},
    calibration: { temperature: 1, samples: 0 },
    distance: { threshold: m.distance, quantile: 0.99, meaning: "made for a test" },
    abstain: { threshold: m.abstain, meaning: "made for a test" },
    conformal:
      m.conformal === null
        ? null
        : { coverage: 0.9, threshold: m.conformal, samples: 9, meaning: "made for a test" },
    metrics: {},
    card: { intendedUse: "", data: "", limits: [] },
    provenance: {},
  };
  const strings = { cellhue: JSON.stringify({ ...metadata, ...m.metadata }), ...m.strings };
  return g.encode(strings, { name: "cellhue", version: "7.8.9" });
}

export function writeModel(path: string, model: MadeModel): string {
  writeFileSync(path, modelBytes(model));
  return path;
}

/**
 * What the model says of one sample, its genes in the model's order, NaN where one was not measured: the slow, obvious
 * way in float64.
 */
export function obvious(
  m: MadeModel,
  sample: readonly number[],
): { probabilities: number[]; distance: number } {
  const measured = [...sample.keys()].filter((j) => !Number.isNaN(sample[j]));
  const sum = (of: (j: number) => number) => measured.reduce((total, j) => total + of(j), 0);
  // The measured genes have their usual share of the sample's total.
  const total = sum((j) => sample[j]) / (measured.length === sample.length ? 1 : sum((j) => m.geneShares[j]));
  const normalised = (v: number) => (m.normalize === "none" ? v : Math.log1p((1e4 * v) / (total || 1)));
  const x = sample.map((v, j) => (Number.isNaN(v) ? m.geneMeans[j] : normalised(v)));
  const k = m.labels.length;
  const logits = m.labels.map((_, c) => x.reduce((sum, v, j) => sum + v * m.weights[j * k + c], 0));
  const highest = Math.max(...logits);
  const powers = logits.map((v) => Math.exp(v - highest));
  const whole = powers.reduce((a, b) => a + b, 0);
  return { probabilities: powers.map((p) => p / whole), distance: Math.hypot(...x) };
}

export interface MadeFile {
  /** Rows of numbers. */
  x: readonly (readonly number[])[];
  genes: readonly string[];
  samples?: readonly string[];
  /** Columns of obs. */
  labels?: Record<string, readonly string[]>;
  /** Columns of var. */
  others?: Record<string, readonly string[]>;
  /** Dense by default. */
  sparse?: boolean;
  layers?: Record<string, readonly (readonly number[])[]>;
}

/** An .h5ad as anndata writes it, but for compression. */
export async function writeH5ad(path: string, file: MadeFile): Promise<string> {
  const h5wasm = await import("h5wasm/node");
  await h5wasm.ready;
  const { genes, x } = file;
  const samples = file.samples ?? x.map((_, i) => `s${i}`);
  const f = new h5wasm.File(path, "w");
  const mark = (group: string, type: string, version: string) => {
    const at = new h5wasm.Group(f.file_id, group);
    at.create_attribute("encoding-type", type);
    at.create_attribute("encoding-version", version);
    return at;
  };
  mark("/", "anndata", "0.1.0");
  const frame = (name: string, index: readonly string[], columns: Record<string, readonly string[]>) => {
    f.create_group(name);
    const group = mark(name, "dataframe", "0.2.0");
    group.create_attribute("_index", "_index");
    const order = Object.keys(columns);
    if (order.length > 0) group.create_attribute("column-order", order, [order.length], "S");
    else group.create_attribute("column-order", new Float64Array(0), [0], "<d"); // as anndata does
    for (const [column, values] of Object.entries({ _index: index, ...columns })) {
      group.create_dataset({ name: column, data: [...values], shape: [values.length], dtype: "S" });
      mark(`${name}/${column}`, "string-array", "0.2.0");
    }
  };
  frame("obs", samples, file.labels ?? {});
  frame("var", genes, file.others ?? {});
  const dense = (name: string, rows: readonly (readonly number[])[]) => {
    f.create_dataset({ name, data: Float32Array.from(rows.flat()), shape: [samples.length, genes.length] });
    mark(name, "array", "0.2.0");
  };
  if (file.sparse) {
    f.create_group("X");
    const group = mark("X", "csr_matrix", "0.1.0");
    group.create_attribute("shape", Int32Array.of(samples.length, genes.length));
    const entries = x.map((row) => [...row.entries()].filter(([, v]) => v !== 0));
    let end = 0;
    const indptr = [0, ...entries.map((row) => (end += row.length))];
    const parts = {
      data: Float32Array.from(entries.flat(), ([, v]) => v),
      indices: Int32Array.from(entries.flat(), ([j]) => j),
      indptr: Int32Array.from(indptr),
    };
    for (const [name, data] of Object.entries(parts))
      group.create_dataset({ name, data, shape: [data.length] });
  } else dense("X", x);
  if (file.layers) {
    f.create_group("layers");
    for (const [name, rows] of Object.entries(file.layers)) dense(`layers/${name}`, rows);
  }
  f.close();
  return path;
}

/** Rows of whole numbers from 0 to 9, half of them 0. */
export function madeCounts(rows: number, cols: number, seed = 1): number[][] {
  const random = new RandomState(seed);
  return Array.from({ length: rows }, () =>
    Array.from({ length: cols }, () => Math.max(0, Math.floor(random.random() * 20) - 10)),
  );
}
