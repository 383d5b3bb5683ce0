/**
 * The masks of a guided training in gene space: the painter of each fold's encoder, opened when its training begins. For any
 * other training there is nothing to do, and X is not read.
 */
import type { Settings } from "../config.js";
import { geneExtremes } from "../embed/scale.js";
import { PainterGraph } from "../explain/pullback.js";
import { type EncoderKey, encoderFolder, readEncoder } from "../io/encoded.js";
import type { RunFolder } from "../io/run-folder.js";
import { type Matrix, selectRows } from "../matrix.js";
import type { LoopOptions } from "../train/loop.js";
import { maskGenes } from "../train/mask-genes.js";
import type { StageContext } from "./context.js";

/** Reads X, all samples × genes, normalised as for the encoder. */
export type LoadX = (key: EncoderKey) => Promise<Matrix>;

export class Guide {
  /** One at a time. */
  private held: { folder: string; opened: ReturnType<Guide["open"]> } | undefined;

  constructor(
    private readonly run: RunFolder,
    private readonly settings: Settings,
    private readonly ctx: StageContext,
    private readonly load: LoadX,
  ) {}

  /**
   * @param rows the training samples of the fold
   * @returns undefined where pixels are masked, or nothing is
   */
  async mask(key: EncoderKey, rows: Int32Array): Promise<LoopOptions["mask"]> {
    if (this.settings.train !== "saliency-guided" || this.settings.guide !== "genes") return undefined;
    const folder = encoderFolder(this.settings, key);
    if (this.held?.folder !== folder) {
      await this.release();
      this.held = { folder, opened: this.open(key) };
    }
    const { x, seen, smooth, exact } = await this.held.opened;
    const { minimum, maximum } = await geneExtremes(selectRows(x, rows), this.ctx);
    const range = { low: pick(minimum, seen), high: pick(maximum, seen) };
    return maskGenes({
      x,
      seen,
      range,
      painter: { paint: (e) => exact.paint(e), pullback: (e, gradient) => smooth.pullback(e, gradient) },
    });
  }

  private async open(key: EncoderKey) {
    const { encoderGraph } = await import("../encode/encoder.js");
    const encoder = await readEncoder(this.run, this.settings, key);
    const x = await this.load(key);
    const { painter, projection } = encoder;
    const chosen = painter.kind === "genes" ? painter.chosen : projection.chosen;
    const graph = (soft: boolean) =>
      new PainterGraph({
        paint: (g, expression) => encoderGraph(g, encoder, expression, soft).image,
        genes: x.cols,
        threads: this.settings.threads,
        signal: this.ctx.signal,
      });
    return {
      x,
      seen: chosen ?? Int32Array.from({ length: x.cols }, (_, j) => j),
      smooth: graph(true),
      exact: graph(false),
    };
  }

  async release(): Promise<void> {
    const { held } = this;
    this.held = undefined;
    if (held === undefined) return;
    // What failed to open was told where it was asked for.
    const opened = await held.opened.catch(() => undefined);
    await opened?.smooth.release();
    await opened?.exact.release();
  }
}

const pick = (values: Float32Array, columns: Int32Array): Float32Array =>
  Float32Array.from(columns, (j) => values[j]);
