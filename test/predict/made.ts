/** A small model file and small .h5ad files, made for tests of `cellhue predict`. */
import { writeFileSync } from "node:fs";
import { Graph, type Value } from "../../src/graph/graph.js";
import { RandomState } from "../../src/random.js";

export interface MadeModel {
  genes: string[];
  labels: string[];
  geneIds: string[] | null;
  normalize: "none" | "log1p-cp10k";
  state: string;
  /** Genes × classes, row-major. */
  weights: Float32Array;
  geneMeans: Float32Array;
  /** NaN: the graph itself puts the mean (of the normalised scale) where a gene is missing. */
  missing: "NaN" | undefined;
  distance: number | null;
  abstain: number | null;
  conformal: number | null;
  /** Changes of the metadata, and of the strings beside them. */
  metadata: Record<string, unknown>;
  strings: Record<string, string>;
}

/** Means of 0.5, 1, 1.5 …, weights that are random. */
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
    missing: undefined,
    distance: 10,
    abstain: 0.75,
    conformal: 0.2,
    metadata: {},
    strings: {},
    ...changes,
  };
}

/** expression N×genes → a linear softmax, and the Euclidean distance to 0. */
export function modelBytes(m: MadeModel): Uint8Array {
  const [genes, classes] = [m.genes.length, m.labels.length];
  const g = new Graph("made");
  const expression = g.input("expression", ["N", genes]);
  let x: Value = expression;
  if (m.missing === "NaN") {
    const means = g.initializer("means", m.geneMeans, [genes]);
    const unknown = g.op("IsNaN", [x], x.dims, {}, { type: "bool" });
    x = g.op("Where", [unknown, means, x], x.dims, {}, { type: "float32" });
  }
  if (m.normalize === "log1p-cp10k") {
    const total = g.op("ReduceSum", [x, g.ints([1])], ["N", 1], { keepdims: 1 });
    const safe = g.op("Max", [total, g.scalar(1e-30)], ["N", 1]);
    const scaled = g.op("Mul", [g.op("Div", [x, safe], x.dims), g.scalar(1e4)], x.dims);
    x = g.op("Log", [g.op("Add", [scaled, g.scalar(1)], x.dims)], x.dims);
  }
  const logits = g.op("MatMul", [x, g.initializer("weights", m.weights, [genes, classes])], ["N", classes]);
  g.output("probabilities", g.op("Softmax", [logits], logits.dims, { axis: 1 }));
  g.output("logits", logits);
  g.output("image", expression);
  g.output("distance", g.op("ReduceL2", [x, g.ints([1])], ["N"], { keepdims: 0 }));
  const metadata = {
    schema: "cellhue.model/2",
    net: "resnet18",
    labels: m.labels,
    genes: m.genes,
    geneIds: m.geneIds,
    ...(m.missing === undefined ? {} : { input: { name: "expression", missing: m.missing } }),
    inputState: { state: m.state, evidence: "made for a test", normalize: m.normalize },
    calibration: { temperature: 1 },
    distance: { threshold: m.distance, quantile: 0.95 },
    abstain: { threshold: m.abstain, meaning: "made for a test" },
    conformal: m.conformal === null ? null : { coverage: 0.9, threshold: m.conformal },
    ...m.metadata,
  };
  const means = Buffer.from(m.geneMeans.buffer, m.geneMeans.byteOffset, m.geneMeans.byteLength);
  return g.encode(
    {
      cellhue: JSON.stringify(metadata),
      ...(m.missing === "NaN" ? {} : { cellhue_gene_means: means.toString("base64") }),
      ...m.strings,
    },
    { name: "cellhue", version: "7.8.9" },
  );
}

export function writeModel(path: string, model: MadeModel): string {
  writeFileSync(path, modelBytes(model));
  return path;
}

/** What the model says of one sample, its genes in the model's order: the slow, obvious way in float64. */
export function obvious(
  m: MadeModel,
  sample: readonly number[],
): { probabilities: number[]; distance: number } {
  const total = sample.reduce((a, b) => a + b, 0);
  const x = m.normalize === "none" ? sample : sample.map((v) => Math.log1p((1e4 * v) / (total || 1)));
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
  frame("obs", samples, {});
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
