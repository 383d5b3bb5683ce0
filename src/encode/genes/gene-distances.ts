/**
 * Distances of all genes to some of them over the samples given, by one matrix product a block of samples, in float64, so
 * that a sparse matrix is never dense as a whole and genes × genes is never stored.
 * Contract: the same with any number of threads. Equal to scipy's cdist (`euclidean`, `correlation`) up to rounding.
 */
import { geneMoments } from "../../embed/scale.js";
import { throwIfAborted } from "../../errors.js";
import { Graph } from "../../graph/graph.js";
import { cast } from "../../graph/ops/cast.js";
import { mul, sub } from "../../graph/ops/elementwise.js";
import { matMul, transpose } from "../../graph/ops/matmul.js";
import { createSession, type Session } from "../../graph/session.js";
import { fillRows, type Matrix } from "../../matrix.js";
import type { GeneMetric } from "./gene-vectors.js";

/** `correlation`: 1 − Pearson's r, and 1 from and to a constant gene, which correlates with nothing. */
export type DistanceMetric = Exclude<GeneMetric, "cosine">;

/** Values of a block, 32 MB in float64. */
const BLOCK_VALUES = 4 * 2 ** 20;
/** Correlation distances closer than this are equal: the product rounds copies of a gene differently. */
const DIGITS = 1e12;

export class GeneDistances {
  private constructor(
    private readonly x: Matrix,
    private readonly metric: DistanceMetric,
    private readonly mean: Float64Array,
    /** Sum of squared deviations of each gene. */
    private readonly squares: Float64Array,
    private readonly height: number,
    private readonly session: Session,
  ) {}

  /**
   * @param x samples × genes, finite; at least one sample and one gene
   * @throws RangeError where a value is not finite
   */
  static async open(x: Matrix, metric: DistanceMetric, threads?: number): Promise<GeneDistances> {
    const { mean, variance } = await geneMoments(x);
    if (!variance.every(Number.isFinite))
      throw new RangeError("geneDistances: the matrix has values that are not finite");
    const height = Math.min(x.rows, Math.max(1, Math.floor(BLOCK_VALUES / x.cols)));
    const g = new Graph("gene-distances");
    const block = g.input("block", [height, x.cols]);
    const filled = g.input("filled", [height, 1], "float64");
    const which = g.input("which", ["anchors"], "int64");
    const deviations = sub(g, cast(g, block, "float64"), g.initializer("mean", mean, [1, x.cols]));
    const centred = mul(g, deviations, filled); // rows that fill up the last block count nothing
    const anchors = g.op("Gather", [centred, which], [height, "anchors"], { axis: 1 });
    g.output("products", matMul(g, transpose(g, centred), anchors));
    const session = await createSession(g, { threads });
    const squares = variance.map((v) => v * (x.rows - 1));
    return new GeneDistances(x, metric, mean, squares, height, session);
  }

  /** @returns genes × anchors, row-major; 0 exactly from an anchor to itself */
  async to(anchors: Int32Array, signal?: AbortSignal): Promise<Float64Array> {
    const { x, height, metric, mean, squares } = this;
    const count = anchors.length;
    const sums = new Float64Array(x.cols * count);
    const block = new Float32Array(height * x.cols);
    const which = BigInt64Array.from(anchors, BigInt);
    for (let first = 0; first < x.rows; first += height) {
      throwIfAborted(signal);
      const rows = Int32Array.from({ length: Math.min(height, x.rows - first) }, (_, r) => first + r);
      fillRows(x, rows, block);
      const filled = Float64Array.from({ length: height }, (_, r) => (r < rows.length ? 1 : 0));
      const { products } = await this.session.run({ block, filled, which });
      const found = products.data as Float64Array;
      for (let p = 0; p < sums.length; p++) sums[p] += found[p];
    }
    for (let i = 0, p = 0; i < x.cols; i++)
      for (let a = 0; a < count; a++, p++) {
        const j = anchors[a];
        if (i === j) sums[p] = 0;
        else if (metric === "correlation") {
          const scale = Math.sqrt(squares[i]) * Math.sqrt(squares[j]);
          const r = scale > 0 ? sums[p] / scale : 0;
          sums[p] = Math.max(0, Math.round((1 - r) * DIGITS) / DIGITS);
        } else {
          const most = squares[i] + squares[j];
          const squared = most - 2 * sums[p];
          // What is left of a difference of equals is rounding.
          const spread = squared * DIGITS > most ? squared : 0;
          sums[p] = Math.sqrt(spread + x.rows * (mean[i] - mean[j]) ** 2);
        }
      }
    return sums;
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
