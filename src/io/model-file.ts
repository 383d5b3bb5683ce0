/**
 * The model file: one .onnx that any onnxruntime runs without cellhue. Expression goes in (samples × genes, NaN for a
 * gene that was not measured); calibrated probabilities, logits, the image and the distance to training come out. What it
 * takes to use and to trust it stands in its metadata (JSON under the key "cellhue"; nothing in it executes).
 */

import { type EncoderFit, encoderGraph } from "../encode/encoder.js";
import { Graph } from "../graph/graph.js";
import { storedNetwork } from "../net/evaluate.js";
import type { Tensors } from "../net/tensors.js";
import type { NetName } from "../net/weights/layouts.js";
import type { Normalization } from "../normalize/normalize.js";
import { normalizeGraph } from "../normalize/normalize-graph.js";
import type { SizeFactorRule } from "../normalize/place-size-factors.js";

export const modelSchema = "cellhue.model/2";

export interface ModelMetadata {
  schema: typeof modelSchema;
  net: NetName;
  /** In the order of the outputs. */
  labels: string[];
  /** In the order of the input. */
  genes: string[];
  /** A second name of each gene (Ensembl beside symbol), "" where it has none; null where the file had no such column. */
  geneIds: string[] | null;
  input: { name: "expression"; dims: string; missing: "NaN" };
  outputs: Record<"probabilities" | "logits" | "image" | "distance", string>;
  /** What training's matrix seemed to hold, and what was done to it (in the graph, so give it as it is). */
  inputState: { state: string; evidence: string; normalize: Normalization };
  encoder: Record<string, unknown>;
  calibration: {
    /** Divides the logits before the softmax; 1 where none could be fitted. */
    temperature: number;
    /** Validation samples that it was fitted on. */
    samples: number;
  };
  /** A sample whose distance is above the threshold is flagged as far from training; null: none is. */
  distance: { threshold: number | null; quantile: number; meaning: string };
  /** Below this confidence a sample is better left unassigned. */
  abstain: { threshold: number | null; meaning: string };
  /** Label sets: all labels of at least this probability (null: all labels); null where nothing calibrates them. */
  conformal: { coverage: number; threshold: number | null; samples: number; meaning: string } | null;
  /** Accuracy and its like from the cross-validation, with their intervals. */
  metrics: Record<string, unknown>;
  card: { intendedUse: string; data: string; limits: string[] };
  /** What it was trained on and with. */
  provenance: Record<string, unknown>;
}

export interface ModelParts {
  encoder: EncoderFit;
  /** Each gene's share of all counts in training; null where nothing is normalised by totals. */
  geneShares: Float32Array | null;
  /** Of log1p-scran: what gives a sample its size factor. */
  sizeFactors?: SizeFactorRule | null;
  /** The net's weights. */
  tensors: Tensors;
  metadata: ModelMetadata;
  /** Of cellhue. */
  version: string;
}

/** The graph of a model: expression N×genes → the four outputs. */
export function modelGraph(parts: Omit<ModelParts, "version">): Graph {
  const { encoder, geneShares, sizeFactors, tensors, metadata } = parts;
  const g = new Graph(metadata.net);
  const expression = g.input("expression", ["N", encoder.projection.genes]);
  const normalised = normalizeGraph(g, expression, metadata.inputState.normalize, geneShares, sizeFactors);
  const { image, distance } = encoderGraph(g, encoder, normalised);
  const logits = storedNetwork(g, metadata.net, tensors, image, metadata.labels.length);
  const cooled = g.op("Mul", [logits, g.scalar(1 / metadata.calibration.temperature)], logits.dims);
  g.output("probabilities", g.op("Softmax", [cooled], logits.dims, { axis: 1 }));
  g.output("logits", logits);
  g.output("image", image);
  g.output("distance", distance);
  return g;
}

export function encodeModelFile(parts: ModelParts): Uint8Array {
  const { metadata, version } = parts;
  const strings = { cellhue: JSON.stringify(metadata), labels: JSON.stringify(metadata.labels) };
  return modelGraph(parts).encode(strings, { name: "cellhue", version });
}
