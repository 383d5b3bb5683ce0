/**
 * What the validation parts and the held-out predictions say of a net's probabilities: the temperature, the label sets, the
 * threshold of assignment, the distance from which a sample counts as far. The test samples of a fold set none of what
 * they are judged by.
 */
import type { Settings } from "../config.js";
import { NEIGHBOURS } from "../encode/encoder.js";
import { type Abstention, thresholdForRisk } from "../evaluate/abstain.js";
import { type ConformalRule, conformalThreshold } from "../evaluate/conformal.js";
import { type DistanceFlag, distanceFlag } from "../evaluate/distance-flag.js";
import { logProbabilities, temperRows } from "../evaluate/softmax.js";
import { fitTemperature, LEAST_SAMPLES, type TemperatureFit } from "../evaluate/temperature.js";
import { readSampleValues } from "../io/encoded.js";
import type { Predictions } from "../io/fold-predictions.js";
import type { RunFolder } from "../io/run-folder.js";
import type { RunSplit } from "../io/splits.js";

/** Greatest share of wrong ones among the assigned that the threshold of a model file stands for. */
const RISK = 0.05;
/** Share of samples like those of training that are flagged as far. */
const FAR = 0.01;

/** A temperature beyond these is a fit that ran away (a net without skill, few samples): it would flatten or sharpen all. */
const MOST_TEMPERATURE = 10;

export interface ValidationCalibration {
  temperature: TemperatureFit;
  /** Of probabilities at that temperature. */
  sets: ConformalRule;
}

/**
 * @param coverage share of samples whose true label is to be in the set
 * @returns null where there are too few validation samples
 */
export function calibrateOn(
  { actual, probabilities }: Predictions,
  classes: number,
  coverage: number,
): ValidationCalibration | null {
  if (actual.length < LEAST_SAMPLES) return null;
  const fit = fitTemperature(logProbabilities(probabilities), actual, classes);
  const temperature = {
    ...fit,
    temperature: Math.min(MOST_TEMPERATURE, Math.max(1 / MOST_TEMPERATURE, fit.temperature)),
  };
  const tempered = temperRows(probabilities, classes, temperature.temperature);
  return { temperature, sets: conformalThreshold(tempered, actual, classes, 1 - coverage) };
}

/** The threshold that keeps the error among the assigned small, from held-out samples. */
export const abstentionOn = ({ actual, probabilities }: Predictions, classes: number): Abstention =>
  thresholdForRisk(actual, probabilities, classes, RISK);

/**
 * The distance from which a sample counts as far from training: that which 1 % of held-out samples exceed.
 * Under the inductive protocol each sample's distance is to the training samples of a fold that does not hold it; under
 * the published one all samples are training samples, and each one's own zero is taken out of the mean.
 */
export async function farFromTraining(
  run: RunFolder,
  settings: Settings,
  splits: readonly RunSplit[],
): Promise<DistanceFlag> {
  if (settings.protocol === "published") {
    const { distance } = await readSampleValues(run, settings, "final");
    return distanceFlag(
      distance.map((d) => d * Math.sqrt(NEIGHBOURS / (NEIGHBOURS - 1))),
      FAR,
    );
  }
  const held: number[] = [];
  for (const [k, { repeat, test }] of splits.entries()) {
    if (repeat > 0) continue;
    const { distance } = await readSampleValues(run, settings, k);
    for (const i of test) held.push(distance[i]);
  }
  return distanceFlag(Float64Array.from(held), FAR);
}
