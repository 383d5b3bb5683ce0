/** The model file: what onnxruntime makes of it without cellhue. Python's is asked by test/oracles/model_file.py. */

import * as ort from "onnxruntime-node";
import { beforeAll, describe, expect, it } from "vitest";
import { type EncoderFit, encodeSamples, fitEncoder } from "../../src/encode/encoder.js";
import { readMetadata } from "../../src/graph/onnx.js";
import { square } from "../../src/image-size.js";
import { encodeModelFile, type ModelMetadata, modelSchema } from "../../src/io/model-file.js";
import { type DenseMatrix, selectRows } from "../../src/matrix.js";
import { Evaluator } from "../../src/net/evaluate.js";
import { paramSpecs } from "../../src/net/nets.js";
import type { NetName } from "../../src/net/weights/layouts.js";
import { normalizeMatrix } from "../../src/normalize/normalize.js";
import { RandomState } from "../../src/random.js";
import { fillBatch } from "../../src/train/batches.js";
import { formulaWeights } from "../net/formula.js";

const size = 64;
const genes = 30;
const labels = ["CD4+/CD25 T Reg", "<script>", "../../x", "Ünïcode →", 'a "b"\nc'];
const netNames: NetName[] = [
  "resnet18",
  "efficientnet_b0",
  "efficientnet_lite0",
  "mobilenet_v2",
  "squeezenet1_1",
];
const temperature = 1.7;

const metadataOf = (net: NetName): ModelMetadata => ({
  schema: modelSchema,
  net,
  labels,
  genes: Array.from({ length: genes }, (_, i) => `gene "${i}"`),
  geneIds: null,
  input: { name: "expression", dims: `N×${genes}`, missing: "NaN" },
  outputs: { probabilities: "N×5", logits: "N×5", image: "N×3×64×64", distance: "N×1" },
  inputState: { state: "counts", evidence: "made", normalize: "log1p-cp10k" },
  encoder: {},
  calibration: { temperature, samples: 3 },
  distance: { threshold: 1, quantile: 0.99, meaning: "" },
  abstain: { threshold: null, meaning: "" },
  conformal: null,
  metrics: {},
  card: { intendedUse: "", data: "", limits: [] },
  provenance: { label: "type" },
});

const random = new RandomState(3);
const counts: DenseMatrix = {
  kind: "dense",
  rows: 50,
  cols: genes,
  data: Float32Array.from({ length: 50 * genes }, () =>
    Math.max(0, Math.round(20 * random.standardNormal())),
  ),
};
// A sample without any count divides nothing by nothing.
counts.data.fill(0, 49 * genes);
const totals = Array.from({ length: genes }, (_, j) =>
  counts.data.reduce((sum, v, p) => (p % genes === j ? sum + v : sum), 0),
);
const geneShares = Float32Array.from(totals, (t) => t / totals.reduce((a, b) => a + b));
const x = normalizeMatrix(counts, "log1p-cp10k");
let encoder: EncoderFit;
beforeAll(async () => {
  const training = Int32Array.from({ length: 30 }, (_, i) => i);
  encoder = await fitEncoder(selectRows(x, training), { components: 8, size: square(size), seed: 1 });
});

/** Relative to the value where that is above 1. */
const largestGap = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i]) / Math.max(1, Math.abs(b[i]))));

const run = async (session: ort.InferenceSession, expression: Float32Array) =>
  session.run({ expression: new ort.Tensor("float32", expression, [expression.length / genes, genes]) });

describe.each(netNames)("the model file of %s", (net) => {
  it("goes from raw counts to what the stages make of them, whatever the batch", async () => {
    const weights = formulaWeights(paramSpecs(net, labels.length));
    const file = encodeModelFile({
      encoder,
      geneShares,
      tensors: weights,
      metadata: metadataOf(net),
      version: "1.2.3",
    });
    const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 2, logSeverityLevel: 3 });
    expect(session.inputNames).toEqual(["expression"]);
    expect(session.outputNames).toEqual(["probabilities", "logits", "image", "distance"]);
    const { images, distance } = await encodeSamples(encoder, x, {});
    const evaluator = await Evaluator.create(net, labels.length, square(size), 2);
    const expected = await evaluator.probabilities(weights, 50, (first, count, into) => {
      fillBatch(
        images,
        Array.from({ length: count }, (_, i) => first + i),
        square(size),
        into,
      );
    });
    await evaluator.release();
    for (const [first, n] of [
      [0, 50],
      [7, 1],
      [30, 3],
      [49, 1],
    ]) {
      const out = await run(session, counts.data.subarray(first * genes, (first + n) * genes));
      const image = out.image.data as Float32Array;
      const batch = new Float32Array(image.length);
      fillBatch(
        images,
        Array.from({ length: n }, (_, i) => first + i),
        square(size),
        batch,
      );
      expect(image.findIndex((v, p) => v !== batch[p])).toBe(-1);
      expect([...(out.distance.data as Float32Array)]).toEqual([...distance.subarray(first, first + n)]);
      const logits = out.logits.data as Float32Array;
      expect(out.logits.dims).toEqual([n, labels.length]);
      const soft = (t: number) =>
        Array.from({ length: n }, (_, i) => {
          const row = Array.from(logits.subarray(5 * i, 5 * i + 5), (v) => Math.exp(v / t));
          const sum = row.reduce((a, b) => a + b);
          return row.map((v) => v / sum);
        }).flat();
      expect(largestGap(soft(1), expected.subarray(5 * first, 5 * (first + n)))).toBeLessThan(1e-5);
      expect(largestGap(out.probabilities.data as Float32Array, soft(temperature))).toBeLessThan(1e-5);
    }
    await session.release();

    const metadata = readMetadata(file, "model_final.onnx");
    expect(JSON.parse(metadata.get("labels") ?? "")).toEqual(labels);
    expect(JSON.parse(metadata.get("cellhue") ?? "")).toEqual(metadataOf(net));
    expect(Buffer.from(file).includes("1.2.3")).toBe(true);
  });
});

it("takes NaN for genes that were not measured: the others count as if these were at their training mean", async () => {
  const net = "efficientnet_lite0";
  const tensors = formulaWeights(paramSpecs(net, labels.length));
  const metadata = metadataOf(net);
  metadata.inputState.normalize = "none";
  const session = await ort.InferenceSession.create(
    encodeModelFile({ encoder, geneShares: null, tensors, metadata, version: "1" }),
    { logSeverityLevel: 3 },
  );
  const missing = [2, 11, 29];
  const row = Float32Array.from(x.kind === "dense" ? x.data.subarray(0, genes) : []);
  const [nan, mean] = [row.slice(), row.slice()];
  for (const j of missing) {
    nan[j] = Number.NaN;
    mean[j] = encoder.projection.mean[j];
  }
  const [a, b] = [await run(session, nan), await run(session, mean)];
  for (const name of session.outputNames) expect(a[name].data).toEqual(b[name].data);
  expect((await run(session, row)).distance.data).not.toEqual(a.distance.data);
  await session.release();
});

it("is the same bytes for the same weights", () => {
  const net = "efficientnet_lite0";
  const [a, b] = [0, 1].map(() =>
    encodeModelFile({
      encoder,
      geneShares,
      tensors: formulaWeights(paramSpecs(net, labels.length)),
      metadata: metadataOf(net),
      version: "1",
    }),
  );
  expect(Buffer.from(a).equals(Buffer.from(b))).toBe(true);
});
