/**
 * The model file: one .onnx that any onnxruntime runs without cellhue, images in, logits and probabilities out, with
 * what it needs to be used and trusted in its metadata (JSON under the key "cellhue"; nothing in it executes).
 */
import { networkGraph } from "../net/evaluate.js";
import type { Tensors } from "../net/tensors.js";
import type { NetName } from "../net/weights/layouts.js";

export const modelSchema = "cellhue.model/1";

export interface ModelMetadata {
  schema: typeof modelSchema;
  net: NetName;
  /** In the order of the outputs. */
  labels: string[];
  input: { name: "image"; dims: string; range: "0…1"; channels: "RGB" };
  outputs: { logits: string; probabilities: string };
  /** How a sample of expression became an image. */
  preprocessing: Record<string, unknown>;
  /** What it was trained on and with. */
  provenance: Record<string, unknown>;
}

export function encodeModelFile(
  tensors: Tensors,
  size: number,
  metadata: ModelMetadata,
  version: string,
): Uint8Array {
  const graph = networkGraph(metadata.net, tensors, metadata.labels.length, size);
  return graph.encode(
    { cellhue: JSON.stringify(metadata), labels: JSON.stringify(metadata.labels) },
    { name: "cellhue", version },
  );
}
