/**
 * Role: a painter by itself: expression → image, and maps of the image back to the genes.
 * Contract: genes G, images 3×H×W. With p the painter, J(e) = ∂p/∂e at a sample's expression e (3HW × G) and M a map in
 * image space, the pullback is the vector–Jacobian product
 *
 *   a_g = Σ_pixels M · ∂p/∂e_g                        where M is a gradient: the chain rule, exact
 *   a_g = (e_g − ē_g) · Σ_pixels M · ∂p/∂e_g          where M says what each pixel gives the score (Grad-CAM, HiResCAM,
 *                                                     occlusion, input × gradient), ē the training mean
 *
 * The second is, to first order, how the image weighted by M changes as gene g goes from its mean to its value: a gene counts
 * where it makes a pixel that counts differ. A map without channels holds for all three. The result is in units of M times
 * brightness; it ranks genes, and sums to no score. Gradients, integrated and expected gradients and occlusion of genes need
 * no pullback: a ScoreModel with the painter gives them directly.
 */
import { gradients } from "../graph/gradients.js";
import { Graph, staticDims } from "../graph/graph.js";
import { createSession, type Session } from "../graph/session.js";
import type { ImageSize } from "../image-size.js";
import { areaOf } from "../image-size.js";
import { runBatches } from "./batches.js";
import { timesDifference } from "./gradient.js";
import type { Painter } from "./score-model.js";

/** Samples in one run. */
const BATCH = 16;

export interface PainterGraphOptions {
  readonly paint: Painter;
  readonly genes: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** A painter, compiled when first used. */
export class PainterGraph {
  /** Size of its images. */
  readonly size: ImageSize;
  private readonly forward: Graph;
  private painting: Promise<Session> | undefined;
  private pulling: Promise<Session> | undefined;

  constructor(private readonly options: PainterGraphOptions) {
    const { g, image } = this.painted();
    const [, , height, width] = staticDims(image);
    this.size = { height, width };
    g.output("image", image);
    this.forward = g;
  }

  private painted() {
    const g = new Graph();
    const expression = g.input("expression", [BATCH, this.options.genes]);
    return { g, expression, image: this.options.paint(g, expression) };
  }

  /** Built when first used, as a painter that is only looked at need not be differentiable. */
  private backward(): Graph {
    const { g, expression, image } = this.painted();
    g.output("gradient", gradients(g, image, [expression], g.input("cotangent", image.dims))[0]);
    return g;
  }

  /** Expression n×G → images n×3×H×W in 0…1. */
  async paint(expression: Float32Array): Promise<Float32Array> {
    this.painting ??= createSession(this.forward, this.options);
    const n = this.samplesOf(expression);
    const { signal } = this.options;
    return (await runBatches(await this.painting, BATCH, n, { expression }, {}, signal)).image;
  }

  /**
   * @param expression n×G, where the Jacobian is taken
   * @param maps n×3×H×W, or n×H×W for all channels alike
   * @param baseline expression of G genes (the training mean): the result is multiplied by the difference from it
   * @returns n×G
   * @throws RangeError where the lengths do not fit
   */
  async pullback(
    expression: Float32Array,
    maps: Float32Array,
    baseline?: Float32Array,
  ): Promise<Float32Array> {
    this.pulling ??= createSession(this.backward(), this.options);
    const n = this.samplesOf(expression);
    const area = areaOf(this.size);
    const { genes, signal } = this.options;
    if (baseline !== undefined && baseline.length !== genes)
      throw new RangeError(`pullback: a baseline of ${baseline.length} values, not ${genes}`);
    if (maps.length !== 3 * n * area && maps.length !== n * area)
      throw new RangeError(`pullback: ${maps.length} values are not ${n} maps of the painter's images`);
    const cotangent = maps.length === 3 * n * area ? maps : onAllChannels(maps, area);
    const rows = { expression, cotangent };
    const { gradient } = await runBatches(await this.pulling, BATCH, n, rows, {}, signal);
    return baseline === undefined ? gradient : timesDifference(gradient, expression, baseline);
  }

  private samplesOf(expression: Float32Array): number {
    const n = expression.length / this.options.genes;
    if (!Number.isInteger(n))
      throw new RangeError(`${expression.length} values are not samples of ${this.options.genes} genes`);
    return n;
  }

  /** Frees the native memory. */
  async release(): Promise<void> {
    for (const session of [this.painting, this.pulling]) await (await session)?.release();
    this.painting = undefined;
    this.pulling = undefined;
  }
}

function onAllChannels(maps: Float32Array, area: number): Float32Array {
  const out = new Float32Array(3 * maps.length);
  for (let from = 0; from < maps.length; from += area)
    for (let c = 0; c < 3; c++) out.set(maps.subarray(from, from + area), 3 * from + c * area);
  return out;
}
