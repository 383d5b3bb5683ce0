/** The model file: what onnxruntime makes of it without cellhue. Python's is asked by test/oracles/model_file.py. */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { readMetadata } from "../../src/graph/onnx.js";
import { encodeModelFile, type ModelMetadata, modelSchema } from "../../src/io/model-file.js";
import { Evaluator } from "../../src/net/evaluate.js";
import { paramSpecs } from "../../src/net/nets.js";
import type { NetName } from "../../src/net/weights/layouts.js";
import { formulaImages, formulaWeights } from "../net/formula.js";

const size = 128;
const labels = ["CD4+/CD25 T Reg", "<script>", "../../x", "Ünïcode →", 'a "b"\nc'];
const netNames: NetName[] = ["resnet18", "efficientnet_b0", "efficientnet_lite0"];
const oracle = JSON.parse(readFileSync("test/fixtures/nets.json", "utf8")) as Record<
  NetName,
  { logits: { n: number; h: number; values: number[] }[] }
>;

const metadataOf = (net: NetName): ModelMetadata => ({
  schema: modelSchema,
  net,
  labels,
  input: { name: "image", dims: `N×3×${size}×${size}`, range: "0…1", channels: "RGB" },
  outputs: { logits: "N×classes", probabilities: "N×classes, softmax of the logits" },
  preprocessing: { encoder: "spectral", size },
  provenance: { label: "type" },
});

/** Relative to the value where that is above 1. */
const largestGap = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i]) / Math.max(1, Math.abs(b[i]))));

describe.each(netNames)("the model file of %s", (net) => {
  it("gives PyTorch's logits and the Evaluator's probabilities, batch 1 and 3", async () => {
    const weights = formulaWeights(paramSpecs(net, labels.length));
    const file = encodeModelFile(weights, size, metadataOf(net), "1.2.3");
    const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 2, logSeverityLevel: 3 });
    expect(session.inputNames).toEqual(["image"]);
    expect(session.outputNames).toEqual(["logits", "probabilities"]);
    const images = formulaImages(1, 3, size, size);
    const expected = oracle[net].logits.find(({ n, h }) => n === 3 && h === size)?.values ?? [];
    const evaluator = await Evaluator.create(net, labels.length, size, 2);
    const probabilities = await evaluator.probabilities(weights, 3, (_, count, into) => {
      into.set(images.subarray(0, count * 3 * size * size));
    });
    await evaluator.release();
    for (const n of [3, 1]) {
      const image = new ort.Tensor("float32", images.subarray(0, n * 3 * size * size), [n, 3, size, size]);
      const out = await session.run({ image });
      expect(out.logits.dims).toEqual([n, labels.length]);
      expect(largestGap(out.logits.data as Float32Array, expected)).toBeLessThan(1e-5);
      expect(largestGap(out.probabilities.data as Float32Array, probabilities)).toBeLessThan(1e-5);
    }
    await session.release();

    const metadata = readMetadata(file, "model_final.onnx");
    expect(JSON.parse(metadata.get("labels") ?? "")).toEqual(labels);
    expect(JSON.parse(metadata.get("cellhue") ?? "")).toEqual(metadataOf(net));
    expect(Buffer.from(file).includes("1.2.3")).toBe(true);
  });
});

it("is the same bytes for the same weights", () => {
  const weights = () => formulaWeights(paramSpecs("efficientnet_lite0", labels.length));
  const [a, b] = [weights(), weights()].map((w) =>
    encodeModelFile(w, size, metadataOf("efficientnet_lite0"), "1"),
  );
  expect(Buffer.from(a).equals(Buffer.from(b))).toBe(true);
});
