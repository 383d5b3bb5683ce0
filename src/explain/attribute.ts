/**
 * Role: every attribution method by its name, of the image and of the genes. A method of the input's gradient is computed on
 * the genes themselves, by the chain rule through the painter; a map of the image (Grad-CAM, HiResCAM, occlusion) is pulled
 * back to them (pullback.ts).
 * Contract: pure but for the sessions that are given; randomness is a function of the sample's number.
 */
import { areaOf } from "../image-size.js";
import type { RandomState } from "../random.js";
import { expectedGradients } from "./expected-gradients.js";
import { gradCam } from "./grad-cam.js";
import { gradientAttribution, gradientTimesInput } from "./gradient.js";
import { hiResCam } from "./hires-cam.js";
import { integratedGradients } from "./integrated-gradients.js";
import { imageOcclusion } from "./occlusion.js";
import type { PainterGraph } from "./pullback.js";
import type { Rows } from "./rows.js";
import type { ScoreModel } from "./score-model.js";
import { smoothGrad } from "./smooth-grad.js";

export type AttributionMethod =
  | "integrated-gradients"
  | "gradient"
  | "gradient-x-input"
  | "smoothgrad"
  | "expected-gradients"
  | "grad-cam"
  | "hires-cam"
  | "occlusion";

/** Points on the way of integrated gradients; draws of the methods that draw. */
const STEPS = 20;
const DRAWS = 20;
/** Noise of SmoothGrad, as a share of each gene's standard deviation in training. */
const NOISE = 0.3;
/** Windows of occlusion: a twelfth of the shorter side. */
const WINDOWS = 12;

export interface AttributionInput {
  /** Of the genes; and of the image that the painter makes of them. */
  readonly genes: ScoreModel;
  readonly image: ScoreModel;
  readonly painter: PainterGraph;
  /** Training samples, and each gene's mean and standard deviation in them. */
  readonly training: Rows;
  readonly mean: Float32Array;
  readonly sd: Float32Array;
  /** The random state of a sample. */
  readonly random: (sample: number) => RandomState;
}

export interface GeneAttribution {
  /** n × genes. */
  readonly values: Float32Array;
  /** Integrated gradients: how far each sample is from complete, as a share of the score difference. */
  readonly incomplete?: Float64Array;
}

/**
 * @param x n × genes, normalised as in training
 * @param codes the class of each sample's score
 */
export async function attributeGenes(
  method: AttributionMethod,
  from: AttributionInput,
  x: Float32Array,
  codes: ArrayLike<number>,
): Promise<GeneAttribution> {
  const { genes, painter, training, mean, sd, random } = from;
  switch (method) {
    case "gradient":
      return { values: await gradientAttribution(genes, x, codes) };
    case "gradient-x-input":
      return { values: await gradientTimesInput(genes, x, codes, mean) };
    case "smoothgrad":
      return {
        values: await smoothGrad(genes, x, codes, { draws: DRAWS, sd: sd.map((v) => NOISE * v), random }),
      };
    case "expected-gradients":
      return { values: await expectedGradients(genes, x, codes, training, { draws: DRAWS, random }) };
    case "integrated-gradients": {
      const { attributions, delta, difference } = await integratedGradients(genes, x, codes, mean, STEPS);
      const incomplete = delta.map((gap, i) => Math.abs(gap) / Math.max(Math.abs(difference[i]), 1e-6));
      return { values: attributions, incomplete };
    }
    default: {
      const maps = await attributeImage(method, from, await painter.paint(x), codes);
      return { values: await painter.pullback(x, maps, mean) };
    }
  }
}

/**
 * The map of the image that goes with a method: of the gradient kind signed and summed over the channels.
 * @param images n×3×H×W in 0…1
 * @returns n×H×W
 */
export async function attributeImage(
  method: AttributionMethod,
  { image, painter, mean, random }: Pick<AttributionInput, "image" | "painter" | "mean" | "random">,
  images: Float32Array,
  codes: ArrayLike<number>,
): Promise<Float32Array> {
  const average = () => painter.paint(mean);
  switch (method) {
    case "grad-cam":
      return gradCam(image, images, codes);
    case "hires-cam":
      return hiResCam(image, images, codes);
    case "occlusion": {
      const side = Math.max(1, Math.round(Math.min(painter.size.height, painter.size.width) / WINDOWS));
      return imageOcclusion(image, images, codes, await average(), { side: 2 * side, stride: side });
    }
    case "gradient":
      return summed(await gradientAttribution(image, images, codes), areaOf(painter.size));
    case "smoothgrad":
      return summed(
        await smoothGrad(image, images, codes, { draws: DRAWS, sd: 0.1, random }),
        areaOf(painter.size),
      );
    case "gradient-x-input":
      return summed(await gradientTimesInput(image, images, codes, await average()), areaOf(painter.size));
    default:
      // The way through the images of training has no other end than their mean here.
      return summed(
        (await integratedGradients(image, images, codes, await average(), STEPS)).attributions,
        areaOf(painter.size),
      );
  }
}

/** The sum over the channels, n×H×W. */
function summed(values: Float32Array, area: number): Float32Array {
  const n = values.length / (3 * area);
  const out = new Float32Array(n * area);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < 3; c++)
      for (let p = 0; p < area; p++) out[i * area + p] += values[(3 * i + c) * area + p];
  return out;
}
