/**
 * Role: the masked images of a saliency-guided training in gene space: the genes that matter least to a sample's score get
 * other values, and the image is painted again.
 * Contract: the saliency of a gene is the gradient of the true class's logit by its expression, by the chain rule: the
 * gradient at the image (guided.ts) pulled back through the smooth painter. Only genes that the painter sees are features,
 * as of the others none matters. A value is drawn evenly from the gene's range in training. The masked image is rounded to
 * bytes as every image is.
 * Reference: Ismail, Corrada Bravo & Feizi 2021, "Improving deep learning interpretability by saliency guided training",
 * whose code draws from the range of a sample's own pixels: genes have scales of their own.
 */
import { fillRows, type Matrix, selectColumns } from "../matrix.js";
import type { GuidedBatch } from "./loop.js";
import { type FeatureRange, maskLeastSalient } from "./mask-salient.js";

/** What makes images of genes, and gradients of images those of genes. */
export interface GenesPainter {
  /** Expression n×G → images n×3×H×W in 0…1, as the net sees them. */
  paint(expression: Float32Array): Promise<Float32Array>;
  /** d score / d image, n×3×H×W, at an expression → d score / d expression, n×G. */
  pullback(expression: Float32Array, gradient: Float32Array): Promise<Float32Array>;
}

export interface MaskedGenes {
  /** All samples × genes, normalised as the painter takes them. */
  readonly x: Matrix;
  /** The genes that the painter sees, as columns of x. */
  readonly seen: Int32Array;
  /** Of these genes, over the training samples. */
  readonly range: FeatureRange;
  readonly painter: GenesPainter;
}

/** The `mask` of a guided training whose samples are rows of x. */
export function maskGenes({ x, seen, range, painter }: MaskedGenes) {
  return async ({ rows, gradient, share, random }: GuidedBatch): Promise<Float32Array> => {
    const n = rows.length;
    const expression = new Float32Array(n * x.cols);
    fillRows(x, rows, expression);
    const columns = (data: Float32Array) =>
      selectColumns({ kind: "dense", rows: n, cols: x.cols, data }, seen).data;
    const byGene = columns(await painter.pullback(expression, gradient));
    const masked = maskLeastSalient(columns(expression), byGene, n, share, { kind: "random", range, random });
    for (let i = 0; i < n; i++)
      for (let j = 0; j < seen.length; j++) expression[i * x.cols + seen[j]] = masked[i * seen.length + j];
    return painter.paint(expression);
  };
}
